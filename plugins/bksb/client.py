"""The window on bksb: one method for each call we make, typed answers, errors named by remedy.

bksb publishes no API reference; docs/bksb-api.md says what is known, and from where. Two habits follow.
What came back is recognised by the *type* of the body, never by the status alone, because an error can be
a JSON string or an HTML page under 200. And `createUser` is never sent again on doubt, because a call
that timed out may have succeeded: the caller looks the username up instead.

No URL with a username, no body and no header ever enters a log line, a repr or an exception.
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from bksb.errors import ConfigurationError, KeyRefusedError, RejectedError, TransientError
from bksb.model import AssessmentRecord

log = logging.getLogger(__name__)

RECORDS_PER_PAGE = 100
"""What we ask for. The server may give less (public clients ask for 20), so it is never relied on."""

MAX_PAGES = 1000
"""A learner with more pages than this is a server that never ends."""

MAX_READS = 3
"""How often a listing is read from the start when it changed while being read."""

KEY_REMEDY = (
    "In bksb, under Admin Options > API Access Keys > Configure Access Key, check that the Status is Enabled "
    "and every Permission is set to Allow; then compare the access key and secret key in the Airflow connection."
)

_NOT_FOUND = re.compile(r"\bnot found\b", re.IGNORECASE)


@dataclass(frozen=True)
class RetryBudget:
    """How long one GET may be tried: `attempts` in all, within `total_seconds` including the waits."""

    attempts: int = 5
    total_seconds: float = 120.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0


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


class Throttle:
    """A pause that all threads of one task share: one "slow down" slows every call of the bucket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = 0.0

    def hold(self, seconds: float) -> None:
        """Let no call start for `seconds` from now."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def wait(self) -> None:
        """Return when calls may start again."""
        while (left := self._not_before - time.monotonic()) > 0:
            time.sleep(left)


def api_root(url: str) -> str:
    """The root that all calls start with, ending in `/api/`, from whatever a site pasted.

    Accepts the root with or without `/api`, with or without a slash at the end, in any case, with blanks
    around it. Raises ConfigurationError when it is no http(s) URL.
    """
    cleaned = url.strip().rstrip("/")
    parts = urlsplit(cleaned)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            "The API URL of the bksb connection is not a web address: it should look like "
            "https://live2api.bksblive2.co.uk (UK) or https://live2api.bksblive2.com.au (Australia)."
        )
    if cleaned.lower().endswith("/api"):
        cleaned = cleaned[: -len("/api")]
    return cleaned + "/api/"


class BksbClient:
    """Calls of one bksb customer. Threads may share it: each has a `requests.Session` of its own."""

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        *,
        timeout_seconds: tuple[float, float] = (10.0, 30.0),
        budget: RetryBudget | None = None,
    ) -> None:
        """`url` as in `api_root`; `timeout_seconds` = (to connect, between two bytes of the answer)."""
        self._root = api_root(url)
        self._auth = (access_key, secret_key)
        self._timeout = timeout_seconds
        self._budget = budget or RetryBudget()
        self._throttle = Throttle()
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"BksbClient({urlsplit(self._root).hostname})"

    def find_user_id(self, username: str) -> int | None:
        """The UserId behind a username, or None when nobody has it (also after a merge in bksb).

        `GET users/user/getUserId`: a bare integer, or for nobody a text that says "not found" as plain
        text, JSON string or {"Message": …}, under 200, 400 or 404 (public client code; variants unknown).
        """
        answer = self._get("users/user/getUserId", {"username": username})
        value = answer.value
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if answer.says_not_found():
            return None
        raise answer.unexpected("getUserId")

    def create_user(self, new_user: NewUser) -> CreatedUser:
        """Create an account; sent once, never again by itself.

        Raises RejectedError when bksb gives a reason (its text is withheld: it may repeat what we sent),
        TransientError when the outcome is in doubt (look the username up), KeyRefusedError for the key.
        """
        answer = self._send("POST", "users/createUser", data=_creation_form(new_user))
        value = answer.value
        if isinstance(value, Mapping):
            user_id = value.get("UserId")
            if isinstance(user_id, int) and not isinstance(user_id, bool):
                return CreatedUser(user_id=user_id, username=str(value.get("Username") or new_user.username))
        if isinstance(value, str) or answer.status in range(400, 500):
            raise RejectedError(_reason_code(answer.text()))
        raise answer.unexpected("createUser")

    def initial_assessments(self, user_id: int) -> list[AssessmentRecord]:
        """Every initial assessment of one user, all pages, each session once.

        `GET results/initialAssessment/{userId}/all` (public client code).
        """
        return self._read_all_pages(f"results/initialAssessment/{user_id}/all", "InitialAssessmentResults")

    def diagnostic_assessments(self, user_id: int) -> list[AssessmentRecord]:
        """Every diagnostic assessment of one user, all pages, each session once.

        `GET results/diagnosticAssessment/{userId}/all`; the list's name is known by analogy only.
        """
        return self._read_all_pages(f"results/diagnosticAssessment/{user_id}/all", "DiagnosticAssessmentResults")

    def _read_all_pages(self, path: str, list_name: str) -> list[AssessmentRecord]:
        for _ in range(MAX_READS):
            records = self._read_pages_once(path, list_name)
            if records is not None:
                return records
        raise TransientError("bksb's list of results kept changing while it was read; it is read again later.")

    def _read_pages_once(self, path: str, list_name: str) -> list[AssessmentRecord] | None:
        """All records, or None when the listing changed in the middle and has to be read again.

        Neither a short page nor the total is trusted alone: reading ends where both agree that nothing is
        left, or at a page that brings nothing new.
        """
        found: dict[str, AssessmentRecord] = {}
        first_total: int | None = None
        for number in range(1, MAX_PAGES + 1):
            page = self._page(path, list_name, number)
            if number == 1:
                first_total = page.total
            elif page.total != first_total:
                return None
            known = len(found)
            for record in page.records:
                found.setdefault(record.session_id, record)
            if len(found) == known:
                return None if first_total is not None and len(found) < first_total else list(found.values())
            if first_total == len(found) and len(page.records) < page.size:
                return list(found.values())
        raise TransientError(f"bksb sent more than {MAX_PAGES} pages for one learner; reading stopped.")

    def _page(self, path: str, list_name: str, number: int) -> _Page:
        answer = self._get(path, {"page": str(number), "recordsPerPage": str(RECORDS_PER_PAGE)})
        body = answer.value
        if not isinstance(body, Mapping):
            raise answer.unexpected(list_name)
        rows = body.get(list_name) or []
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise answer.unexpected(list_name)
        pagination = body.get("Pagination")
        pagination = pagination if isinstance(pagination, Mapping) else {}
        return _Page(
            records=[_assessment_record(row) for row in rows],
            total=_whole_number(pagination.get("TotalRecords")),
            size=_whole_number(pagination.get("RecordsPerPage")) or RECORDS_PER_PAGE,
        )

    def _get(self, path: str, parameters: Mapping[str, str]) -> _Answer:
        """GET with capped, jittered waits: a GET is safe to repeat."""
        deadline = time.monotonic() + self._budget.total_seconds
        attempt = 1
        while True:
            try:
                return self._send("GET", path, parameters=parameters)
            except TransientError as error:
                wait = self._wait_before(attempt, error)
                if attempt >= self._budget.attempts or time.monotonic() + wait > deadline:
                    raise
                if error.retry_after is not None:
                    self._throttle.hold(wait)
                else:
                    time.sleep(wait)
                attempt += 1

    def _wait_before(self, attempt: int, error: TransientError) -> float:
        if error.retry_after is not None:
            return error.retry_after
        longest = min(self._budget.longest_wait_seconds, self._budget.first_wait_seconds * 2 ** (attempt - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides no secret

    def _send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> _Answer:
        """One exchange. Raises by remedy for what no caller can use: no answer, the key, "later"."""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (parameters or {}).items())
        url = self._root + path + (f"?{query}" if query else "")
        self._throttle.wait()
        try:
            response = self._session().request(
                method, url, data=data, auth=self._auth, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TransientError(f"bksb did not answer ({_plain_cause(error)}).") from None
        if response.status_code in (401, 403):
            raise KeyRefusedError(f"bksb refused the key (HTTP {response.status_code}). {KEY_REMEDY}")
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise TransientError(
                f"bksb asked to come back later (HTTP {response.status_code}).",
                retry_after=_retry_after(response.headers.get("Retry-After")),
            )
        return _Answer.of(response)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers["Accept"] = "application/json"
        return session


@dataclass(frozen=True)
class _Page:
    records: list[AssessmentRecord]
    total: int | None
    size: int


_NO_JSON = object()


@dataclass(frozen=True)
class _Answer:
    """An answer by what it holds: `value` is the decoded JSON, or plain text, or `_NO_JSON`."""

    status: int
    content_type: str
    value: Any = field(repr=False)

    @classmethod
    def of(cls, response: requests.Response) -> _Answer:
        text = response.content.decode("utf-8-sig", errors="replace")
        value: Any
        try:
            value = json.loads(text)
        except ValueError:
            looks_broken = text.lstrip()[:1] in ("<", "{", "[", '"', "")
            value = _NO_JSON if looks_broken else text
        return cls(response.status_code, response.headers.get("Content-Type", "none"), value)

    def text(self) -> str:
        """The text of the answer where it is one, or of {"Message": …}; '' otherwise."""
        if isinstance(self.value, Mapping):
            return next((str(v) for k, v in self.value.items() if str(k).lower() == "message"), "")
        return self.value if isinstance(self.value, str) else ""

    def says_not_found(self) -> bool:
        return bool(_NOT_FOUND.search(self.text()))

    def unexpected(self, call: str) -> TransientError | RejectedError:
        """The error for a body that is not what `call` promises; says its shape, never its content."""
        shape = "no JSON" if self.value is _NO_JSON else f"a JSON {type(self.value).__name__}"
        if 400 <= self.status < 500:
            return RejectedError(f"bksb refused {call} (HTTP {self.status}, {shape}).")
        return TransientError(
            f"bksb's answer to {call} was {shape} under HTTP {self.status} ({self.content_type}): "
            "not what this call returns."
        )


def _creation_form(new_user: NewUser) -> dict[str, str]:
    """The form of `createUser`, field names from public client code.

    Booleans as true/false: the server looks like ASP.NET Web API, whose form reader may drop "1".
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


