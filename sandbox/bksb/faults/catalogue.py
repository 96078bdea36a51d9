"""Every kind of fault that the simulated bksb can play, and the settings of a fault."""

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
"""When a fault acts: before the call, instead of it, after an account is created, while results are cut into pages,
on the body of a successful response, or on the connection."""


class FaultError(ValueError):
    """There is no such fault, or it cannot have these settings. The message says what is possible."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. `setting`: the extra field of Fault that it uses. `default`: the default of that field."""

    stage: Stage
    description: str
    calls: tuple[str, ...] = CALLS
    setting: Literal["seconds", "cap"] | None = None
    default: float = 0


KINDS: dict[str, FaultKind] = {
    "400": FaultKind("instead", "Status 400 with {“Message”}: bksb rejects this request."),
    "401": FaultKind("instead", "Status 401: bksb rejects the key, although it is correct."),
    "403": FaultKind("instead", "Status 403: the key lacks the permission."),
    "404": FaultKind("instead", "Status 404 with {“Message”}: no such resource."),
    "408": FaultKind("instead", "Status 408: bksb timed out waiting for the request."),
    "429": FaultKind("instead", "Status 429 without Retry-After: too many calls."),
    "429_seconds": FaultKind("instead", "Status 429 with Retry-After in seconds.", setting="seconds", default=2),
    "429_date": FaultKind("instead", "Status 429 with Retry-After as an HTTP date.", setting="seconds", default=2),
    "500": FaultKind("instead", "Status 500 with a JSON message. The call is not carried out."),
    "503": FaultKind("instead", "Status 503 with an HTML page, as a web server sends while bksb restarts."),
    "redirect": FaultKind("instead", "Status 302 to bksb's log-in page."),
    "html": FaultKind("instead", "Status 200 with an HTML page."),
    "json_string": FaultKind("instead", "Status 200 with a JSON string instead of an object, list, number or boolean."),
    "null": FaultKind("instead", "Status 200 with null as the body."),
    "empty": FaultKind("instead", "Status 200 with an empty body."),
    "reset": FaultKind("instead", "The connection is reset without a response. The call is not carried out."),
    "merged_username": FaultKind(
        "instead", "The username no longer exists, because bksb merged its user into another.", NAMES
    ),
    "slow": FaultKind(
        "wait",
        "The call takes longer. createUser creates the account even if the client disconnects.",
        setting="seconds",
        default=5,
    ),
    "create_then_timeout": FaultKind(
        "made",
        "The account is created. No response follows, and the connection drops after some seconds.",
        CREATION,
        "seconds",
        60,
    ),
    "create_then_500": FaultKind("made", "The account is created, but the response is status 500.", CREATION),
    "capped_page": FaultKind(
        "listing",
        "Pages hold fewer results than requested, although RecordsPerPage repeats the request.",
        LISTINGS,
        "cap",
        5,
    ),
    "shifting_pages": FaultKind(
        "listing",
        "A new result arrives between page 1 and page 2, so one session is on both pages.",
        LISTINGS,
    ),
    "changing_total": FaultKind(
        "listing", "TotalRecords grows by 1 from page to page, although no result is new.", LISTINGS
    ),
    "total_too_high": FaultKind("listing", "TotalRecords is 3 too high.", LISTINGS),
    "total_too_low": FaultKind("listing", "TotalRecords is half the real number.", LISTINGS),
    "total_missing": FaultKind("listing", "Pagination has no TotalRecords.", LISTINGS),
    "pagination_missing": FaultKind("listing", "The response has no Pagination.", LISTINGS),
    "endless_same": FaultKind("listing", "Every page is full and repeats the results of page 1.", LISTINGS),
    "endless_new": FaultKind(
        "listing", "Every page is full: after the real results, new ones are invented without end.", LISTINGS
    ),
    "out_of_range_400": FaultKind(
        "listing", "A page after the last gets status 400 instead of an empty list.", LISTINGS
    ),
    "out_of_range_404": FaultKind(
        "listing", "A page after the last gets status 404 instead of an empty list.", LISTINGS
    ),
    "repeated_last_page": FaultKind("listing", "Every page after the last repeats the last page.", LISTINGS),
    "missing_list": FaultKind("body", "The response lacks its list, although there are entries.", LISTED),
    "renamed_list": FaultKind("body", "The list has another name, “Results”.", LISTED),
    "wrong_types": FaultKind("body", "Fields have the wrong type: lists, objects, booleans, fractions and null."),
    "unknown_result": FaultKind("body", "The text of each result is unknown: no level matches it.", RESULTS),
    "unknown_subject": FaultKind("body", "Results belong to an unknown subject, Astronomy.", RESULTS),
    "unknown_fields": FaultKind("body", "Every object has extra fields, some of them nested."),
    "numbers_as_strings": FaultKind("body", "Numbers are strings: ids “123”, totals “7”."),
    "dates_0_digits": FaultKind("body", "Dates have no decimals after the seconds.", RESULTS),
    "dates_3_digits": FaultKind("body", "Dates have 3 decimals after the seconds.", RESULTS),
    "dates_7_digits": FaultKind("body", "Dates have 7 decimals after the seconds.", RESULTS),
    "dates_z": FaultKind("body", "Dates end in Z.", RESULTS),
    "dates_impossible": FaultKind(
        "body", "Dates are invalid: 30 February, hour 25, other formats, an empty string.", RESULTS
    ),
    "truncated": FaultKind("wire", "The response breaks off halfway, although Content-Length announces all of it."),
    "truncated_chunk": FaultKind("wire", "The response breaks off halfway through a chunked transfer."),
    "cut_json": FaultKind("wire", "The JSON breaks off halfway, although the HTTP response is complete."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to play. Raises FaultError, with what is possible, if a setting is invalid.

    `calls`: None means all calls that the kind can affect. `user`: an id, or a username in any case; None means all
    users. `probability` applies to each response. `times`: the number of responses it strikes; None means no limit.
    For faults of a listing, probability and times count readings of all its pages, so that the pages agree.
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
            raise FaultError(f"Unknown fault {self.kind!r}. Choose one of: {', '.join(KINDS)}.")
        if self.calls is not None:
            object.__setattr__(self, "calls", _check_calls(self.calls, KINDS[self.kind].calls, self.kind))
        if isinstance(self.user, bool) or not isinstance(self.user, int | str | None) or self.user == "":
            raise FaultError("user must be a user id or a username. Leave it out for all users.")
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            raise FaultError("probability must be a number from 0 to 1.")
        for name in ("times", "cap"):
            if not _is_whole(getattr(self, name)):
                raise FaultError(f"{name} must be a whole number from 1. Leave it out for the default.")
        if self.seconds is not None and not (_is_number(self.seconds) and 0 <= self.seconds <= LONGEST_SECONDS):
            raise FaultError(f"seconds must be a number from 0 to {LONGEST_SECONDS}.")
        for name in ("seconds", "cap"):
            if getattr(self, name) is not None and KINDS[self.kind].setting != name:
                takers = ", ".join(kind for kind, known in KINDS.items() if known.setting == name)
                raise FaultError(f"{self.kind} has no {name}. Only these have it: {takers}.")

    @property
    def wait_seconds(self) -> float:
        """Seconds to wait: as given, or the default of the kind."""
        return KINDS[self.kind].default if self.seconds is None else self.seconds

    @property
    def page_cap(self) -> int:
        """Results on a page: as given, or the default of the kind."""
        return int(KINDS[self.kind].default) if self.cap is None else self.cap


def parse_fault(value: object) -> Fault:
    """Return a fault from a JSON value. Raises FaultError if it is not valid."""
    known = [one.name for one in fields(Fault)]
    if not isinstance(value, Mapping) or "kind" not in value:
        raise FaultError(f"A fault must be a JSON object with a kind. Optional: {', '.join(known[1:])}.")
    for name in value:
        if name not in known:
            raise FaultError(f"A fault has no {name!r}. It can have: {', '.join(known)}.")
    return Fault(**value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)


def _check_calls(asked: object, possible: tuple[str, ...], kind: str) -> tuple[str, ...]:
    if isinstance(asked, str) or not isinstance(asked, Collection) or not asked:
        raise FaultError("calls must be a list of calls. Leave it out for all calls.")
    for call in asked:
        if call not in CALLS:
            raise FaultError(f"Unknown call {call!r}. Choose from: {', '.join(CALLS)}.")
        if call not in possible:
            raise FaultError(f"{kind} does not apply to {call}. It applies to: {', '.join(possible)}.")
    return tuple(call for call in possible if call in asked)
