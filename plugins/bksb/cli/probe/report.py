"""Checks how a live bksb answers, and reports the form of its answers.

Makes its own requests and does not use the client, so that it also notices answers that the client misreads. Makes only
GET calls, and none that would create an account or a log-in link.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import HTTPBasicAuth

from bksb.addresses import API_ROOTS
from bksb.api.client import V5_SUBJECTS
from bksb.api.request_errors import translate_request_error
from bksb.api.transport import CHECK_THE_KEY, clean_api_root
from bksb.cli.probe.field_names import FieldNames
from bksb.cli.probe.observation import (
    UNREADABLE,
    Observation,
    describe_date,
    describe_emptiness,
    describe_result,
    describe_truth,
    find_sentence,
    find_texts,
    is_known_date,
    join_forms,
    member,
    observe_response,
    order,
    to_whole_number,
    yes,
)
from bksb.errors import KeyRefusedError
from bksb.level_words import load_vocabulary
from bksb.rules.levels import Vocabulary, read_initial

TIMEOUT_SECONDS = (10.0, 30.0)
LARGE_PAGE = 1000
BEYOND_THE_END = 100_000
RESULT_LISTS = {
    "initialAssessment": "InitialAssessmentResults",
    "diagnosticAssessment": "DiagnosticAssessmentResults",
}

SHARE = (
    "This report contains no personal data. Please read it and send it to the maintainers of bksb sync (as an issue "
    "in the project's tracker): it turns guesses into facts for every site."
)
CANNOT_BE_SEEN = (
    "Not checked: how createUser refuses, because this command never writes; and whether Databridge State is Off "
    "(Admin Options > Databridge Settings), because the API does not show it."
)


@dataclass(frozen=True)
class Fact:
    """One observation. `expected` says whether the project knows this form; None if there is nothing to compare."""

    call: str
    about: str
    seen: str
    expected: bool | None = None


class Probe:
    """Makes the calls to one live site and collects the facts."""

    def __init__(
        self, url: str, access_key: str, secret_key: str, *, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS
    ) -> None:
        self._root = clean_api_root(url)
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(access_key.encode(), secret_key.encode())
        self._session.headers["Accept"] = "application/json"
        self._timeout = timeout_seconds
        self._tables = load_vocabulary()
        self._fields = FieldNames()
        self._waits: list[str] = []
        self._limit_headers: set[str] = set()
        self.facts: list[Fact] = []

    def ask_all(self, username: str | None) -> list[Fact]:
        """Make all calls and return the facts, including those about results if a username is given.

        Raises KeyRefusedError, or the error of the first call if that gets no answer.
        """
        self._check_unknown_username()
        if username:
            self._check_account(username)
        else:
            self._note("results", "of an account", "not checked: give --username of an account that has results")
        self._check_groups()
        self._note("all", "Retry-After", ", ".join(sorted(set(self._waits))) or "never sent")
        self._note("all", "headers about limits", ", ".join(sorted(self._limit_headers)) or "none")
        return self.facts

    def _check_unknown_username(self) -> None:
        unknown = f"bksb-sync-probe-{uuid.uuid4()}"
        seen = self._observe("users/user/getUserId", {"username": unknown}, first=True)
        sentence = find_sentence(seen.body)
        says_so = bool(re.search(r"\buser(name)?\b.*\bnot found\b", sentence, re.IGNORECASE | re.DOTALL))
        self._note("getUserId", "a username that no one has", seen.form, expected=says_so)
        self._note("getUserId", "fields of that answer", self._fields.describe([seen.body]))
        self._note("getUserId", "it says 'user ... not found'", yes(says_so), expected=says_so)
        self._note("getUserId", "it repeats the username asked for", yes(unknown.lower() in sentence.lower()))
        seen = self._observe("users/isUsernameExists", {"username": unknown})
        self._note("isUsernameExists", "a username that no one has", describe_truth(seen), expected=seen.body is False)

    def _check_account(self, username: str) -> None:
        self._fields.withhold([username.lower()])
        seen = self._observe("users/isUsernameExists", {"username": username})
        self._note("isUsernameExists", "the username given", describe_truth(seen), expected=seen.body is True)
        seen = self._observe("users/user/getUserId", {"username": username})
        user_id = to_whole_number(seen.body)
        self._note("getUserId", "the username given", seen.form, expected=type(seen.body) is int)
        if user_id is None:
            self._note("results", "of an account", "not checked: bksb gives no id for the username", expected=False)
            return
        if username.swapcase() != username:
            again = self._observe("users/user/getUserId", {"username": username.swapcase()})
            same = to_whole_number(again.body) == user_id
            self._note("getUserId", "capitals and small letters are the same", yes(same), expected=same)
        for call, list_name in RESULT_LISTS.items():
            self._check_results(call, list_name, user_id)
        for subject in V5_SUBJECTS:
            self._check_v5(subject, user_id)

    def _check_results(self, call: str, list_name: str, user_id: int) -> None:
        path = f"results/{call}/{user_id}/all"
        whole = self._observe(path, {"page": "1", "recordsPerPage": str(LARGE_PAGE)})
        is_object = isinstance(whole.body, Mapping)
        self._note(call, "a page", whole.form, expected=whole.status == 200 and is_object)
        self._note(call, "fields of a page", self._fields.describe([whole.body]))
        claims = member(whole.body, "Pagination")
        self._note(call, "fields of Pagination", self._fields.describe([claims]), expected=isinstance(claims, Mapping))
        results = _list_objects(whole.body, list_name)
        self._note(call, "the list of results", self._fields.describe_list(whole.body, list_name), expected=is_object)
        self._note(call, "page size", _page_size(claims, len(results)))
        beyond = self._observe(path, {"page": str(BEYOND_THE_END), "recordsPerPage": "20"})
        self._note(call, "a page beyond the end", beyond.form, expected=beyond.status == 200)
        self._note(call, "its list of results", self._fields.describe_list(beyond.body, list_name))
        if not results:
            self._note(call, "a result", "not checked: this account has none; try another username")
            return
        one = self._observe(path, {"page": "1", "recordsPerPage": "1"})
        self._note(call, "asked for 1 result a page", _how_many(len(_list_objects(one.body, list_name))))
        self._note(call, "fields of a result", self._fields.describe(results))
        dates = [result.get("ResultDate") for result in results]
        self._note(call, "ResultDate", join_forms(map(describe_date, dates)), expected=all(map(is_known_date, dates)))
        self._note(call, "order", order(dates))
        texts = [result.get("Result") for result in results]
        self._note(call, "Result", join_forms(map(describe_result, texts)))
        if call == "initialAssessment":
            known = all(_is_recognised(result, self._tables) for result in results)
            self._note(call, "our tables know every Result", yes(known), expected=known)

    def _check_v5(self, subject: str, user_id: int) -> None:
        call = "getAssessmentSessionsForCourseV5"
        seen = self._observe(f"assessmentSessions/{call}", {"courseSubject": subject, "userId": str(user_id)})
        known = seen.status == 200 and (seen.body is None or isinstance(seen.body, list))
        self._note(call, f"sessions of {subject}", f"{seen.form}{describe_emptiness(seen.body)}", expected=known)
        sessions = _list_objects(seen.body, "AssessmentSessions")
        if not sessions:
            return
        self._note(call, f"fields of a session of {subject}", self._fields.describe(sessions))
        kinds = [session.get("AssessmentType") for session in sessions]
        self._note(call, f"AssessmentType of {subject} is 1 or 2", yes(set(map(str, kinds)) <= {"1", "2"}))
        completed = [session.get("DateCompleted") for session in sessions]
        self._note(call, f"DateCompleted of {subject}", join_forms(map(describe_date, completed)))
        finished = [s for s in sessions if not str(s.get("DateCompleted") or "0001").startswith("0001")]
        for title, chosen in (("finished", finished), ("unfinished", [s for s in sessions if s not in finished])):
            if chosen and (session_id := to_whole_number(chosen[0].get("SessionId"))) is not None:
                self._check_report(f"{title} session of {subject}", user_id, session_id)

    def _check_report(self, title: str, user_id: int, session_id: int) -> None:
        call = "GetEOAReportDataForAssessmentSessionV5"
        seen = self._observe(f"assessmentSessions/{call}", {"sessionId": str(session_id), "userId": str(user_id)})
        self._note(call, f"{title}: the report", seen.form, expected=seen.status == 200)
        self._note(call, f"{title}: its fields", self._fields.describe([seen.body]))
        rows = _list_objects(seen.body, "AssessmentEOAData")
        if rows:
            self._note(call, f"{title}: fields of a component", self._fields.describe(rows))
            self._note(call, f"{title}: MeasuredAt", join_forms(describe_date(row.get("MeasuredAt")) for row in rows))

    def _check_groups(self) -> None:
        seen = self._observe("userGroups/search", {"page": "1", "recordsPerPage": "5", "query": ""})
        self._note("userGroups/search", "a page", f"{seen.form}{describe_emptiness(seen.body)}")
        self._note("userGroups/search", "fields of a page", self._fields.describe([seen.body]))
        lists = [seen.body] if isinstance(seen.body, list) else []
        if isinstance(seen.body, Mapping):
            lists = [value for value in seen.body.values() if isinstance(value, list)]
        for groups in lists:
            self._note("userGroups/search", "fields of a group", self._fields.describe(groups))

    def _observe(self, path: str, parameters: Mapping[str, str], *, first: bool = False) -> Observation:
        """Make one GET call and describe the answer. No answer is an observation too, except to the first call."""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        try:
            response = self._session.get(f"{self._root}{path}?{query}", timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            failure = translate_request_error(error)
            if first:
                raise failure from None
            self._note(path.split("/")[-1], "answered", "no: " + str(failure), expected=False)
            return Observation(0, "no content type", "no answer", UNREADABLE)
        seen = observe_response(response)
        if first and seen.status in (401, 403):
            raise KeyRefusedError(f"bksb refused the key (HTTP {seen.status}). {CHECK_THE_KEY}", status=seen.status)
        if seen.asks_to_wait:
            self._waits.append(seen.asks_to_wait)
        self._limit_headers.update(seen.limit_headers)
        self._fields.withhold(find_texts(seen.body))
        return seen

    def _note(self, call: str, about: str, seen: str, *, expected: bool | None = None) -> None:
        self.facts.append(Fact(call, about, seen, expected))


def _list_objects(body: object, list_name: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list `list_name` of a body, or in its only list."""
    if isinstance(body, Mapping):
        lists = [value for value in body.values() if isinstance(value, list)]
        body = body.get(list_name) or (lists[0] if len(lists) == 1 else None)
    return [one for one in body if isinstance(one, Mapping)] if isinstance(body, list) else []