def _assessment_record(row: Mapping[str, Any]) -> AssessmentRecord:
    return AssessmentRecord(
        session_id=_text(row.get("SessionId")),
        course_subject=_text(row.get("CourseSubject")),
        course_name=_text(row.get("CourseName")),
        assessment_id=_whole_number(row.get("AssessmentID")),
        assessment_name=_text(row.get("AssessmentName")),
        result=_text(row.get("Result")),
        completed_raw=_text(row.get("ResultDate")),
        raw=dict(row),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else None


_REASONS: tuple[tuple[str, str], ...] = (
    (r"username.*(exist|taken|use)", "the username is taken"),
    (r"password", "the password does not meet bksb's rules"),
    (r"e-?mail", "the e-mail address is not accepted"),
    (r"(first|last|sur)\s?name", "a name is not accepted"),
    (r"date\s?of\s?birth|birth", "the date of birth is not accepted"),
)


def _reason_code(text: str) -> str:
    """A reason in our own words: bksb's text may repeat the learner's particulars."""
    for pattern, reason in _REASONS:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return reason
    return "bksb gave a reason that is not on our list"


def _plain_cause(error: requests.RequestException) -> str:
    """Which kind of failure, without the URL that requests puts into its messages."""
    kinds: tuple[tuple[type[requests.RequestException], str], ...] = (
        (requests.exceptions.SSLError, "the TLS certificate or handshake failed"),
        (requests.exceptions.ProxyError, "the proxy failed"),
        (requests.exceptions.ConnectTimeout, "no connection in time"),
        (requests.exceptions.ReadTimeout, "no answer in time"),
        (
            requests.exceptions.ConnectionError,
            "no connection: is the API URL right, and reachable from here?",
        ),
        (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
    )
    return next((text for kind, text in kinds if isinstance(error, kind)), type(error).__name__)


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from seconds or an HTTP date; None where there is no usable header."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
