"""What can go wrong with bksb, and which of it goes wrong just now: for which calls and people, how often and how long.

Nothing here knows HTTP. fault_answers.py, fault_bodies.py and fault_listings.py play what the plan says.
"""

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Literal

CALLS = (
    "createUser",
    "isUsernameExists",
    "getUserId",
    "getAutoLoginLink",
    "initialAssessment",
    "diagnosticAssessment",
    "getAssessmentSessionsForCourseV5",
    "GetEOAReportDataForAssessmentSessionV5",
    "userGroupsSearch",
)
CREATION = ("createUser",)
NAMES = ("isUsernameExists", "getUserId")
LISTINGS = ("initialAssessment", "diagnosticAssessment")
V5_CALLS = ("getAssessmentSessionsForCourseV5", "GetEOAReportDataForAssessmentSessionV5")
LISTED = (*LISTINGS, "GetEOAReportDataForAssessmentSessionV5", "userGroupsSearch")
RESULTS = (*LISTINGS, *V5_CALLS)

LONGEST_SECONDS = 86_400

Stage = Literal["wait", "instead", "made", "listing", "body", "wire"]
"""When a fault acts: before the call is carried out, instead of it, after an account was made, while a listing is
cut into pages, on the body of a good answer, or on its way to the client."""


class FaultError(ValueError):
    """There is no such fault; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of fault. `setting` is the field of Fault that it takes besides, with its usual value."""

    stage: Stage
    plays: str
    calls: tuple[str, ...] = CALLS
    setting: Literal["seconds", "cap"] | None = None
    usual: float = 0


