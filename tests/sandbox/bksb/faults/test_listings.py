"""Faults of a listing, over real HTTP."""

from collections.abc import Callable

import pytest

from tests.sandbox.bksb.faults.faulty_site import RESULTS, SIZE, FaultySite, check_fault, kinds_of


def capped(site: FaultySite) -> None:
    assert site.sessions() == site.truth()[:5]
    assert site.sessions(2) == site.truth()[5:10]
    assert site.page().json()["Pagination"] == {"CurrentPage": 1, "TotalRecords": 230, "RecordsPerPage": SIZE}


def shifting(site: FaultySite) -> None:
    before, first = site.truth(), site.sessions()
    second = site.sessions(2)
    assert (first, second[0]) == (before[:SIZE], first[-1])
    assert site.truth()[1:] == before, "the site keeps the new result, as the newest"
    assert site.sessions(2) == second, "a second request for page 2 adds no result"
    only = site.person("one_result")
    assert site.page(2, only).json().get(RESULTS, []) == []
    assert len(site.truth(only)) == 1


def changing(site: FaultySite) -> None:
    assert [site.total(number) for number in (1, 2, 3)] == [230, 231, 232]


def too_high(site: FaultySite) -> None:
    assert site.total() == 233


def too_low(site: FaultySite) -> None:
    assert site.total() == 115


def total_missing(site: FaultySite) -> None:
    assert site.page().json()["Pagination"] == {"CurrentPage": 1, "RecordsPerPage": SIZE}


def pagination_missing(site: FaultySite) -> None:
    assert list(site.page().json()) == [RESULTS]


def endless_same(site: FaultySite) -> None:
    assert site.sessions(1) == site.sessions(2) == site.sessions(999) == site.truth()[:SIZE]
    only = site.person("one_result")
    assert [row["SessionId"] for row in site.page(7, only).json()[RESULTS]] == site.truth(only) * SIZE


def endless_new(site: FaultySite) -> None:
    read = [session for number in range(1, 15) for session in site.sessions(number)]
    assert len(set(read)) == len(read) == 14 * SIZE
    assert read[:230] == site.truth()
    assert site.sessions(999) == site.sessions(999)
    assert len(site.page(1, site.person("no_results")).json()[RESULTS]) == SIZE


def out_of_range(status: int) -> Callable[[FaultySite], None]:
    def check(site: FaultySite) -> None:
        assert [site.page(number).status_code for number in (1, 12, 13, 99)] == [200, 200, status, status]

    return check


def last_page_again(site: FaultySite) -> None:
    assert site.sessions(13) == site.sessions(12) == site.truth()[220:]


CHECKS: dict[str, Callable[[FaultySite], None]] = {
    "capped_page": capped,
    "shifting_pages": shifting,
    "changing_total": changing,
    "total_too_high": too_high,
    "total_too_low": too_low,
    "total_missing": total_missing,
    "pagination_missing": pagination_missing,
    "endless_same": endless_same,
    "endless_new": endless_new,
    "out_of_range_400": out_of_range(400),
    "out_of_range_404": out_of_range(404),
    "repeated_last_page": last_page_again,
}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_fault_of_a_listing_acts_only_while_it_is_on(site: FaultySite, kind: str) -> None:
    check_fault(site, kind, CHECKS[kind])


def test_every_fault_of_a_listing_is_checked() -> None:
    assert set(CHECKS) == kinds_of("listing")
