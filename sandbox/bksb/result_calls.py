"""bksb's calls for results: initial and diagnostic assessments, V5 sessions and their reports."""

from typing import Any, Literal

from fastapi import Request, Response

from sandbox.bksb.behaviour import Often
from sandbox.bksb.faults.listings import cut_faulty_page
from sandbox.bksb.faults.plan import Caller
from sandbox.bksb.histories import Source
from sandbox.bksb.parameters import cut_page, parse_number, read_page, require_parameter
from sandbox.bksb.responses import RefusedError, respond
from sandbox.bksb.site import BksbSite
from sandbox.bksb.user_calls import find_user
from sandbox.world.results import Component, Result, Session


class ResultCalls:
    def __init__(self, site: BksbSite) -> None:
        self._site = site

    async def list_initial_assessments(self, request: Request) -> Response:
        return self._list_results(request, "initial", "InitialAssessmentResults")

    async def list_diagnostic_assessments(self, request: Request) -> Response:
        return self._list_results(request, "diagnostic", "DiagnosticAssessmentResults")

    async def list_v5_sessions(self, request: Request) -> Response:
        user_id, subject = find_user(self._site, request).user_id, require_parameter(request, "courseSubject")
        sessions = [session for session in self._results(user_id, "v5") if session.course_subject == subject]
        if not sessions and _applies(self._site.behaviour.null_for_no_sessions, user_id):
            return respond(None)
        return respond([_encode_session(session) for session in sessions])

    async def report_v5_session(self, request: Request) -> Response:
        sessions = self._results(find_user(self._site, request).user_id, "v5")
        wanted = parse_number(require_parameter(request, "sessionId"))
        session = next((one for one in sessions if one.session_id == wanted), None)
        if session is None:
            raise RefusedError(404, {"Message": "Session not found."})
        components = session.components if session.is_finished else ()
        return respond({"AssessmentEOAData": [_encode_component(component) for component in components]})

    def _list_results(self, request: Request, source: Source, list_name: str) -> Response:
        user = find_user(self._site, request)
        user_id, results = user.user_id, self._results(user.user_id, source)
        page, size = read_page(request, self._site.behaviour.page_cap)
        shown, pagination = cut_page(results, page, size)
        caller = Caller(user_id, user.username.lower())
        faults = self._site.faults.settle_reading(f"{source}Assessment", caller, page, size, len(results))
        if faults:
            shown, pagination = cut_faulty_page(self._site, user_id, source, page, size, faults)
        body: dict[str, object] = {
            list_name: [_encode_result(result) for result in shown],
            "Pagination": pagination,
        }
        if "pagination_missing" in faults:
            del body["Pagination"]
        if not shown and _applies(self._site.behaviour.leaves_out_empty_lists, user_id):
            del body[list_name]
        return respond(body)

    def _results(self, user_id: int, source: Literal["initial", "diagnostic", "v5"]) -> tuple[Any, ...]:
        """Return the results of a user. A user that was merged into another has none."""
        return () if self._site.user(user_id) is None else self._site.results(user_id, source)


def _applies(choice: Often, user_id: int) -> bool:
    return choice == "always" or (choice == "sometimes" and user_id % 2 == 1)


def _encode_result(result: Result) -> dict[str, object]:
    return {
        "SessionId": result.session_id,
        "CourseSubject": result.course_subject,
        "CourseName": result.course_name,
        "ResultDate": result.completed_raw,
        "AssessmentName": result.assessment_name,
        "AssessmentID": result.assessment_id,
        "Result": result.result,
        "AttemptNumber": 1,
        "ReportUrl": None,
    }


def _encode_session(session: Session) -> dict[str, object]:
    return {
        "SessionId": session.session_id,
        "AssessmentType": session.assessment_type,
        "CourseSubject": session.course_subject,
        "DateStarted": session.started_raw,
        "DateCompleted": session.completed_raw,
        "IsPaper": False,
    }


def _encode_component(component: Component) -> dict[str, object]:
    keys = {
        "CourseComponentName": component.course_component_name,
        "AbilityMeasurement": component.ability_measurement,
        "MeasuringAssessmentName": component.measuring_assessment_name,
        "MeasuredAt": component.measured_at,
    }
    return {key: value for key, value in keys.items() if value is not None}