KINDS: dict[str, Kind] = {
    "400": Kind("instead", "Status 400 with {“Message”}: this one request is not to bksb's liking."),
    "401": Kind("instead", "Status 401: the key is not accepted, though it is the right one."),
    "403": Kind("instead", "Status 403: the key lacks the permission."),
    "404": Kind("instead", "Status 404 with {“Message”}: no such resource."),
    "408": Kind("instead", "Status 408: bksb gave up waiting for the request."),
    "429": Kind("instead", "Status 429 without Retry-After: too many calls, and no word on how long to wait."),
    "429_seconds": Kind("instead", "Status 429 with Retry-After in seconds.", setting="seconds", usual=2),
    "429_date": Kind("instead", "Status 429 with Retry-After as an HTTP date.", setting="seconds", usual=2),
    "500": Kind("instead", "Status 500 with a JSON message; the call is not carried out."),
    "503": Kind("instead", "Status 503 with an HTML page, as a web server gives while bksb restarts."),
    "redirect": Kind("instead", "Status 302 to bksb's log-in page."),
    "html": Kind("instead", "An HTML page under status 200."),
    "json_string": Kind("instead", "A JSON string under 200 where an object, list, number or true is expected."),
    "null": Kind("instead", "The body null under 200."),
    "empty": Kind("instead", "No body at all under 200."),
    "reset": Kind("instead", "The connection is reset without an answer; the call is not carried out."),
    "merged_username": Kind("instead", "The username was merged away in bksb: nobody has it any more.", NAMES),
    "slow": Kind(
        "wait",
        "The call takes some seconds more; an account is made even if the client has gone.",
        setting="seconds",
        usual=5,
    ),
    "create_then_timeout": Kind(
        "made",
        "The account is made, then nothing comes for some seconds, and the connection drops.",
        CREATION,
        "seconds",
        60,
    ),
    "create_then_500": Kind("made", "The account is made, then status 500 is answered.", CREATION),
    "capped_page": Kind(
        "listing",
        "Pages hold so many results at most, though RecordsPerPage says what was asked for.",
        LISTINGS,
        "cap",
        5,
    ),
    "shifting_pages": Kind(
        "listing",
        "A new result arrives between page 1 and page 2, so that a session is on both.",
        LISTINGS,
    ),
    "changing_total": Kind("listing", "TotalRecords grows by one from page to page, though nothing is new.", LISTINGS),
    "total_too_high": Kind("listing", "TotalRecords says 3 more than there are.", LISTINGS),
    "total_too_low": Kind("listing", "TotalRecords says half of what there is.", LISTINGS),
    "total_missing": Kind("listing", "Pagination has no TotalRecords.", LISTINGS),
    "pagination_missing": Kind("listing", "The answer has no Pagination.", LISTINGS),
    "endless_same": Kind("listing", "Every page is full, with the results of page 1 over and over.", LISTINGS),
    "endless_new": Kind("listing", "Every page is full: after the real results come ever new ones.", LISTINGS),
    "out_of_range_400": Kind("listing", "A page after the last is status 400 instead of empty.", LISTINGS),
    "out_of_range_404": Kind("listing", "A page after the last is status 404 instead of empty.", LISTINGS),
    "repeated_last_page": Kind("listing", "Every page after the last is the last page again.", LISTINGS),
    "missing_list": Kind("body", "The list is absent, though there are results.", LISTED),
    "renamed_list": Kind("body", "The list comes under another name, “Results”.", LISTED),
    "wrong_types": Kind("body", "Fields hold lists, objects, true, fractions and null instead of what they should."),
    "unknown_result": Kind("body", "Results say something that no level table knows.", RESULTS),
    "unknown_subject": Kind("body", "Results are of a subject that nobody has heard of.", RESULTS),
    "unknown_fields": Kind("body", "Every object has further fields, with nested ones among them."),
    "numbers_as_strings": Kind("body", "Numbers come as strings: ids “123”, totals “7”."),
    "dates_0_digits": Kind("body", "Dates have no fraction of a second.", RESULTS),
    "dates_3_digits": Kind("body", "Dates have 3 digits after the second.", RESULTS),
    "dates_7_digits": Kind("body", "Dates have 7 digits after the second.", RESULTS),
    "dates_z": Kind("body", "Dates end in Z.", RESULTS),
    "dates_impossible": Kind("body", "Dates are none: 30 February, 25 o'clock, other notations, nothing.", RESULTS),
    "truncated": Kind("wire", "The answer breaks off in the middle, though Content-Length promises all of it."),
    "truncated_chunk": Kind("wire", "The answer breaks off in the middle of a chunked transfer."),
    "cut_json": Kind("wire", "The JSON ends in the middle, though the HTTP answer is in order."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch. FaultError, with what to do about it, if it cannot be played.

    `calls` None = every call the kind can touch; `user` (id or username, whatever its case) None = everybody;
    `probability` is that of each answer, and `times` how many answers it lasts (None = for ever): for the kinds
    of a listing, of each reading from page 1 on, so that all pages of one reading agree.
    """

    kind: str
    calls: tuple[str, ...] | None = None
    user: int | str | None = None
    probability: float = 1.0
    times: int | None = None
    seconds: float | None = None
    cap: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise FaultError(f"There is no fault {self.kind!r}. There are: {', '.join(KINDS)}.")
        if self.calls is not None:
            object.__setattr__(self, "calls", _calls(self.calls, KINDS[self.kind].calls, self.kind))
        if isinstance(self.user, bool) or not isinstance(self.user, int | str | None) or self.user == "":
            raise FaultError("user is a user id or a username; leave it out for everybody.")
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            raise FaultError("probability is a number from 0 to 1.")
        for name in ("times", "cap"):
            if not _is_whole(getattr(self, name)):
                raise FaultError(f"{name} is a whole number from 1; leave it out for the usual.")
        if self.seconds is not None and not (_is_number(self.seconds) and 0 <= self.seconds <= LONGEST_SECONDS):
            raise FaultError(f"seconds is a number from 0 to {LONGEST_SECONDS}.")
        for name in ("seconds", "cap"):
            if getattr(self, name) is not None and KINDS[self.kind].setting != name:
                takers = ", ".join(kind for kind, known in KINDS.items() if known.setting == name)
                raise FaultError(f"{self.kind} takes no {name}; only {takers} do.")

    @property
    def wait(self) -> float:
        """The seconds given, or the kind's usual ones."""
        return KINDS[self.kind].usual if self.seconds is None else self.seconds

    @property
    def page_cap(self) -> int:
        """The cap given, or the kind's usual one."""
        return int(KINDS[self.kind].usual) if self.cap is None else self.cap


def parse_fault(told: object) -> Fault:
    """A fault from JSON. FaultError if it is none."""
    known = [one.name for one in fields(Fault)]
    if not isinstance(told, Mapping) or "kind" not in told:
        raise FaultError(f"A fault is a JSON object with a kind, and perhaps: {', '.join(known[1:])}.")
    for name in told:
        if name not in known:
            raise FaultError(f"A fault has no {name!r}. It has: {', '.join(known)}.")
    return Fault(**told)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)


def _calls(asked: object, possible: tuple[str, ...], kind: str) -> tuple[str, ...]:
    if isinstance(asked, str) or not isinstance(asked, Collection) or not asked:
        raise FaultError("calls is a list of calls; leave it out for all.")
    for call in asked:
        if call not in CALLS:
            raise FaultError(f"There is no call {call!r}. There are: {', '.join(CALLS)}.")
        if call not in possible:
            raise FaultError(f"{kind} cannot happen in {call}; it can in: {', '.join(possible)}.")
    return tuple(call for call in possible if call in asked)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a call is about, as far as it says: a user id, a username (in lower case), both or neither."""

    user_id: int | None = None
    username: str = ""

    def is_meant_by(self, user: int | str | None) -> bool:
        if user is None:
            return True
        if isinstance(user, int):
            return user == self.user_id
        return user.lower() == self.username or user == str(self.user_id)


NOBODY = Caller()


@dataclass(slots=True)
class Switched:
    """A fault that is on: its number on the list, and how many answers it has spoilt."""

    number: int
    fault: Fault
    played: int = 0
    _asked: Counter[tuple[str, Caller]] = field(default_factory=Counter, repr=False)

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.played >= self.fault.times

    def falls(self, seed: int, call: str, caller: Caller) -> bool:
        """Throws the dice. They depend on who asks how often for what, not on what others do meanwhile."""
        if self.fault.probability >= 1:
            return True
        self._asked[call, caller] += 1
        thrown = f"{seed}/{self.number}/{call}/{caller}/{self._asked[call, caller]}"
        share = int.from_bytes(blake2b(thrown.encode(), digest_size=8).digest()) / 2**64
        return share < self.fault.probability


class FaultPlan:
    """The faults of one site, safe to use from many threads; the same answers again for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.is_idle = True
        """Whether nothing can happen: what every call looks at first."""
        self._lock = threading.Lock()
        self._switched: list[Switched] = []
        self._next_number = 1
        self._played: Counter[str] = Counter()
        self._readings: dict[tuple[str, Caller], dict[str, Fault]] = {}

    def add(self, *faults: Fault) -> None:
        """Switches faults on; they act from the next call on, in the order in which they were added."""
        with self._lock:
            for fault in faults:
                self._switched.append(Switched(self._next_number, fault))
                self._next_number += 1
            self._readings.clear()
            self.is_idle = not self._switched

    def clear(self) -> None:
        """Switches everything off, and begins to count and to throw dice anew."""
        with self._lock:
            self._switched.clear()
            self._readings.clear()
            self._played.clear()
            self._next_number = 1
            self.is_idle = True

    def remove(self, number: int) -> bool:
        """Switches one fault off, and says whether it was on."""
        with self._lock:
            left = [one for one in self._switched if one.number != number]
            found = len(left) < len(self._switched)
            self._switched = left
            self._readings.clear()
            self.is_idle = not left
            return found

    def active(self) -> tuple[Switched, ...]:
        """What is on, in the order in which it was added; what has lasted its times is not."""
        with self._lock:
            return tuple(self._switched)

    def played(self) -> dict[str, int]:
        """How many answers (of a listing: readings) each kind has spoilt since the plan was cleared."""
        with self._lock:
            return dict(self._played)

    def candidates(self, stage: Stage, call: str, caller: Caller) -> list[Switched]:
        """What may happen to this call at this stage; `strikes` decides."""
        if self.is_idle:
            return []
        with self._lock:
            return [
                one
                for one in self._switched
                if KINDS[one.fault.kind].stage == stage
                and call in (one.fault.calls or KINDS[one.fault.kind].calls)
                and caller.is_meant_by(one.fault.user)
            ]

    def strikes(self, candidate: Switched, call: str, caller: Caller) -> bool:
        """Whether it happens now; if so, it is counted."""
        with self._lock:
            if candidate.is_used_up or not candidate.falls(self.seed, call, caller):
                return False
            candidate.played += 1
            self._played[candidate.fault.kind] += 1
            if candidate.is_used_up:
                self._switched = [one for one in self._switched if not one.is_used_up]
                self._settle()
            return True

    def first(self, stage: Stage, call: str, caller: Caller) -> Fault | None:
        """The first fault of the stage that happens now."""
        for candidate in self.candidates(stage, call, caller):
            if self.strikes(candidate, call, caller):
                return candidate.fault
        return None

    def _settle(self) -> None:
        """Notes whether anything can still happen: readings that began under a fault are seen through."""
        self.is_idle = not self._switched and not any(self._readings.values())

    def reading(self, call: str, caller: Caller, page: int, size: int, total: int) -> dict[str, Fault]:
        """What is wrong with one reading of a listing, by kind: settled at page 1, and the same for its later pages.

        Only what can show in a listing of that many results on such pages is counted.
        """
        if self.is_idle:
            return {}
        if page > 1 and (call, caller) in self._readings:
            return self._readings[call, caller]
        candidates = self.candidates("listing", call, caller)
        struck = {
            one.fault.kind: one.fault
            for one in candidates
            if _shows(one.fault, size, total) and self.strikes(one, call, caller)
        }
        with self._lock:
            self._readings.pop((call, caller), None)
            if candidates:
                self._readings[call, caller] = struck
            self._settle()
        return struck


def _shows(fault: Fault, size: int, total: int) -> bool:
    if fault.kind in ("shifting_pages", "changing_total"):
        return total > size
    if fault.kind == "capped_page":
        return total > fault.page_cap
    return total > 0 or fault.kind not in ("total_too_low", "endless_same", "repeated_last_page")
