"""Faults in the body of a response, over real HTTP."""

import json
import re
from collections.abc import Callable

import pytest

from sandbox.bksb.faults.bodies import IMPOSSIBLE_DATES, UNKNOWN_COURSE, UNKNOWN_RESULT
from sandbox.world.results import UNFINISHED
from tests.sandbox.bksb.faults.faulty_site import RESULTS, SIZE, FaultySite, check_fault, kinds_of


def list_missing(site: FaultySite) -> None:
    assert list(site.page().json()) == ["Pagination"]
    assert list(site.api.get("userGroups/search").json()) == ["Pagination"]


def list_renamed(site: FaultySite) -> None:
    assert [row["SessionId"] for row in site.page().json()["Results"]] == site.truth()[:SIZE]


def wrong_types(site: FaultySite) -> None:
    kinds = {type(value) for row in site.rows() for value in row.values()}
    assert kinds == {list, dict, bool, float, type(None)}
    assert site.user_id().json() == [site.busy.user_id]
    assert isinstance(site.api.create_user().json()["UserId"], list)


def unknown_result(site: FaultySite) -> None:
    assert {row["Result"] for row in site.rows()} == {UNKNOWN_RESULT}


def unknown_subject(site: FaultySite) -> None:
    for row in site.rows():
        assert (row["CourseSubject"], row["AssessmentID"]) == (UNKNOWN_COURSE, 99999)
        assert not re.search("English|Maths|ICT", json.dumps(row))


def unknown_fields(site: FaultySite) -> None:
    body = site.page().json()
    for json_object in (body, body["Pagination"], body[RESULTS][0], site.api.create_user().json()):
        assert json_object["Überraschung"] == [{"Nested": [1, None, "x"]}]


def numbers_as_strings(site: FaultySite) -> None:
    assert site.user_id().json() == str(site.busy.user_id)
    assert site.page().json()["Pagination"] == {"CurrentPage": "1", "TotalRecords": "230", "RecordsPerPage": "20"}
    assert [row["SessionId"] for row in site.rows()] == [str(one) for one in site.truth()[:SIZE]]
    created = site.api.create_user().json()
    assert (created["UserId"].isdecimal(), created["IsActive"]) == (True, True)


def dates_like(pattern: str) -> Callable[[FaultySite], None]:
    def check(site: FaultySite) -> None:
        v5 = site.v5_sessions()
        dates = [row["ResultDate"] for row in site.rows()] + [one["DateStarted"] for one in v5]
        assert all(re.fullmatch(pattern, one) for one in dates)
        assert UNFINISHED in [one["DateCompleted"] for one in v5], "an unfinished session stays unfinished"
        site.sandbox.site.faults.clear()
        assert [one[:19] for one in dates[:SIZE]] == [row["ResultDate"][:19] for row in site.rows()]

    return check


def impossible_dates(site: FaultySite) -> None:
    assert {row["ResultDate"] for row in site.rows()} == set(IMPOSSIBLE_DATES)


CHECKS: dict[str, Callable[[FaultySite], None]] = {
    "missing_list": list_missing,
    "renamed_list": list_renamed,
    "wrong_types": wrong_types,
    "unknown_result": unknown_result,
    "unknown_subject": unknown_subject,
    "unknown_fields": unknown_fields,
    "numbers_as_strings": numbers_as_strings,
    "dates_0_digits": dates_like(r"[^.]{19}"),
    "dates_3_digits": dates_like(r"[^.]{19}\.\d{3}"),
    "dates_7_digits": dates_like(r"[^.]{19}\.\d{7}"),
    "dates_z": dates_like(r"[^.]{19}(\.\d+)?Z"),
    "dates_impossible": impossible_dates,
}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_fault_of_a_body_changes_responses_only_while_it_is_on(site: FaultySite, kind: str) -> None:
    check_fault(site, kind, CHECKS[kind])


def test_every_fault_of_a_body_is_checked() -> None:
    assert set(CHECKS) == kinds_of("body")
