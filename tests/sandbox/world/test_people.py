"""The invented people: the same each time, every kind among them, and eligible as their kind says."""

import re
from collections import Counter
from datetime import date, timedelta

import pytest

from sandbox.world.people import invent
from sandbox.world.population import Kind, World, months_before

TODAY = date(2026, 11, 23)
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


def test_the_same_arguments_invent_the_same_world() -> None:
    assert invent(150, TODAY) == invent(150, TODAY)
    assert invent(150, TODAY) != invent(150, TODAY, seed=1)


@pytest.mark.parametrize("learners", [1, 2, 7, 79, 100, 101, 601])
def test_a_world_has_exactly_the_people_asked_for(learners: int) -> None:
    world = invent(learners, TODAY)
    assert len({person.person_id for person in world.people}) == learners
    assert set(world.kinds) == {person.person_id for person in world.people}


def test_a_world_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 person"):
        invent(0, TODAY)


@pytest.mark.parametrize("learners", [100, 600])
def test_every_kind_is_there_from_100_people_on(learners: int) -> None:
    world = invent(learners, TODAY)
    assert [kind for kind in Kind if not world.people_of(kind)] == []


def test_most_of_600_people_are_ordinary_learners_without_an_account() -> None:
    assert len(invent(600, TODAY).people_of("plain")) > 300


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
def test_people_are_eligible_on_the_anchor_day_as_their_kind_says(today: date) -> None:
    world = invent(100, today)
    eligible = world.eligible_on(today)
    longest_ago = (today - months_before(today, 1)).days
    for kind in Kind:
        expected = kind not in NEVER_ELIGIBLE and LONGEST_AGO_BY_MONTH_LENGTH.get(kind, 0) <= longest_ago
        assert {person in eligible for person in world.people_of(kind)} == {expected}, kind


def test_a_person_who_starts_tomorrow_is_eligible_tomorrow_and_one_whose_month_is_over_is_not(
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
def test_a_month_before_is_clamped_to_the_end_of_a_shorter_month(day: date, months: int, expected: date) -> None:
    assert months_before(day, months) == expected


def test_everybody_is_obviously_invented() -> None:
    for person in invent(2000, TODAY).people:
        for address in re.findall(r"@+([\w.]+)", person.email or ""):
            assert address.lower().endswith(".example")


def test_learn_ref_numbers_are_such_as_the_ilr_allows() -> None:
    for person in invent(2000, TODAY).people:
        assert person.learn_ref_number is None or re.fullmatch(r"[A-Za-z0-9 ]{1,12}", person.learn_ref_number)


def test_nobody_but_the_pairs_shares_an_address_or_a_learn_ref_number() -> None:
    world = invent(2000, TODAY)
    may_share = {
        *world.people_of("shared_email"),
        *world.people_of("shared_email_other_case"),
        *world.people_of("applicant_transferred"),
        *world.people_of("malformed_email"),
        *world.people_of("same_learn_ref_number"),
    }
    others = [person for person in world.people if person.person_id not in may_share]
    for values in (
        Counter(person.email.lower() for person in others if person.email and person.email.strip()),
        Counter(person.learn_ref_number for person in others if person.learn_ref_number),
    ):
        assert [value for value, count in values.items() if count > 1] == []


def test_pairs_share_what_their_kind_says(world: World) -> None:
    one, other = (world.person(person_id) for person_id in world.people_of("shared_email"))
    assert one.email == other.email
    one, other = (world.person(person_id) for person_id in world.people_of("shared_email_other_case"))
    assert one.email != other.email
    assert (one.email or "").lower() == (other.email or "").lower()
    one, other = (world.person(person_id) for person_id in world.people_of("stored_on_two_people"))
    assert one.bksb_username == other.bksb_username is not None
    (learner,) = world.people_of("transferred_learner")
    assert (world.person(learner).former_person_id,) == world.people_of("applicant_transferred")


def test_bksb_holds_the_accounts_that_the_kinds_speak_of(world: World) -> None:
    usernames = {account.username for account in world.accounts}
    folded = {username.lower() for username in usernames}
    assert len(folded) == len(usernames)
    for person_id in world.people_of("stored_username"):
        assert world.person(person_id).bksb_username in usernames
    (other_case,) = (world.person(person_id) for person_id in world.people_of("stored_in_other_case"))
    assert other_case.bksb_username not in usernames
    assert (other_case.bksb_username or "").lower() in folded
    (unknown,) = (world.person(person_id) for person_id in world.people_of("stored_but_unknown"))
    assert (unknown.bksb_username or "").lower() not in folded
    (taken,) = (world.person(person_id) for person_id in world.people_of("username_taken"))
    assert taken.bksb_username is None
    assert taken.learn_ref_number in usernames
    (taken,) = (world.person(person_id) for person_id in world.people_of("username_taken_in_other_case"))
    assert taken.learn_ref_number not in usernames
    assert (taken.learn_ref_number or "").lower() in folded
