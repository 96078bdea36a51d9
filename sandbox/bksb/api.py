"""The HTTP API of the simulated bksb: every call of docs/bksb-api.md, as far as its behaviour is known."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.injection import respond_with_faults
from sandbox.bksb.own_calls import add_own_calls
from sandbox.bksb.responses import DENIED, NO_RESOURCE, RefusedError, respond
from sandbox.bksb.result_calls import ResultCalls
from sandbox.bksb.site import BksbSite
from sandbox.bksb.user_calls import UserCalls

Handler = Callable[[Request], Awaitable[Response]]


def create_app(site: BksbSite, access_key: str, secret_key: str, behaviour: Behaviour | None = None) -> FastAPI:
    """Return the web application: bksb's calls under /api/ with HTTP Basic, and control calls under /_sandbox/.

    Faults that break connections need `app.state.connections`, which sandbox.server sets.
    """
    app = FastAPI(title="bksb sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    if behaviour is not None:
        site.behaviour = behaviour
    wrapper = _CallWrapper(site, access_key, secret_key)
    for method, path, handler in _list_calls(site):
        app.add_route(f"/api{path}", wrapper.wrap(_name_call(path), handler), methods=[method])
    app.add_route(
        "/api/{rest:path}", wrapper.wrap("unknown", _refuse_unknown_call), methods=["GET", "POST", "PUT", "DELETE"]
    )
    add_own_calls(app, site)
    return app


def _list_calls(site: BksbSite) -> tuple[tuple[str, str, Handler], ...]:
    users, results, sessions = UserCalls(site), ResultCalls(site), "/assessmentSessions"
    return (
        ("POST", "/users/createUser", users.create_user),
        ("GET", "/users/isUsernameExists", users.is_username_exists),
        ("GET", "/users/user/getUserId", users.get_user_id),
        ("GET", "/users/user/{user_id}/getAutoLoginLink", users.get_auto_login_link),
        ("GET", "/results/initialAssessment/{user_id}/all", results.list_initial_assessments),
        ("GET", "/results/diagnosticAssessment/{user_id}/all", results.list_diagnostic_assessments),
        ("GET", f"{sessions}/getAssessmentSessionsForCourseV5", results.list_v5_sessions),
        ("GET", f"{sessions}/GetEOAReportDataForAssessmentSessionV5", results.report_v5_session),
        ("GET", "/userGroups/search", users.search_user_groups),
    )


def _name_call(path: str) -> str:
    """Return the name of a call in counters and faults, such as `createUser` or `initialAssessment`."""
    parts = path.strip("/").split("/")
    if parts[0] == "results":
        return parts[1]
    return "userGroupsSearch" if parts[0] == "userGroups" else parts[-1]


async def _refuse_unknown_call(_request: Request) -> Response:
    return respond(NO_RESOURCE, 404)


class _CallWrapper:
    """Checks the key of each call, counts it, adds the site's latency, and plays its faults."""

    def __init__(self, site: BksbSite, access_key: str, secret_key: str) -> None:
        self._site = site
        self._key = base64.b64encode(f"{access_key}:{secret_key}".encode())

    def wrap(self, name: str, handler: Handler) -> Handler:
        async def carry_out(request: Request) -> Response:
            try:
                return await handler(request)
            except RefusedError as refusal:
                return respond(refusal.body, refusal.status)

        async def answer_call(request: Request) -> Response:
            if not self._has_key(request):
                with self._site.count_call("unauthorised"):
                    return _deny()
            with self._site.count_call(name):
                if self._site.latency:
                    await asyncio.sleep(self._site.latency)
                if self._site.faults.is_idle:
                    return await carry_out(request)
                return await respond_with_faults(self._site, name, request, carry_out)

        return answer_call

    def _has_key(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and hmac.compare_digest(credentials.strip().encode("latin-1"), self._key)


def _deny() -> Response:
    denied = respond(DENIED, 401)
    denied.headers["WWW-Authenticate"] = 'Basic realm="bksb"'
    return denied
