"""Parses responses into typed values, and builds the form of `createUser`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bksb.api.pagination import Page
from bksb.api.responses import (
    Response,
    find_rows,
    get_field,
    make_storable,
    read_claims,
    to_key,
    to_text,
    to_whole_number,
)
from bksb.errors import RejectedError, TransientError
from bksb.model import AssessmentKind, AssessmentResult

RECORDS_PER_PAGE = 100
"""Records we ask for in a page. The server may send fewer (public clients ask for 20)."""

NEVER = "0001-01-01"
"""Start of the date with which .NET, and so bksb, says "not yet"."""


@dataclass(frozen=True)
class NewUser:
    """Everything that is sent to bksb about a person. A `date_of_birth` of None is left out."""

    username: str = field(repr=False)
    given_names: str = field(repr=False)
    family_name: str = field(repr=False)
    email: str = field(repr=False)
    password: str = field(repr=False)
    date_of_birth: date | None = field(default=None, repr=False)
    auto_enrol: bool = False


@dataclass(frozen=True)
class CreatedUser:
    """A user that bksb has created."""

    user_id: int
    username: str = field(repr=False)


@dataclass(frozen=True)
class AutoLoginLink:
    """A link that logs one user in without a password. It is short-lived: fetch it for each use, never store it."""

    url: str = field(repr=False)
    expires_raw: str


@dataclass(frozen=True)
class V5Session:
    """One session of a newer assessment. `assessment_kind` is None for an unknown type."""

    session_id: str
    assessment_kind: AssessmentKind | None
    started_raw: str
    completed_raw: str
    raw: dict[str, Any] = field(repr=False)
    type_raw: str = ""
    """bksb's AssessmentType as text, or "missing"."""

    @property
    def is_finished(self) -> bool:
        """Whether bksb gives a day of completion. We assume that a finished session never changes."""
        return bool(self.completed_raw) and not self.completed_raw.startswith(NEVER)


@dataclass(frozen=True)
class V5Component:
    """One entry of a session's end-of-assessment report. Any text may be ''."""

    name: str
    ability_raw: str
    assessment_name: str
    measured_raw: str
    raw: dict[str, Any] = field(repr=False)


def parse_boolean(response: Response) -> bool:
    spelled = response.value.strip().lower() if isinstance(response.value, str) else response.value
    if spelled is True or spelled == "true":
        return True
    if spelled is False or spelled == "false":
        return False
    raise response.unexpected()


def parse_user_id(response: Response) -> int | None:
    user_id = to_whole_number(response.value)
    if user_id is not None and user_id > 0:
        return user_id
    if response.says_no_such_user:
        return None
    raise response.unexpected()


def parse_login_link(response: Response) -> AutoLoginLink:
    if isinstance(response.value, Mapping):
        url = to_text(get_field(response.value, "Link"))
        if url:
            return AutoLoginLink(url, to_text(get_field(response.value, "Expiry")))
    raise response.unexpected()


def parse_rows(list_name: str, response: Response) -> list[Mapping[str, Any]]:
    """Return the rows of a response that is an array, an object that holds one, or null for none."""
    rows = [] if response.value is None else find_rows(response.value, list_name)
    if rows is None or response.status >= 400:
        raise response.unexpected()
    return rows


def parse_page(list_name: str, number: int, response: Response) -> Page[AssessmentResult]:
    beyond = number > 1
    if beyond and response.status in (400, 404) and response.text:
        raise RejectedError("There is no such page.")
    # beyond the last page, a server that omits empty fields sends {}
    rows = [] if beyond and response.value == {} else find_rows(response.value, list_name)
    if rows is None or response.status >= 400:
        raise response.unexpected()
    # rows without an id cannot be told apart
    records = {to_key(get_field(row, "SessionId")): row for row in rows}
    if "" in records:
        raise response.unexpected()
    claims = read_claims(response.value)
    size = claims.size
    return Page(
        entries={session_id: parse_assessment(session_id, row) for session_id, row in records.items()},
        total=claims.total,
        size=min(size, RECORDS_PER_PAGE) if size is not None and size > 0 else RECORDS_PER_PAGE,
    )


