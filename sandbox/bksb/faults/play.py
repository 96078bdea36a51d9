"""Plays the faults that are on around one call: what comes instead of it, and what becomes of its answer."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl

from fastapi import Request, Response

from sandbox.bksb.answers import answer, nobody_has
from sandbox.bksb.faults.bodies import changed
from sandbox.bksb.faults.catalogue import NOBODY, Caller, Fault
from sandbox.bksb.faults.wire import dropped, patience, truncated
from sandbox.bksb.site import BksbSite

BUSY_PAGE = (
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    "<body><h2>Service Unavailable</h2><p>HTTP Error 503. The service is unavailable.</p></body></html>"
)
LOG_IN_PAGE = (
    "<!DOCTYPE html><html><head><title>bksbLIVE2 - Log in</title></head>"
    '<body><form method="post"><input name="username"></form></body></html>'
)
INVALID = {"Message": "The request is invalid."}
DENIED = {"Message": "Authorization has been denied for this request."}
NO_RESOURCE = {"Message": "No HTTP resource was found that matches the request URI."}
FAILED = {"Message": "An error has occurred."}
BUSY = {"Message": "Too many requests."}
TIMED_OUT = {"Message": "The request timed out."}
TEXT_OF_A_FAILURE = "An error has occurred."


async def play(
    site: BksbSite, call: str, request: Request, respond: Callable[[Request], Awaitable[Response]]
) -> Response:
    """The answer to one call, spoilt as the site's faults say."""
    faults = site.faults
    caller = await caller_of(site, call, request)
    for candidate in faults.candidates("wait", call, caller):
        if faults.strikes(candidate, call, caller):
            await _slowly(call, request, candidate.fault.wait)
    fault = faults.first("instead", call, caller)
    if fault is not None:
        return _instead(fault, call, request, site)
    response = await respond(request)
    if call == "createUser" and _made_somebody(response):
        fault = faults.first("made", call, caller)
        if fault is not None:
            return await _after_creation(fault, request)
    return _on_the_wire(site, call, caller, _with_changed_body(site, call, caller, response))


async def _slowly(call: str, request: Request, seconds: float) -> None:
    """Waits. What only reads ends when the client leaves; an account is made even if nobody waits for it."""
    if call == "createUser":
        await request.body()
        await asyncio.sleep(seconds)
    else:
        await patience(request, seconds)


async def caller_of(site: BksbSite, call: str, request: Request) -> Caller:
    """Whom a call names, by id or by username; id and username both, where there is such a user."""
    username = request.query_params.get("username", "")
    if call == "createUser":
        username = dict(parse_qsl((await request.body()).decode(errors="replace"))).get("Username", "")
    number = request.path_params.get("user_id") or request.query_params.get("userId", "")
    if username:
        user = site.find(username)
        return Caller(user.user_id if user else None, username.lower())
    if number.isascii() and number.isdigit() and len(number) < 12:
        user = site.user(int(number))
        return Caller(int(number), user.username.lower() if user else "")
    return NOBODY


def _instead(fault: Fault, call: str, request: Request, site: BksbSite) -> Response:
    match fault.kind:
        case "400":
            return answer(INVALID, 400)
        case "401" | "403":
            return answer(DENIED, int(fault.kind))
        case "404":
            return answer(NO_RESOURCE, 404)
        case "408":
            return answer(TIMED_OUT, 408)
        case "429" | "429_seconds" | "429_date":
            return _too_many_calls(fault)
        case "500":
            return answer(FAILED, 500)
        case "503":
            return Response(BUSY_PAGE, 503, media_type="text/html")
        case "redirect":
            return Response(status_code=302, headers={"Location": "/bksbLive2/Login.aspx"})
        case "html":
            return Response(LOG_IN_PAGE, media_type="text/html")
        case "json_string":
            return answer(TEXT_OF_A_FAILURE)
        case "null":
            return answer(None)
        case "empty":
            return Response()
        case "reset":
            return dropped()
        case "merged_username":
            username = request.query_params.get("username", "")
            return answer(False) if call == "isUsernameExists" else nobody_has(username, site.behaviour)
    raise LookupError(f"no answer is written for the fault {fault.kind}")


def _too_many_calls(fault: Fault) -> Response:
    busy = answer(BUSY, 429)
    if fault.kind == "429_seconds":
        busy.headers["Retry-After"] = str(math.ceil(fault.wait))
    elif fault.kind == "429_date":
        # An HTTP date has whole seconds: rounded up, so that nobody is asked to come back too early.
        when = datetime.now(UTC) + timedelta(seconds=fault.wait)
        when = when.replace(microsecond=0) + timedelta(seconds=when.microsecond > 0)
        busy.headers["Retry-After"] = format_datetime(when, usegmt=True)
    return busy


def _made_somebody(response: Response) -> bool:
    return response.status_code == 200 and bytes(response.body).startswith(b"{")


async def _after_creation(fault: Fault, request: Request) -> Response:
    if fault.kind == "create_then_500":
        return answer(FAILED, 500)
    await patience(request, fault.wait)
    return dropped()


def _with_changed_body(site: BksbSite, call: str, caller: Caller, response: Response) -> Response:
    candidates = site.faults.candidates("body", call, caller)
    if not candidates or response.status_code != 200 or response.media_type == "text/plain":
        return response
    body = json.loads(bytes(response.body))
    for candidate in candidates:
        altered = changed(candidate.fault.kind, body)
        if altered != body and site.faults.strikes(candidate, call, caller):
            body = altered
    return answer(body)


def _on_the_wire(site: BksbSite, call: str, caller: Caller, response: Response) -> Response:
    for candidate in site.faults.candidates("wire", call, caller):
        kind = candidate.fault.kind
        # Half a number is a number: no client could tell that it was cut.
        if kind == "cut_json" and not bytes(response.body).startswith((b"{", b"[", b'"')):
            continue
        if response.body and site.faults.strikes(candidate, call, caller):
            if kind == "cut_json":
                return Response(
                    bytes(response.body)[: len(response.body) // 2],
                    response.status_code,
                    media_type=response.media_type,
                )
            return truncated(response, chunked=kind == "truncated_chunk")
    return response
