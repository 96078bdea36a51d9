"""Plays the faults of one call: replaces, delays, changes or breaks its response."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl

from fastapi import Request, Response

from sandbox.bksb.faults.bodies import alter_body
from sandbox.bksb.faults.catalogue import Fault
from sandbox.bksb.faults.plan import NO_CALLER, Caller
from sandbox.bksb.faults.wire import drop_connection, truncate, wait_for_client
from sandbox.bksb.responses import DENIED, INVALID_REQUEST, NO_RESOURCE, respond, respond_not_found
from sandbox.bksb.site import BksbSite

BUSY_PAGE = (
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    "<body><h2>Service Unavailable</h2><p>HTTP Error 503. The service is unavailable.</p></body></html>"
)
LOG_IN_PAGE = (
    "<!DOCTYPE html><html><head><title>bksbLIVE2 - Log in</title></head>"
    '<body><form method="post"><input name="username"></form></body></html>'
)
FAILED = {"Message": "An error has occurred."}
BUSY = {"Message": "Too many requests."}
TIMED_OUT = {"Message": "The request timed out."}
FAILED_TEXT = "An error has occurred."


async def respond_with_faults(
    site: BksbSite, call: str, request: Request, carry_out: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Return the response to a call, with the faults that are switched on."""
    faults = site.faults
    caller = await find_caller(site, call, request)
    for candidate in faults.list_candidates("wait", call, caller):
        if faults.strikes(candidate, call, caller):
            await _wait(call, request, candidate.fault.wait_seconds)
    fault = faults.find_first("instead", call, caller)
    if fault is not None:
        return _respond_instead(fault, call, request, site)
    response = await carry_out(request)
    if call == "createUser" and _has_created_account(response):
        fault = faults.find_first("made", call, caller)
        if fault is not None:
            return await _lose_creation(fault, request)
    return _break_on_wire(site, call, caller, _alter_body(site, call, caller, response))


async def _wait(call: str, request: Request, seconds: float) -> None:
    """Wait. If the client disconnects, a read ends at once, but createUser still creates the account."""
    if call == "createUser":
        await request.body()
        await asyncio.sleep(seconds)
    else:
        await wait_for_client(request, seconds)


async def find_caller(site: BksbSite, call: str, request: Request) -> Caller:
    """Return the person that the call names, by id or by username. A known user gets both."""
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
    return NO_CALLER


def _respond_instead(fault: Fault, call: str, request: Request, site: BksbSite) -> Response:
    match fault.kind:
        case "400":
            return respond(INVALID_REQUEST, 400)
        case "401" | "403":
            return respond(DENIED, int(fault.kind))
        case "404":
            return respond(NO_RESOURCE, 404)
        case "408":
            return respond(TIMED_OUT, 408)
        case "429" | "429_seconds" | "429_date":
            return _refuse_too_many_calls(fault)
        case "500":
            return respond(FAILED, 500)
        case "503":
            return Response(BUSY_PAGE, 503, media_type="text/html")
        case "redirect":
            return Response(status_code=302, headers={"Location": "/bksbLive2/Login.aspx"})
        case "html":
            return Response(LOG_IN_PAGE, media_type="text/html")
        case "json_string":
            return respond(FAILED_TEXT)
        case "null":
            return respond(None)
        case "empty":
            return Response()
        case "reset":
            return drop_connection()
        case "merged_username":
            username = request.query_params.get("username", "")
            return respond(False) if call == "isUsernameExists" else respond_not_found(username, site.behaviour)
    raise LookupError(f"There is no response for the fault {fault.kind}.")


def _refuse_too_many_calls(fault: Fault) -> Response:
    busy = respond(BUSY, 429)
    if fault.kind == "429_seconds":
        busy.headers["Retry-After"] = str(math.ceil(fault.wait_seconds))
    elif fault.kind == "429_date":
        # HTTP dates have whole seconds. Round up, so that no client retries too early.
        when = datetime.now(UTC) + timedelta(seconds=fault.wait_seconds)
        when = when.replace(microsecond=0) + timedelta(seconds=when.microsecond > 0)
        busy.headers["Retry-After"] = format_datetime(when, usegmt=True)
    return busy


def _has_created_account(response: Response) -> bool:
    return response.status_code == 200 and bytes(response.body).startswith(b"{")


async def _lose_creation(fault: Fault, request: Request) -> Response:
    if fault.kind == "create_then_500":
        return respond(FAILED, 500)
    await wait_for_client(request, fault.wait_seconds)
    return drop_connection()


def _alter_body(site: BksbSite, call: str, caller: Caller, response: Response) -> Response:
    candidates = site.faults.list_candidates("body", call, caller)
    if not candidates or response.status_code != 200 or response.media_type == "text/plain":
        return response
    body = json.loads(bytes(response.body))
    for candidate in candidates:
        altered = alter_body(candidate.fault.kind, body)
        if altered != body and site.faults.strikes(candidate, call, caller):
            body = altered
    return respond(body)


def _break_on_wire(site: BksbSite, call: str, caller: Caller, response: Response) -> Response:
    for candidate in site.faults.list_candidates("wire", call, caller):
        kind = candidate.fault.kind
        # Half a number is still a number, so no client could notice the cut.
        if kind == "cut_json" and not bytes(response.body).startswith((b"{", b"[", b'"')):
            continue
        if response.body and site.faults.strikes(candidate, call, caller):
            if kind == "cut_json":
                return Response(
                    bytes(response.body)[: len(response.body) // 2],
                    response.status_code,
                    media_type=response.media_type,
                )
            return truncate(response, chunked=kind == "truncated_chunk")
    return response
