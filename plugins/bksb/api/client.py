"""The window on bksb: one method for each call that is known, typed answers, errors named by remedy.

bksb publishes no API reference; docs/bksb-api.md says what is known of each call, and from where. Two habits
follow. What came back is recognised by the type and content of the body (answer.py). And `createUser` is never
sent again on doubt, because a call that timed out may have succeeded: the caller looks the username up instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from bksb.api.pagination import Listing, Page, read_all_pages
from bksb.api.responses import Answer, claims_of, field_of, key_of, records_in, storable, text_of, whole_number
from bksb.api.transport import RetryBudget, Transport
from bksb.errors import RejectedError, TransientError
from bksb.model import AssessmentKind, AssessmentRecord

RECORDS_PER_PAGE = 100
"""What we ask for. The server may give less (public clients ask for 20), so it is never relied on."""

V5_SUBJECTS = ("ENG_NEW", "MATHS_NEW")
"""The subjects of the newer ("V5") assessments that public client code asks for."""

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


class BksbClient:
    """Calls of one bksb customer, for any number of threads."""

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        *,
        timeout_seconds: tuple[float, float] = (10.0, 30.0),
        budget: RetryBudget | None = None,
    ) -> None:
        """`url` as in `transport.api_root`; `timeout_seconds` = (to connect, between two bytes of the answer)."""
        self._transport = Transport(url, access_key, secret_key, timeout_seconds, budget or RetryBudget())

    def __repr__(self) -> str:
        return f"BksbClient({self._transport!r})"

    def username_exists(self, username: str) -> bool:
        """Whether anybody has this username. `GET users/isUsernameExists`: a bare true or false [C]."""
        return self._transport.get("isUsernameExists", "users/isUsernameExists", {"username": username}, _true_or_false)

    def find_user_id(self, username: str) -> int | None:
        """The UserId behind a username, or None when nobody has it (also after a merge in bksb).

        `GET users/user/getUserId`: a bare integer, or for nobody a text that says "user ... not found" as plain
        text, JSON string or {"Message": …}, under 200, 400 or 404 [C, variants unknown].
        """
        return self._transport.get("getUserId", "users/user/getUserId", {"username": username}, _user_id_or_nobody)

    def create_user(self, new_user: NewUser) -> CreatedUser:
        """Create an account; sent once, never again by itself. `POST users/createUser` [C].

        Raises RejectedError when bksb gives a reason (its text is withheld: it may repeat what we sent),
        TransientError when the outcome is in doubt (look the username up), KeyRefusedError for the key.
        """
        answer = self._transport.post("createUser", "users/createUser", _creation_form(new_user))
        if isinstance(answer.value, Mapping):
            user_id = whole_number(field_of(answer.value, "UserId"))
            username = text_of(field_of(answer.value, "Username")) or new_user.username
            if user_id is not None and user_id > 0:
                return _as_asked(new_user, CreatedUser(user_id, username))
        is_reason = answer.is_json and isinstance(answer.value, str)
        if is_reason or (answer.text and answer.status >= 400):
            raise RejectedError(_reason(answer.text))
        raise answer.unexpected()

    def auto_login_link(self, user_id: int) -> AutoLoginLink:
        """A short-lived link that logs the user in. `GET users/user/{userId}/getAutoLoginLink` [C]."""
        return self._transport.get("getAutoLoginLink", f"users/user/{user_id}/getAutoLoginLink", None, _auto_login_link)

    def initial_assessments(self, user_id: int) -> Listing[AssessmentRecord]:
        """Every initial assessment of one user, all pages, each session once.

        `GET results/initialAssessment/{userId}/all` [C].
        """
        return self._assessments("initialAssessment", "InitialAssessmentResults", user_id)

    def diagnostic_assessments(self, user_id: int) -> Listing[AssessmentRecord]:
        """Every diagnostic assessment of one user, all pages, each session once.

        `GET results/diagnosticAssessment/{userId}/all` [C]; the list's name is known by analogy only [I].
        """
        return self._assessments("diagnosticAssessment", "DiagnosticAssessmentResults", user_id)

    def v5_sessions(self, user_id: int, course_subject: str) -> list[V5Session]:
        """The sittings of newer assessments of one user in one subject (`V5_SUBJECTS`), finished or not.

        `GET assessmentSessions/getAssessmentSessionsForCourseV5`: an array, or null for none [C].
        """
        call = "getAssessmentSessionsForCourseV5"
        parameters = {"courseSubject": course_subject, "userId": str(user_id)}
        return self._transport.get(call, f"assessmentSessions/{call}", parameters, _v5_sessions)

    def v5_components(self, user_id: int, session_id: str) -> list[V5Component]:
        """The end-of-assessment report of one V5 session, a line for each course component.

        `GET assessmentSessions/GetEOAReportDataForAssessmentSessionV5`; any key may be missing [C].
        """
        call = "GetEOAReportDataForAssessmentSessionV5"
        parameters = {"sessionId": session_id, "userId": str(user_id)}
        rows = self._transport.get(call, f"assessmentSessions/{call}", parameters, partial(_rows, "AssessmentEOAData"))
        return [v5_component(row) for row in rows]

    def search_user_groups(self, query: str = "") -> list[dict[str, Any]]:
        """The first groups that match `query`, raw. `GET userGroups/search`; no body was ever seen [?]."""
        parameters = {"page": "1", "recordsPerPage": str(RECORDS_PER_PAGE), "query": query}
        rows = self._transport.get("userGroups/search", "userGroups/search", parameters, partial(_rows, "UserGroups"))
        return [storable(row) for row in rows]

    def _assessments(self, call: str, list_name: str, user_id: int) -> Listing[AssessmentRecord]:
        return read_all_pages(partial(self._page, call, list_name, user_id))

    def _page(self, call: str, list_name: str, user_id: int, number: int) -> Page[AssessmentRecord]:
        parameters = {"page": str(number), "recordsPerPage": str(RECORDS_PER_PAGE)}
        return self._transport.get(
            call, f"results/{call}/{user_id}/all", parameters, partial(_page_of, list_name, number)
        )


def _true_or_false(answer: Answer) -> bool:
    spelled = answer.value.strip().lower() if isinstance(answer.value, str) else answer.value
    if spelled is True or spelled == "true":
        return True
    if spelled is False or spelled == "false":
        return False
    raise answer.unexpected()


def _user_id_or_nobody(answer: Answer) -> int | None:
    user_id = whole_number(answer.value)
    if user_id is not None and user_id > 0:
        return user_id
    if answer.says_nobody:
        return None
    raise answer.unexpected()


def _auto_login_link(answer: Answer) -> AutoLoginLink:
    if isinstance(answer.value, Mapping):
        url = text_of(field_of(answer.value, "Link"))
        if url:
            return AutoLoginLink(url, text_of(field_of(answer.value, "Expiry")))
    raise answer.unexpected()


def _rows(list_name: str, answer: Answer) -> list[Mapping[str, Any]]:
    """The records of an answer that is an array, an object around one, or null for none."""
    rows = [] if answer.value is None else records_in(answer.value, list_name)
    if rows is None or answer.status >= 400:
        raise answer.unexpected()
    return rows


def _page_of(list_name: str, number: int, answer: Answer) -> Page[AssessmentRecord]:
    beyond = number > 1
    if beyond and answer.status in (400, 404) and answer.text:
        raise RejectedError("There is no such page.")
    # beyond the end a server that leaves empty things out leaves everything out
    rows = [] if beyond and answer.value == {} else records_in(answer.value, list_name)
    if rows is None or answer.status >= 400:
        raise answer.unexpected()
    # a row without an id cannot be told from another
    records = {key_of(field_of(row, "SessionId")): row for row in rows}
    if "" in records:
        raise answer.unexpected()
    claims = claims_of(answer.value)
    size = claims.size
    return Page(
        records={session_id: assessment_record(session_id, row) for session_id, row in records.items()},
        total=claims.total,
        size=min(size, RECORDS_PER_PAGE) if size is not None and size > 0 else RECORDS_PER_PAGE,
    )


def _creation_form(new_user: NewUser) -> dict[str, str]:
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


def _as_asked(new_user: NewUser, created: CreatedUser) -> CreatedUser:
    """The created user, if it bears the username that was asked for: another one may be another person's."""
    if created.username.casefold() != new_user.username.casefold():
        raise TransientError("bksb answered a creation with another username than was asked for.")
    return created


