"""Eligibility of the invented people."""

from datetime import date, timedelta

import pytest

from sandbox.world.people import invent
from sandbox.world.population import Kind, World, months_before
from tests.sandbox.conftest import TODAY

NEVER_ELIGIBLE = {
    Kind.PARTIAL_ENTRY,
    Kind.DORMANT,
    Kind.ENDED_32_DAYS_AGO,
    Kind.ENDED_ONE_MONTH_AND_A_DAY_AGO,
    Kind.COMPLETED_LONG_AGO,
    Kind.WITHDRAWN_LONG_AGO,
    Kind.ON_BREAK,
    Kind.STARTS_TOMORROW,
    Kind.NO_START_DATE,
    Kind.NO_EPISODE,
    Kind.APPLICANT_OLD,
    Kind.APPLICANT_OF_TOMORROW,
    Kind.APPLICANT_NOT_LIVE,
    Kind.APPLICANT_TRANSFERRED,
    Kind.LEAVER_WITH_ACCOUNT,
}
LONGEST_AGO_BY_MONTH_LENGTH = {Kind.ENDED_30_DAYS_AGO: 30, Kind.ENDED_31_DAYS_AGO: 31}


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="no_such_kind"):
        world.people_of("no_such_kind")


@pytest.mark.parametrize(
    "today",
    [
        TODAY,
        date(2026, 3, 1),
        date(2026, 3, 31),
        date(2028, 2, 29),
        date(2028, 3, 30),
        date(2027, 1, 1),
        date(2026, 7, 31),
    ],
    ids=str,
)
def test_eligibility_on_the_anchor_date_follows_from_the_kind(today: date) -> None:
    world = invent(100, today)
    eligible = world.eligible_on(today)
    longest_ago = (today - months_before(today, 1)).days
    for kind in Kind:
        expected = kind not in NEVER_ELIGIBLE and LONGEST_AGO_BY_MONTH_LENGTH.get(kind, 0) <= longest_ago
        assert {person in eligible for person in world.people_of(kind)} == {expected}, kind


def test_eligibility_on_the_next_day_includes_new_starters_and_excludes_those_past_their_month(
    world: World,
) -> None:
    tomorrow = world.eligible_on(TODAY + timedelta(days=1))
    assert tomorrow.issuperset(world.people_of("starts_tomorrow"))
    assert tomorrow.issuperset(world.people_of("applicant_of_tomorrow"))
    assert tomorrow.isdisjoint(world.people_of("ended_one_month_ago"))
    assert tomorrow.isdisjoint(world.people_of("applicant_of_12_months_ago"))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 31), 1, date(2026, 11, 30)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
    ],
)
def test_months_before_is_clamped_to_the_last_day_of_a_shorter_month(day: date, months: int, expected: date) -> None:
    assert months_before(day, months) == expected
