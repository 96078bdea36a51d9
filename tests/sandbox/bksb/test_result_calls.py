"""bksb's calls for results, over real HTTP."""

from typing import Any

import pytest

from sandbox.server import Sandbox
from sandbox.world.results import UNFINISHED, Component
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of

LISTS = {
    "initial": ("results/initialAssessment", "InitialAssessmentResults"),
    "diagnostic": ("results/diagnosticAssessment", "DiagnosticAssessmentResults"),
}


def all_pages(api: Api, user_id: int, source: str, size: int) -> list[dict[str, Any]]:
    path, list_name = LISTS[source]
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        body = api.get(f"{path}/{user_id}/all", page=page, recordsPerPage=size).json()
        assert body["Pagination"]["CurrentPage"] == page
        results = body.get(list_name, [])
        if not results:
            assert len(found) == body["Pagination"]["TotalRecords"]
            return found
        found += results
        page += 1


@pytest.mark.parametrize("source", ["initial", "diagnostic"])
@pytest.mark.parametrize("size", [7, 20, 500])
def test_all_pages_together_hold_each_result_once(sandbox: Sandbox, api: Api, source: Any, size: int) -> None:
    user_id = user_of(sandbox, "very_many_results").user_id
    truth = sandbox.site.results(user_id, source)
    found = all_pages(api, user_id, source, size)
    assert [
        (one["SessionId"], one["ResultDate"], one["Result"], one["CourseSubject"], one["AssessmentID"]) for one in found
    ] == [(one.session_id, one.completed_raw, one.result, one.course_subject, one.assessment_id) for one in truth]


def test_a_page_holds_20_results_by_default_and_100_at_most(sandbox: Sandbox, api: Api) -> None:
    path = f"results/initialAssessment/{user_of(sandbox, 'very_many_results').user_id}/all"
    usual, capped = api.get(path).json(), api.get(path, recordsPerPage=5000).json()
    assert (len(usual["InitialAssessmentResults"]), usual["Pagination"]["RecordsPerPage"]) == (20, 20)
    assert (len(capped["InitialAssessmentResults"]), capped["Pagination"]["RecordsPerPage"]) == (100, 100)
    assert capped["Pagination"]["TotalRecords"] == 230


def test_a_page_without_results_has_an_empty_list_for_some_users_and_none_for_others(
    sandbox: Sandbox, api: Api
) -> None:
    bodies = []
    for user in sandbox.site.users()[:2]:
        body = api.get(f"results/initialAssessment/{user.user_id}/all", page=99).json()
        assert body.get("InitialAssessmentResults", []) == []
        bodies.append("InitialAssessmentResults" in body)
    assert set(bodies) == {True, False}


def test_results_have_undocumented_fields(sandbox: Sandbox, api: Api) -> None:
    user = user_of(sandbox, "one_result")
    (result,) = api.get(f"results/initialAssessment/{user.user_id}/all").json()["InitialAssessmentResults"]
    assert {"AttemptNumber", "ReportUrl"} < set(result)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"page": 0}, 400),
        ({"page": -1}, 400),
        ({"page": "x"}, 400),
        ({"recordsPerPage": 0}, 400),
        ({"page": 10**9}, 200),
    ],
)
def test_pages_start_at_1(sandbox: Sandbox, api: Api, query: dict[str, Any], status: int) -> None:
    user_id = sandbox.site.users()[0].user_id
    assert api.get(f"results/initialAssessment/{user_id}/all", **query).status_code == status


@pytest.mark.parametrize(("user_id", "status"), [("999999", 404), ("-1", 400), ("abc", 400), ("1" * 30, 400)])
def test_results_of_an_unknown_user_are_an_error(api: Api, user_id: str, status: int) -> None:
    response = api.get(f"results/initialAssessment/{user_id}/all")
    assert (response.status_code, list(response.json())) == (status, ["Message"])


def test_v5_sessions_are_listed_by_course_subject_with_their_components(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "very_many_results").user_id
    truth = sandbox.site.results(user_id, "v5")
    listed: list[dict[str, Any]] = []
    for subject in ("ENG_NEW", "MATHS_NEW"):
        sessions = api.get(
            "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject=subject, userId=user_id
        ).json()
        listed += sessions or []
    assert {one["SessionId"] for one in listed} == {one.session_id for one in truth}
    assert {one["AssessmentType"] for one in listed} <= {1, 2}
    for one in truth:
        report = api.get(
            "assessmentSessions/GetEOAReportDataForAssessmentSessionV5",
            sessionId=one.session_id,
            userId=user_id,
        ).json()
        names = [component["CourseComponentName"] for component in report["AssessmentEOAData"]]
        assert names == [component.course_component_name for component in one.components]


def test_an_unfinished_v5_session_is_completed_in_the_year_1_and_has_an_empty_report(
    sandbox: Sandbox, api: Api
) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    session_id = sandbox.site.add_session(user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", UNFINISHED)
    (session,) = api.get(
        "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject="ENG_NEW", userId=user_id
    ).json()
    assert (session["SessionId"], session["DateCompleted"]) == (session_id, "0001-01-01T00:00:00")
    report = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=session_id, userId=user_id)
    assert report.json() == {"AssessmentEOAData": []}


def test_a_component_can_lack_keys(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    bare = Component("Reading", "Working at Entry 3", None, None)
    session_id = sandbox.site.add_session(user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", "2026-11-22T10:00:00", (bare,))
    report = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=session_id, userId=user_id)
    assert report.json() == {
        "AssessmentEOAData": [{"CourseComponentName": "Reading", "AbilityMeasurement": "Working at Entry 3"}]
    }


def test_no_v5_sessions_is_an_empty_list_for_some_users_and_null_for_others(sandbox: Sandbox, api: Api) -> None:
    bodies = [
        api.get(
            "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject="OTHER", userId=user.user_id
        ).json()
        for user in sandbox.site.users()[:2]
    ]
    assert sorted(bodies, key=str) == [None, []] or sorted(bodies, key=str) == [[], None]


def test_a_v5_session_of_another_user_is_not_found(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    response = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=1, userId=user_id)
    assert response.status_code == 404
