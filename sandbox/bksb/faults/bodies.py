"""Faults that change the body of a successful response."""

import re
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

Json = Any

OTHER_LIST_NAME = "Results"
UNKNOWN_RESULT = "Astronomy Tier 9 (see tutor)"
UNKNOWN_SUBJECT = "Astronomy"
UNKNOWN_COURSE = "ASTRO_NEW"
UNKNOWN_ASSESSMENT_ID = 99_999
UNKNOWN_FIELDS = {"Überraschung": [{"Nested": [1, None, "x"]}], "X-Version": 5.5, "": False}
IMPOSSIBLE_DATES = (
    "2026-02-30T10:00:00",
    "2026-11-20T25:61:61",
    "9999-12-31T23:59:59-14:00",
    "/Date(1795183392000)/",
    "20/11/2026 14:03",
    "",
    "soon",
)
RESULT_FIELDS = ("Result", "AbilityMeasurement")
KNOWN_SUBJECT = re.compile(r"\b(English|Mathematics|Maths|ICT)\b")
DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?")
NEVER = "0001-01-01T00:00:00"


def alter_body(kind: str, body: Json) -> Json:
    """Return the body with this fault, or an equal body if the fault does not apply to it."""
    return CHANGES[kind](body)


def _change_values(body: Json, change: Callable[[str, Json], Json], name: str = "") -> Json:
    """Return the body after calling `change(name, value)` for each value that is neither a list nor an object."""
    if isinstance(body, dict):
        return {key: _change_values(value, change, key) for key, value in body.items()}
    if isinstance(body, list):
        return [_change_values(value, change, name) for value in body]
    return change(name, body)


def _drop_list(body: Json) -> Json:
    return {key: value for key, value in body.items() if not isinstance(value, list)}


def _rename_list(body: Json) -> Json:
    return {(OTHER_LIST_NAME if isinstance(value, list) else key): value for key, value in body.items()}


def _give_wrong_types(body: Json) -> Json:
    numbers = count()

    def give_wrong_type(_name: str, value: Json) -> Json:
        if value is None or isinstance(value, bool):
            return [value]
        return ([value], {"Value": value}, True, 1.5, None)[next(numbers) % 5]

    return _change_values(body, give_wrong_type)


def _give_unknown_results(body: Json) -> Json:
    return _change_values(body, lambda name, value: UNKNOWN_RESULT if name in RESULT_FIELDS else value)


def _give_unknown_subjects(body: Json) -> Json:
    def give_unknown_subject(name: str, value: Json) -> Json:
        if name == "CourseSubject":
            return UNKNOWN_COURSE
        if name == "AssessmentID":
            return UNKNOWN_ASSESSMENT_ID
        return KNOWN_SUBJECT.sub(UNKNOWN_SUBJECT, value) if isinstance(value, str) else value

    return _change_values(body, give_unknown_subject)


def _add_unknown_fields(body: Json) -> Json:
    if isinstance(body, dict):
        return {key: _add_unknown_fields(value) for key, value in body.items()} | UNKNOWN_FIELDS
    return [_add_unknown_fields(value) for value in body] if isinstance(body, list) else body


def _turn_numbers_into_strings(body: Json) -> Json:
    return _change_values(
        body, lambda _, value: str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    )


def _make_date_change(write: Callable[[str, str], str]) -> Callable[[Json], Json]:
    """Return a change that rewrites every date but NEVER. `write` gets the text up to the seconds, and the decimals."""

    def rewrite(_name: str, value: Json) -> Json:
        found = DATE.fullmatch(value) if isinstance(value, str) and value != NEVER else None
        return write(found[1], found[2] or "") if found else value

    return lambda body: _change_values(body, rewrite)


def _give_impossible_dates(body: Json) -> Json:
    dates: Iterator[str] = cycle(IMPOSSIBLE_DATES)
    return _make_date_change(lambda _seconds, _digits: next(dates))(body)


CHANGES: dict[str, Callable[[Json], Json]] = {
    "missing_list": _drop_list,
    "renamed_list": _rename_list,
    "wrong_types": _give_wrong_types,
    "unknown_result": _give_unknown_results,
    "unknown_subject": _give_unknown_subjects,
    "unknown_fields": _add_unknown_fields,
    "numbers_as_strings": _turn_numbers_into_strings,
    "dates_0_digits": _make_date_change(lambda seconds, _digits: seconds),
    "dates_3_digits": _make_date_change(lambda seconds, digits: f"{seconds}.{digits[:3].ljust(3, '0')}"),
    "dates_7_digits": _make_date_change(lambda seconds, digits: f"{seconds}.{digits[:7].ljust(7, '0')}"),
    "dates_z": _make_date_change(lambda seconds, digits: f"{seconds}{'.' * bool(digits)}{digits}Z"),
    "dates_impossible": _give_impossible_dates,
}
