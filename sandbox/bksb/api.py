"""The pretend bksb's HTTP face: every call of bksb-api.md, answering as the public evidence says."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from sandbox.bksb.answers import RefusedError, answer, nobody_has
from sandbox.bksb.behaviour import Behaviour, Often
from sandbox.bksb.faults.catalogue import Caller
from sandbox.bksb.faults.listings import faulty_page
from sandbox.bksb.faults.play import play
from sandbox.bksb.site import BksbSite, Source, User, UsernameTakenError
from sandbox.world.results import Component, Result, Session

LONDON = ZoneInfo("Europe/London")
LONGEST_USERNAME = 256
SHORTEST_PASSWORD = 8
DEFAULT_RECORDS_PER_PAGE = 20


T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


def create_app(site: BksbSite, access_key: str, secret_key: str, behaviour: Behaviour | None = None) -> FastAPI:
    """The web application: bksb's calls under /api/, behind HTTP Basic, and the sandbox's own under /_sandbox/.

    Faults that break connections need them in `app.state.connections`: sandbox.server puts them there.
    """
    app = FastAPI(title="bksb sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    if behaviour is not None:
        site.behaviour = behaviour
    calls = _Calls(site)
    door = _Door(site, access_key, secret_key)
    for method, path, handler in (
        ("POST", "/users/createUser", calls.create_user),
        ("GET", "/users/isUsernameExists", calls.is_username_exists),
        ("GET", "/users/user/getUserId", calls.get_user_id),
        ("GET", "/users/user/{user_id}/getAutoLoginLink", calls.get_auto_login_link),
        ("GET", "/results/initialAssessment/{user_id}/all", calls.initial_assessment),
        ("GET", "/results/diagnosticAssessment/{user_id}/all", calls.diagnostic_assessment),
        (
            "GET",
            "/assessmentSessions/getAssessmentSessionsForCourseV5",
            calls.get_assessment_sessions_for_course_v5,
        ),
        (
            "GET",
            "/assessmentSessions/GetEOAReportDataForAssessmentSessionV5",
            calls.get_eoa_report_data_for_assessment_session_v5,
        ),
        ("GET", "/userGroups/search", calls.search_user_groups),
    ):
        app.add_route(f"/api{path}", door.guard(_name_of(path), handler), methods=[method])
    app.add_route(
        "/api/{rest:path}", door.guard("unknown", _no_such_resource), methods=["GET", "POST", "PUT", "DELETE"]
    )
    _add_own_calls(app, site)
    return app


def _name_of(path: str) -> str:
    """What counters call a call: `createUser`, `initialAssessment` …"""
    parts = path.strip("/").split("/")
    if parts[0] == "results":
        return parts[1]
    return "userGroupsSearch" if parts[0] == "userGroups" else parts[-1]


async def _no_such_resource(_request: Request) -> Response:
    return answer({"Message": "No HTTP resource was found that matches the request URI."}, 404)


class _Door:
    """Lets calls in that carry the key, counts them, makes them take the site's latency, and plays its faults."""

    def __init__(self, site: BksbSite, access_key: str, secret_key: str) -> None:
        self._site = site
        self._key = base64.b64encode(f"{access_key}:{secret_key}".encode())

    def guard(self, name: str, handler: Handler) -> Handler:
        async def respond(request: Request) -> Response:
            try:
                return await handler(request)
            except RefusedError as refusal:
                return answer(refusal.body, refusal.status)

        async def call(request: Request) -> Response:
            if not self._authorised(request):
                with self._site.call("unauthorised"):
                    denied = answer({"Message": "Authorization has been denied for this request."}, 401)
                    denied.headers["WWW-Authenticate"] = 'Basic realm="bksb"'
                    return denied
            with self._site.call(name):
                if self._site.latency:
                    await asyncio.sleep(self._site.latency)
                if self._site.faults.is_idle:
                    return await respond(request)
                return await play(self._site, name, request, respond)

        return call

    def _authorised(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(credentials.strip().encode("latin-1"), self._key)


class _Calls:
    """One method a call."""

    def __init__(self, site: BksbSite) -> None:
        self._site = site

    async def create_user(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise RefusedError(415, {"Message": "The request entity's media type is not supported for this resource."})
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        username = form.get("Username", "")
        reason = _reason_against(form)
        if reason:
            raise RefusedError(self._site.behaviour.refusal_status, reason)
        try:
            user = await run_in_threadpool(
                self._site.create_user,
                username,
                form["Firstname"],
                form["Lastname"],
                form.get("Email", ""),
                form["Password"],
                _date_of_birth(form),
                form.get("AutoEnrolCourses", "false").lower() == "true",
            )
        except UsernameTakenError:
            raise RefusedError(
                self._site.behaviour.refusal_status, f"A user with username '{username}' already exists."
            ) from None
        return answer(
            {
                "UserId": user.user_id,
                "Username": user.username,
                "Firstname": user.first_name,
                "Lastname": user.last_name,
                "Email": user.email,
                "Groups": ["Everyone"],
                "IsActive": True,
            }
        )

    async def is_username_exists(self, request: Request) -> Response:
        return answer(self._site.find(_asked(request, "username")) is not None)

    async def get_user_id(self, request: Request) -> Response:
        username = _asked(request, "username")
        user = self._site.find(username)
        if user is not None:
            return answer(user.user_id)
        return nobody_has(username, self._site.behaviour)

    async def get_auto_login_link(self, request: Request) -> Response:
        user = self._user(request)
        token = secrets.token_hex(16)
        link = f"{request.base_url}bksbLive2/AutoLogin.aspx?username={quote(user.username, safe='')}&token={token}"
        expiry = datetime.now(LONDON).replace(tzinfo=None) + timedelta(minutes=15)
        return answer({"Link": link, "Expiry": expiry.isoformat(timespec="seconds")})

    async def initial_assessment(self, request: Request) -> Response:
        return self._page(request, "initial", "InitialAssessmentResults")

    async def diagnostic_assessment(self, request: Request) -> Response:
        return self._page(request, "diagnostic", "DiagnosticAssessmentResults")

    async def get_assessment_sessions_for_course_v5(self, request: Request) -> Response:
        user_id, subject = self._user(request).user_id, _asked(request, "courseSubject")
        sessions = [
            _session_of(session) for session in self._results(user_id, "v5") if session.course_subject == subject
        ]
        if not sessions and _applies(self._site.behaviour.null_for_no_sessions, user_id):
            return answer(None)
        return answer(sessions)

    async def get_eoa_report_data_for_assessment_session_v5(self, request: Request) -> Response:
        sessions, wanted = self._results(self._user(request).user_id, "v5"), _number(_asked(request, "sessionId"))
        session = next((one for one in sessions if one.session_id == wanted), None)
        if session is None:
            raise RefusedError(404, {"Message": "Session not found."})
        components = session.components if session.finished else ()
        return answer({"AssessmentEOAData": [_component_of(component) for component in components]})

    async def search_user_groups(self, request: Request) -> Response:
        query = request.query_params.get("query", "").lower()
        groups = [{"GroupId": 1, "Name": "Everyone", "Members": len(self._site.users())}]
        groups = [group for group in groups if query in str(group["Name"]).lower()]
        shown, pagination = _slice(groups, *self._page_asked_for(request))
        return answer({"UserGroups": shown, "Pagination": pagination})

    def _page(self, request: Request, source: Source, list_name: str) -> Response:
        user = self._user(request)
        user_id, results = user.user_id, self._results(user.user_id, source)
        page, size = self._page_asked_for(request)
        shown, pagination = _slice(results, page, size)
        caller = Caller(user_id, user.username.lower())
        faults = self._site.faults.reading(f"{source}Assessment", caller, page, size, len(results))
        if faults:
            shown, pagination = faulty_page(self._site, user_id, source, page, size, faults)
        body: dict[str, object] = {
            list_name: [_result_of(result) for result in shown],
            "Pagination": pagination,
        }
        if "pagination_missing" in faults:
            del body["Pagination"]
        if not shown and _applies(self._site.behaviour.leaves_out_empty_lists, user_id):
            del body[list_name]
        return answer(body)

    def _page_asked_for(self, request: Request) -> tuple[int, int]:
        """Which page, and how many results a page holds."""
        page = _number(request.query_params.get("page", "1"))
        size = _number(request.query_params.get("recordsPerPage", str(DEFAULT_RECORDS_PER_PAGE)))
        if page < 1 or size < 1:
            raise RefusedError(400, {"Message": "The request is invalid."})
        return page, min(size, self._site.behaviour.page_cap)

    def _results(self, user_id: int, source: Literal["initial", "diagnostic", "v5"]) -> tuple[Any, ...]:
        """None for a user that was merged away: they are the other's now."""
        return () if self._site.user(user_id) is None else self._site.results(user_id, source)

    def _user(self, request: Request) -> User:
        user_id = _number(request.path_params.get("user_id") or _asked(request, "userId"))
        user = self._site.user(user_id)
        if user is None and self._site.behaviour.merged_users == "empty":
            user = self._site.merged_user(user_id)
        if user is None:
            raise RefusedError(404, {"Message": f"A user with id '{user_id}' not found."})
        return user


def _slice(records: Sequence[T], page: int, size: int) -> tuple[Sequence[T], dict[str, int]]:
    start = (page - 1) * size
    pagination = {"CurrentPage": page, "TotalRecords": len(records), "RecordsPerPage": size}
    return records[start : start + size], pagination


def _asked(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise RefusedError(400, {"Message": "The request is invalid."})
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise RefusedError(400, {"Message": "The request is invalid."})
    return int(text)


def _applies(choice: Often, user_id: int) -> bool:
    return choice == "always" or (choice == "sometimes" and user_id % 2 == 1)


def _reason_against(form: Mapping[str, str]) -> str | None:
    """Why a server would not make this user; None if it would."""
    for name in ("Username", "Firstname", "Lastname", "Password"):
        if not form.get(name, "").strip():
            return f"{name} is required."
    if len(form["Username"]) > LONGEST_USERNAME:
        return f"Username must be {LONGEST_USERNAME} characters or fewer."
    if len(form["Password"]) < SHORTEST_PASSWORD:
        return f"Password must be at least {SHORTEST_PASSWORD} characters."
    if form.get("AutoEnrolCourses", "false").lower() not in ("true", "false"):
        return "AutoEnrolCourses must be true or false."
    try:
        _date_of_birth(form)
    except ValueError:
        return "DateOfBirth is not valid."
    return None


def _date_of_birth(form: Mapping[str, str]) -> date | None:
    """From the bracketed parts; None when there are none at all; ValueError when they make no date.

    Year, month and day are needed; the parts of the time may be left out.
    """
    if not any(name.startswith("DateOfBirth") for name in form):
        return None
    year, month, day = (int(form.get(f"DateOfBirth[{part}]", "")) for part in ("Year", "Month", "Day"))
    for part, limit in (("Hour", 24), ("Minute", 60), ("Second", 60), ("Millisecond", 1000)):
        if int(form.get(f"DateOfBirth[{part}]", "0")) not in range(limit):
            raise ValueError
    return date(year, month, day)


def _result_of(result: Result) -> dict[str, object]:
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


def _session_of(session: Session) -> dict[str, object]:
    return {
        "SessionId": session.session_id,
        "AssessmentType": session.assessment_type,
        "CourseSubject": session.course_subject,
        "DateStarted": session.started_raw,
        "DateCompleted": session.completed_raw,
        "IsPaper": False,
    }


def _component_of(component: Component) -> dict[str, object]:
    keys = {
        "CourseComponentName": component.course_component_name,
        "AbilityMeasurement": component.ability_measurement,
        "MeasuringAssessmentName": component.measuring_assessment_name,
        "MeasuredAt": component.measured_at,
    }
    return {key: value for key, value in keys.items() if value is not None}


def _add_own_calls(app: FastAPI, site: BksbSite) -> None:
    """What a test or a report may ask the sandbox itself; no key needed, as it listens on this machine only."""

    @app.get("/_sandbox/state")
    def state() -> Response:
        users = [{"UserId": user.user_id, "Username": user.username} for user in site.users()]
        return answer(
            {
                "users": users,
                "calls": site.calls,
                "peak_concurrency": site.peak_concurrency,
                "results": site.counts(),
                "latency": site.latency,
            }
        )

    @app.get("/_sandbox/results")
    def results(user_id: int) -> Response:
        if site.user(user_id) is None:
            return answer({"Message": "No such user."}, 404)
        return answer(
            {
                "initial": [asdict(result) for result in site.results(user_id, "initial")],
                "diagnostic": [asdict(result) for result in site.results(user_id, "diagnostic")],
                "v5": [asdict(session) for session in site.results(user_id, "v5")],
            }
        )

    @app.post("/_sandbox/reset_counters")
    def reset_counters() -> Response:
        site.reset_counters()
        return answer({"calls": site.calls})

    @app.post("/_sandbox/latency")
    def latency(seconds: float) -> Response:
        if not 0 <= seconds <= 60:
            return answer({"Message": "Between 0 and 60 seconds."}, 400)
        site.latency = seconds
        return answer({"latency": site.latency})
