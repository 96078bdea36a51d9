"""A client for the bksb API: one method for each known call.

bksb publishes no API reference. docs/bksb-api.md lists what is known of each call, and where it comes from; its marks
[C], [I] and [?] are repeated here. So a response is recognised by the type and content of its body, not by its status
alone. `createUser` is never repeated after a timeout, because the call may have succeeded: the caller looks the
username up instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bksb.api.pagination import AllPages, Page, read_all_pages
from bksb.api.parsing import (
    RECORDS_PER_PAGE,
    AutoLoginLink,
    CreatedUser,
    NewUser,
    V5Component,
    V5Session,
    build_creation_form,
    parse_boolean,
    parse_login_link,
    parse_page,
    parse_rows,
    parse_user_id,
    parse_v5_component,
    parse_v5_sessions,
    recognise_reason,
    require_same_username,
)
from bksb.api.responses import get_field, make_storable, to_text, to_whole_number
from bksb.api.transport import RetryBudget, Transport
from bksb.errors import RejectedError
from bksb.model import AssessmentResult

V5_SUBJECTS = ("ENG_NEW", "MATHS_NEW")
"""Subjects of the newer ("V5") assessments, as public client code asks for them."""


class BksbClient:
    """Calls the bksb API with the keys of one customer. Threads may share a client."""

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        *,
        timeout_seconds: tuple[float, float] = (10.0, 30.0),
        budget: RetryBudget | None = None,
    ) -> None:
        """`url`: see `transport.clean_api_root`. `timeout_seconds`: (to connect, between two bytes of the response)."""
        self._transport = Transport(url, access_key, secret_key, timeout_seconds, budget or RetryBudget())

    def __repr__(self) -> str:
        return f"BksbClient({self._transport!r})"

    def username_exists(self, username: str) -> bool:
        """Return whether the username is taken. `GET users/isUsernameExists`: a bare true or false [C]."""
        return self._transport.get("isUsernameExists", "users/isUsernameExists", {"username": username}, parse_boolean)

    def find_user_id(self, username: str) -> int | None:
        """Return the UserId of a username, or None if no user has it (also after a merge in bksb).

        `GET users/user/getUserId`: a bare integer, or the text "user ... not found" as plain text, JSON string or
        {"Message": …}, with status 200, 400 or 404 [C, variants unknown].
        """
        return self._transport.get("getUserId", "users/user/getUserId", {"username": username}, parse_user_id)

    def create_user(self, new_user: NewUser) -> CreatedUser:
        """Create an account. The call is sent once and never repeated. `POST users/createUser` [C].

        Raises RejectedError if bksb gives a reason. Its text is not passed on, because it may repeat personal data.
        Raises TransientError if the outcome is in doubt: look the username up before trying again.
        """
        response = self._transport.post("createUser", "users/createUser", build_creation_form(new_user))
        if isinstance(response.value, Mapping):
            user_id = to_whole_number(get_field(response.value, "UserId"))
            username = to_text(get_field(response.value, "Username")) or new_user.username
            if user_id is not None and user_id > 0:
                return require_same_username(new_user, CreatedUser(user_id, username))
        is_reason = response.is_json and isinstance(response.value, str)
        if is_reason or (response.text and response.status >= 400):
            raise RejectedError(recognise_reason(response.text))
        raise response.unexpected()

    def auto_login_link(self, user_id: int) -> AutoLoginLink:
        """Return a short-lived link that logs the user in. `GET users/user/{userId}/getAutoLoginLink` [C]."""
        return self._transport.get("getAutoLoginLink", f"users/user/{user_id}/getAutoLoginLink", None, parse_login_link)

    def initial_assessments(self, user_id: int) -> AllPages[AssessmentResult]:
        """Return all initial assessments of one user, from all pages, each session once.

        `GET results/initialAssessment/{userId}/all` [C].
        """
        return self._assessments("initialAssessment", "InitialAssessmentResults", user_id)

    def diagnostic_assessments(self, user_id: int) -> AllPages[AssessmentResult]:
        """Return all diagnostic assessments of one user, from all pages, each session once.

        `GET results/diagnosticAssessment/{userId}/all` [C]. The name of the list is inferred [I].
        """
        return self._assessments("diagnosticAssessment", "DiagnosticAssessmentResults", user_id)

    def v5_sessions(self, user_id: int, course_subject: str) -> list[V5Session]:
        """Return the sessions of newer assessments of one user in one of the `V5_SUBJECTS`, finished or not.

        `GET assessmentSessions/getAssessmentSessionsForCourseV5`: an array, empty for none [C]; perhaps null [?].
        """
        call = "getAssessmentSessionsForCourseV5"
        parameters = {"courseSubject": course_subject, "userId": str(user_id)}
        return self._transport.get(call, f"assessmentSessions/{call}", parameters, parse_v5_sessions)

    def v5_components(self, user_id: int, session_id: str) -> list[V5Component]:
        """Return the end-of-assessment report of one V5 session, with one entry for each course component.

        `GET assessmentSessions/GetEOAReportDataForAssessmentSessionV5`; any key may be missing [C].
        """
        call = "GetEOAReportDataForAssessmentSessionV5"
        parameters = {"sessionId": session_id, "userId": str(user_id)}
        parse = partial(parse_rows, "AssessmentEOAData")
        rows = self._transport.get(call, f"assessmentSessions/{call}", parameters, parse)
        return [parse_v5_component(row) for row in rows]

    def search_user_groups(self, query: str = "") -> list[dict[str, Any]]:
        """Return the first page of groups that match `query`, raw. `GET userGroups/search`; no body is known [?]."""
        parameters = {"page": "1", "recordsPerPage": str(RECORDS_PER_PAGE), "query": query}
        call = "userGroups/search"
        rows = self._transport.get(call, call, parameters, partial(parse_rows, "UserGroups"))
        return [make_storable(row) for row in rows]

    def _assessments(self, call: str, list_name: str, user_id: int) -> AllPages[AssessmentResult]:
        return read_all_pages(partial(self._page, call, list_name, user_id))

    def _page(self, call: str, list_name: str, user_id: int, number: int) -> Page[AssessmentResult]:
        parameters = {"page": str(number), "recordsPerPage": str(RECORDS_PER_PAGE)}
        return self._transport.get(
            call, f"results/{call}/{user_id}/all", parameters, partial(parse_page, list_name, number)
        )