def _page_size(claims: object, received: int) -> str:
    """Describe whether pages are capped. Shows the cap, and not how many results the account has."""
    total, size = to_whole_number(member(claims, "TotalRecords")), to_whole_number(member(claims, "RecordsPerPage"))
    said = "does not say its size" if size is None else f"says its size is {size}" if size > 0 else "says a size < 1"
    if total is None:
        return f"asked for {LARGE_PAGE}; the page {said}, and no total"
    if received < min(total, LARGE_PAGE):
        return f"asked for {LARGE_PAGE}; the page {said}; capped at {received}"
    return f"asked for {LARGE_PAGE}; the page {said}; this account has too few results to show a cap"


def _how_many(number: int) -> str:
    return {0: "got none", 1: "got 1"}.get(number, "got more than 1")


def _is_recognised(result: Mapping[str, Any], tables: Vocabulary) -> bool:
    text, name, subject = (str(result.get(field) or "") for field in ("Result", "AssessmentName", "CourseSubject"))
    return read_initial(text, name, subject, tables).recognised


def as_table(facts: Iterable[Fact], region: str) -> str:
    """Format the report for people, one line per fact. A ? marks forms that the project does not know."""
    by_call: dict[str, list[Fact]] = {}
    for fact in facts:
        by_call.setdefault(fact.call, []).append(fact)
    lines = [f"How bksb ({region}) answers. ? marks a form that the project does not know yet.", ""]
    for call, of_call in by_call.items():
        lines.append(call)
        lines += [f"{'?' if fact.expected is False else ' '}   {fact.about + ':':52} {fact.seen}" for fact in of_call]
    return "\n".join([*lines, "", CANNOT_BE_SEEN, "", SHARE])


def as_json(facts: Iterable[Fact], region: str) -> str:
    """Format the report for programs: {"probe": 1, "region": …, "facts": [{call, about, seen, expected}]}."""
    return json.dumps({"probe": 1, "region": region, "facts": [asdict(fact) for fact in facts]}, indent=2)


def region_of(url: str) -> str:
    """Name the bksb service of the URL. Nothing else of the URL is shown."""
    host = urlsplit(url.strip()).hostname
    return next((region for region, root in API_ROOTS.items() if urlsplit(root).hostname == host), "another address")