def assessment_record(session_id: str, row: Mapping[str, Any]) -> AssessmentRecord:
    """One result of an initial or diagnostic assessment, from its JSON object in a listing; any key may be missing."""
    return AssessmentRecord(
        session_id=session_id,
        course_subject=text_of(field_of(row, "CourseSubject")),
        course_name=text_of(field_of(row, "CourseName")),
        assessment_id=whole_number(field_of(row, "AssessmentID")),
        assessment_name=text_of(field_of(row, "AssessmentName")),
        result=text_of(field_of(row, "Result")),
        completed_raw=text_of(field_of(row, "ResultDate")),
        raw=storable(row),
    )


_V5_KINDS: Mapping[int | None, AssessmentKind] = {1: "initial", 2: "diagnostic"}


def _v5_sessions(answer: Answer) -> list[V5Session]:
    sessions = [v5_session(row) for row in _rows("AssessmentSessions", answer)]
    if not all(session.session_id for session in sessions):
        raise answer.unexpected()
    return sessions


def v5_component(row: Mapping[str, Any]) -> V5Component:
    """One line of an end-of-assessment report, from its JSON object; any key may be missing."""
    return V5Component(
        name=text_of(field_of(row, "CourseComponentName")),
        ability_raw=text_of(field_of(row, "AbilityMeasurement")),
        assessment_name=text_of(field_of(row, "MeasuringAssessmentName")),
        measured_raw=text_of(field_of(row, "MeasuredAt")),
        raw=storable(row),
    )


def v5_session(row: Mapping[str, Any]) -> V5Session:
    """One sitting, from its JSON object in a list of sessions; session_id is '' where it has none that can be one."""
    return V5Session(
        session_id=key_of(field_of(row, "SessionId")),
        assessment_kind=_V5_KINDS.get(whole_number(field_of(row, "AssessmentType"))),
        started_raw=text_of(field_of(row, "DateStarted")),
        completed_raw=text_of(field_of(row, "DateCompleted")),
        raw=storable(row),
    )


USERNAME_IS_TAKEN = "the username is taken"

_REASONS: tuple[tuple[str, str], ...] = (
    (r"password", "the password does not meet bksb's rules"),
    (r"\buser(\s?name)?\b.*\b(already|exists|taken|(?<!not )in use)\b", USERNAME_IS_TAKEN),
    (r"e-?mail", "the e-mail address is not accepted"),
    (r"(first|last|sur)\s?name", "a name is not accepted"),
    (r"birth", "the date of birth is not accepted"),
)


def _reason(text: str) -> str:
    """A reason in our own words: bksb's text may repeat the learner's particulars."""
    for pattern, reason in _REASONS:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return reason
    return "bksb gave a reason that is not on our list"
