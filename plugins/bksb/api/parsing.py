"""What the API returns, as typed values: parses responses, and builds the form of `createUser`."""

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
"""What we ask for. The server may give less (public clients ask for 20), so it is never relied on."""

NEVER = "0001-01-01"
"""How .NET, and with it bksb, writes "not yet"."""


@dataclass(frozen=True)
class NewUser:
    """What bksb is told about a person: this and nothing else. `date_of_birth` None is left out."""

    username: str = field(repr=False)
    given_names: str = field(repr=False)
    family_name: str = field(repr=False)
    email: str = field(repr=False)
    password: str = field(repr=False)
    date_of_birth: date | None = field(default=None, repr=False)
    auto_enrol: bool = False


@dataclass(frozen=True)
class CreatedUser:
    """bksb's answer to a creation."""

    user_id: int
    username: str = field(repr=False)


@dataclass(frozen=True)
class AutoLoginLink:
    """A link that logs one user in without a password: short-lived, so fetched when used and never stored."""

    url: str = field(repr=False)
    expires_raw: str


@dataclass(frozen=True)
class V5Session:
    """One sitting of a newer assessment; `assessment_kind` is None for a type we do not know."""

    session_id: str
    assessment_kind: AssessmentKind | None
    started_raw: str
    completed_raw: str
    raw: dict[str, Any] = field(repr=False)
    type_raw: str = ""
    """bksb's AssessmentType as text; "missing" where there is none."""

    @property
    def is_finished(self) -> bool:
        """Whether bksb gives a day of completion: a finished session never changes."""
        return bool(self.completed_raw) and not self.completed_raw.startswith(NEVER)


@dataclass(frozen=True)
class V5Component:
    """One line of a session's end-of-assessment report; any text may be ''."""

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
    """The records of an answer that is an array, an object around one, or null for none."""
    rows = [] if response.value is None else find_rows(response.value, list_name)
    if rows is None or response.status >= 400:
        raise response.unexpected()
    return rows


def parse_page(list_name: str, number: int, response: Response) -> Page[AssessmentResult]:
    beyond = number > 1
    if beyond and response.status in (400, 404) and response.text:
        raise RejectedError("There is no such page.")
    # beyond the end a server that leaves empty things out leaves everything out
    rows = [] if beyond and response.value == {} else find_rows(response.value, list_name)
    if rows is None or response.status >= 400:
        raise response.unexpected()
    # a row without an id cannot be told from another
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
    """The form of `createUser`, field names from public client code [C].

    Booleans as true/false: the server looks like ASP.NET Web API, whose form reader may drop "1" [I].
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
    """The created user, if it bears the username that was asked for: another one may be another person's."""
    if created.username.casefold() != new_user.username.casefold():
        raise TransientError("bksb answered a creation with another username than was asked for.")
    return created


def parse_assessment(session_id: str, row: Mapping[str, Any]) -> AssessmentResult:
    """One result of an initial or diagnostic assessment, from its JSON object in a listing; any key may be missing."""
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
    """One line of an end-of-assessment report, from its JSON object; any key may be missing."""
    return V5Component(
        name=to_text(get_field(row, "CourseComponentName")),
        ability_raw=to_text(get_field(row, "AbilityMeasurement")),
        assessment_name=to_text(get_field(row, "MeasuringAssessmentName")),
        measured_raw=to_text(get_field(row, "MeasuredAt")),
        raw=make_storable(row),
    )


def parse_v5_session(row: Mapping[str, Any]) -> V5Session:
    """One sitting, from its JSON object in a list of sessions; session_id is '' where it has none that can be one."""
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
    """A reason in our own words: bksb's text may repeat the learner's particulars."""
    for pattern, reason in _REASONS:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return reason
    return "bksb gave a reason that is not on our list"