def build_creation_form(new_user: NewUser) -> dict[str, str]:
    """Return the form of `createUser`, with the field names of public client code [C].

    Booleans are true/false: the server looks like ASP.NET Web API, which may drop "1" [I].
    """
    form = {
        "Username": new_user.username,
        "Firstname": new_user.given_names,
        "Lastname": new_user.family_name,
        "Password": new_user.password,
        "Email": new_user.email,
        "AutoEnrolCourses": "true" if new_user.auto_enrol else "false",
    }
    if born := new_user.date_of_birth:
        parts = {"Year": born.year, "Month": born.month, "Day": born.day}
        parts |= dict.fromkeys(("Hour", "Minute", "Second", "Millisecond"), 0)
        form |= {f"DateOfBirth[{part}]": str(number) for part, number in parts.items()}
    return form


def require_same_username(new_user: NewUser, created: CreatedUser) -> CreatedUser:
    """Return the created user. TransientError if its username is not the requested one: it may be another person's."""
    if created.username.casefold() != new_user.username.casefold():
        raise TransientError("bksb answered a creation with another username than the one requested.")
    return created


def parse_assessment(session_id: str, row: Mapping[str, Any]) -> AssessmentResult:
    """Parse one result of an initial or diagnostic assessment. Any key may be missing."""
    return AssessmentResult(
        session_id=session_id,
        course_subject=to_text(get_field(row, "CourseSubject")),
        course_name=to_text(get_field(row, "CourseName")),
        assessment_id=to_whole_number(get_field(row, "AssessmentID")),
        assessment_name=to_text(get_field(row, "AssessmentName")),
        result=to_text(get_field(row, "Result")),
        completed_raw=to_text(get_field(row, "ResultDate")),
        raw=make_storable(row),
    )


_V5_KINDS: Mapping[int | None, AssessmentKind] = {1: "initial", 2: "diagnostic"}


def parse_v5_sessions(response: Response) -> list[V5Session]:
    sessions = [parse_v5_session(row) for row in parse_rows("AssessmentSessions", response)]
    if not all(session.session_id for session in sessions):
        raise response.unexpected()
    return sessions


def parse_v5_component(row: Mapping[str, Any]) -> V5Component:
    """Parse one entry of an end-of-assessment report. Any key may be missing."""
    return V5Component(
        name=to_text(get_field(row, "CourseComponentName")),
        ability_raw=to_text(get_field(row, "AbilityMeasurement")),
        assessment_name=to_text(get_field(row, "MeasuringAssessmentName")),
        measured_raw=to_text(get_field(row, "MeasuredAt")),
        raw=make_storable(row),
    )


def parse_v5_session(row: Mapping[str, Any]) -> V5Session:
    """Parse one V5 session. Any key may be missing; session_id is '' if there is no usable one."""
    return V5Session(
        session_id=to_key(get_field(row, "SessionId")),
        assessment_kind=_V5_KINDS.get(to_whole_number(get_field(row, "AssessmentType"))),
        started_raw=to_text(get_field(row, "DateStarted")),
        completed_raw=to_text(get_field(row, "DateCompleted")),
        raw=make_storable(row),
        type_raw=to_text(get_field(row, "AssessmentType")) or "missing",
    )


USERNAME_IS_TAKEN = "the username is taken"

_REASONS: tuple[tuple[str, str], ...] = (
    (r"password", "the password does not meet bksb's rules"),
    (r"\buser(\s?name)?\b.*\b(already|exists|taken|(?<!not )in use)\b", USERNAME_IS_TAKEN),
    (r"e-?mail", "the e-mail address is not accepted"),
    (r"(first|last|sur)\s?name", "a name is not accepted"),
    (r"birth", "the date of birth is not accepted"),
)


def recognise_reason(text: str) -> str:
    """Return the reason in our own words, because bksb's text may repeat personal data."""
    for pattern, reason in _REASONS:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return reason
    return "bksb gave a reason that is not on our list"
