"""What can go wrong with bksb: every kind of fault, and a fault that can be switched on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
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
cut into pages, on the body of a good response, or on its way to the client."""


class FaultError(ValueError):
    """There is no such fault; the text says what there is."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. `setting` is the one further field of Fault that it takes, `usual` its value if left out."""

    stage: Stage
    plays: str
    calls: tuple[str, ...] = CALLS
    setting: Literal["seconds", "cap"] | None = None
    usual: float = 0


KINDS: dict[str, FaultKind] = {
    "400": FaultKind("instead", "Status 400 with {“Message”}: this one request is not to bksb's liking."),
    "401": FaultKind("instead", "Status 401: the key is not accepted, though it is the right one."),
    "403": FaultKind("instead", "Status 403: the key lacks the permission."),
    "404": FaultKind("instead", "Status 404 with {“Message”}: no such resource."),
    "408": FaultKind("instead", "Status 408: bksb gave up waiting for the request."),
    "429": FaultKind("instead", "Status 429 without Retry-After: too many calls, and no word on how long to wait."),
    "429_seconds": FaultKind("instead", "Status 429 with Retry-After in seconds.", setting="seconds", usual=2),
    "429_date": FaultKind("instead", "Status 429 with Retry-After as an HTTP date.", setting="seconds", usual=2),
    "500": FaultKind("instead", "Status 500 with a JSON message; the call is not carried out."),
    "503": FaultKind("instead", "Status 503 with an HTML page, as a web server gives while bksb restarts."),
    "redirect": FaultKind("instead", "Status 302 to bksb's log-in page."),
    "html": FaultKind("instead", "An HTML page under status 200."),
    "json_string": FaultKind("instead", "A JSON string under 200 where an object, list, number or true is expected."),
    "null": FaultKind("instead", "The body null under 200."),
    "empty": FaultKind("instead", "No body at all under 200."),
    "reset": FaultKind("instead", "The connection is reset without an answer; the call is not carried out."),
    "merged_username": FaultKind("instead", "The username was merged away in bksb: nobody has it any more.", NAMES),
    "slow": FaultKind(
        "wait",
        "The call takes some seconds more; an account is made even if the client has gone.",
        setting="seconds",
        usual=5,
    ),
    "create_then_timeout": FaultKind(
        "made",
        "The account is made, then nothing comes for some seconds, and the connection drops.",
        CREATION,
        "seconds",
        60,
    ),
    "create_then_500": FaultKind("made", "The account is made, then status 500 is answered.", CREATION),
    "capped_page": FaultKind(
        "listing",
        "Pages hold so many results at most, though RecordsPerPage says what was asked for.",
        LISTINGS,
        "cap",
        5,
    ),
    "shifting_pages": FaultKind(
        "listing",
        "A new result arrives between page 1 and page 2, so that a session is on both.",
        LISTINGS,
    ),
    "changing_total": FaultKind(
        "listing", "TotalRecords grows by one from page to page, though nothing is new.", LISTINGS
    ),
    "total_too_high": FaultKind("listing", "TotalRecords says 3 more than there are.", LISTINGS),
    "total_too_low": FaultKind("listing", "TotalRecords says half of what there is.", LISTINGS),
    "total_missing": FaultKind("listing", "Pagination has no TotalRecords.", LISTINGS),
    "pagination_missing": FaultKind("listing", "The answer has no Pagination.", LISTINGS),
    "endless_same": FaultKind("listing", "Every page is full, with the results of page 1 over and over.", LISTINGS),
    "endless_new": FaultKind("listing", "Every page is full: after the real results come ever new ones.", LISTINGS),
    "out_of_range_400": FaultKind("listing", "A page after the last is status 400 instead of empty.", LISTINGS),
    "out_of_range_404": FaultKind("listing", "A page after the last is status 404 instead of empty.", LISTINGS),
    "repeated_last_page": FaultKind("listing", "Every page after the last is the last page again.", LISTINGS),
    "missing_list": FaultKind("body", "The list is absent, though there are results.", LISTED),
    "renamed_list": FaultKind("body", "The list comes under another name, “Results”.", LISTED),
    "wrong_types": FaultKind(
        "body", "Fields hold lists, objects, true, fractions and null instead of what they should."
    ),
    "unknown_result": FaultKind("body", "Results say something that no level table knows.", RESULTS),
    "unknown_subject": FaultKind("body", "Results are of a subject that nobody has heard of.", RESULTS),
    "unknown_fields": FaultKind("body", "Every object has further fields, with nested ones among them."),
    "numbers_as_strings": FaultKind("body", "Numbers come as strings: ids “123”, totals “7”."),
    "dates_0_digits": FaultKind("body", "Dates have no fraction of a second.", RESULTS),
    "dates_3_digits": FaultKind("body", "Dates have 3 digits after the second.", RESULTS),
    "dates_7_digits": FaultKind("body", "Dates have 7 digits after the second.", RESULTS),
    "dates_z": FaultKind("body", "Dates end in Z.", RESULTS),
    "dates_impossible": FaultKind(
        "body", "Dates are none: 30 February, 25 o'clock, other notations, nothing.", RESULTS
    ),
    "truncated": FaultKind("wire", "The answer breaks off in the middle, though Content-Length promises all of it."),
    "truncated_chunk": FaultKind("wire", "The answer breaks off in the middle of a chunked transfer."),
    "cut_json": FaultKind("wire", "The JSON ends in the middle, though the HTTP answer is in order."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch. FaultError, with what to do about it, if it cannot be played.

    `calls` None = every call the kind can touch; `user` (id or username, whatever its case) None = every user.
    `probability` is that of each response, and `times` how many responses it lasts (None = without end). For the
    kinds of a listing both count readings, each from page 1 on, so that all pages of one reading agree.
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
            object.__setattr__(self, "calls", _check_calls(self.calls, KINDS[self.kind].calls, self.kind))
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
    def wait_seconds(self) -> float:
        """The seconds given, or the kind's usual ones."""
        return KINDS[self.kind].usual if self.seconds is None else self.seconds

    @property
    def page_cap(self) -> int:
        """The cap given, or the kind's usual one."""
        return int(KINDS[self.kind].usual) if self.cap is None else self.cap


def parse_fault(value: object) -> Fault:
    """A fault from a JSON value. FaultError if it is not one."""
    known = [one.name for one in fields(Fault)]
    if not isinstance(value, Mapping) or "kind" not in value:
        raise FaultError(f"A fault is a JSON object with a kind, and perhaps: {', '.join(known[1:])}.")
    for name in value:
        if name not in known:
            raise FaultError(f"A fault has no {name!r}. It has: {', '.join(known)}.")
    return Fault(**value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)


def _check_calls(asked: object, possible: tuple[str, ...], kind: str) -> tuple[str, ...]:
    if isinstance(asked, str) or not isinstance(asked, Collection) or not asked:
        raise FaultError("calls is a list of calls; leave it out for all.")
    for call in asked:
        if call not in CALLS:
            raise FaultError(f"There is no call {call!r}. There are: {', '.join(CALLS)}.")
        if call not in possible:
            raise FaultError(f"{kind} cannot happen in {call}; it can in: {', '.join(possible)}.")
    return tuple(call for call in possible if call in asked)
