"""The edge cases of a world: people with unusual rows, addresses, usernames or results."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Unpack

from sandbox.world import names
from sandbox.world.population import RESULTS_OF, Kind, months_before
from sandbox.world.world_builder import (
    EpisodeDetails,
    WorldBuilder,
    add_applicant,
    add_learner,
    add_learner_with_account,
    add_leaver,
)

MALFORMED_EMAILS = (
    "not-an-address",
    "two@@learner.example",
    "nobody@",
    "a space@learner.example",
    "one@learner.example; two@learner.example",
)
NAMES_OF_KIND: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.APOSTROPHE_NAME: names.APOSTROPHE,
    Kind.ACCENTED_NAME: names.ACCENTED,
    Kind.DOUBLE_NAME: names.DOUBLE,
    Kind.NON_LATIN_NAME: names.NON_LATIN,
    Kind.VERY_LONG_NAME: names.VERY_LONG,
}

Recipe = tuple[int, Callable[[], object]]
"""A number of people, and the call that adds them."""


def list_edge_cases(world: WorldBuilder, round_number: int) -> Iterator[Recipe]:
    """Yield one round of all edge cases. Names and addresses vary with the number of the round."""
    yield from _list_email_cases(world, round_number)
    yield from _list_name_cases(world, round_number)
    yield from _list_username_cases(world, round_number)
    yield from _list_date_cases(world)
    yield from _list_cases_of_several_programmes(world)
    yield from _list_applicant_cases(world)
    for kind in RESULTS_OF:
        yield 1, partial(add_learner_with_account, world, kind)


def _list_email_cases(world: WorldBuilder, round_number: int) -> Iterator[Recipe]:
    yield 1, partial(add_learner, world, Kind.NO_EMAIL, email=None)
    yield 1, partial(add_learner, world, Kind.BLANK_EMAIL, email="   " if round_number % 2 else "")
    malformed = MALFORMED_EMAILS[round_number % len(MALFORMED_EMAILS)]
    yield 1, partial(add_learner, world, Kind.MALFORMED_EMAIL, email=malformed)
    family = f"family.{round_number}@mail.example"
    yield 2, partial(_add_pair_with_emails, world, Kind.SHARED_EMAIL, family, family)
    shared = f"Shared.Box.{round_number}@mail.example"
    yield 2, partial(_add_pair_with_emails, world, Kind.SHARED_EMAIL_OTHER_CASE, shared, shared.upper())
    yield 1, partial(add_learner, world, Kind.REFUSED_EMAIL, email=f"nobody.{round_number}@refused.example")
    yield 1, partial(add_learner_with_account, world, Kind.NO_EMAIL_BUT_ACCOUNT, email=None)


def _add_pair_with_emails(world: WorldBuilder, kind: Kind, one: str, other: str) -> None:
    add_learner(world, kind, email=one)
    add_learner(world, kind, email=other)


def _list_name_cases(world: WorldBuilder, round_number: int) -> Iterator[Recipe]:
    """Unusual names, dates of birth and LearnRefNumbers."""
    yield 1, partial(add_learner, world, Kind.NO_GIVEN_NAME, name=("  " if round_number % 2 else None, "Placeholder"))
    yield 1, partial(add_learner, world, Kind.NO_FAMILY_NAME, name=("Ignotus", "" if round_number % 2 else None))
    for kind, choices in NAMES_OF_KIND.items():
        yield 1, partial(add_learner, world, kind, name=choices[round_number % len(choices)])
    yield 1, partial(add_learner, world, Kind.NO_DATE_OF_BIRTH, date_of_birth=None)
    spaced = f"LR {round_number:06d} X"
    yield 1, partial(add_learner, world, Kind.LEARN_REF_NUMBER_WITH_SPACE, learn_ref_number=spaced)
    yield 1, partial(add_learner, world, Kind.NO_LEARN_REF_NUMBER, learn_ref_number=None)
    yield 2, partial(_add_pair_with_learn_ref_number, world, f"TWIN{round_number:06d}")


def _add_pair_with_learn_ref_number(world: WorldBuilder, learn_ref_number: str) -> None:
    add_learner(world, Kind.SAME_LEARN_REF_NUMBER, learn_ref_number=learn_ref_number)
    add_learner(world, Kind.SAME_LEARN_REF_NUMBER, learn_ref_number=learn_ref_number)


def _list_username_cases(world: WorldBuilder, round_number: int) -> Iterator[Recipe]:
    yield 1, partial(add_learner_with_account, world, Kind.STORED_USERNAME)
    yield 1, partial(_add_stored_in_other_case, world, f"Case.Mixed.{round_number}")
    yield 1, partial(add_learner, world, Kind.STORED_BUT_UNKNOWN, bksb_username=f"long.gone.{round_number}")
    yield 2, partial(_add_stored_on_two_people, world, f"one.account.{round_number}")
    yield 1, partial(_add_taken_username, world, Kind.USERNAME_TAKEN, str)
    yield 1, partial(_add_taken_username, world, Kind.USERNAME_TAKEN_IN_OTHER_CASE, str.lower)
    for kind, username in (
        (Kind.USERNAME_WITH_AT, f"name.{round_number}@college.example"),
        (Kind.USERNAME_WITH_PLUS, f"a+b&c=d%20/e?f#{round_number}"),
        (Kind.USERNAME_WITH_APOSTROPHE, f"d'arcy.o'example.{round_number}"),
        (Kind.USERNAME_WITH_SPACE, f"two words {round_number}"),
        (Kind.USERNAME_NON_ASCII, f"Zoë.Łęcka.例.{round_number}"),
    ):
        yield 1, partial(add_learner_with_account, world, kind, username)
    yield 1, partial(_add_leaver_with_account, world)


def _add_stored_in_other_case(world: WorldBuilder, username: str) -> None:
    person = add_learner(world, Kind.STORED_IN_OTHER_CASE, bksb_username=username.upper())
    world.add_account(person, username)


def _add_stored_on_two_people(world: WorldBuilder, username: str) -> None:
    person = add_learner(world, Kind.STORED_ON_TWO_PEOPLE, bksb_username=username)
    world.add_account(person, username)
    add_learner(world, Kind.STORED_ON_TWO_PEOPLE, bksb_username=username)


def _add_taken_username(world: WorldBuilder, kind: Kind, respell: Callable[[str], str]) -> None:
    """A learner, and a stranger with the learner's LearnRefNumber as username, perhaps in another case."""
    learn_ref_number = world.next_learn_ref_number
    add_learner(world, kind, learn_ref_number=learn_ref_number)
    world.add_stranger(respell(learn_ref_number))


def _add_leaver_with_account(world: WorldBuilder) -> None:
    username = world.next_username
    person = world.add_person(Kind.LEAVER_WITH_ACCOUNT, bksb_username=username)
    end = world.days_ago(300)
    world.add_episode(person, world.days_ago(700), end=end, planned=end, status="Completed")
    world.add_account(person, username)


def _list_date_cases(world: WorldBuilder) -> Iterator[Recipe]:
    """Unusual dates and statuses of a single programme."""
    add, days_ago = partial(_add_person_with_programme, world), world.days_ago
    leave = partial(add_leaver, world)
    start = days_ago(200)
    month_ago = months_before(world.today, 1)
    yield 1, partial(add, Kind.PARTIAL_ENTRY, start, system="Partial Entry")
    yield 1, partial(add, Kind.DORMANT, start, system="Dormant")
    yield 1, partial(leave, Kind.ENDED_TODAY, world.today)
    yield 1, partial(leave, Kind.ENDED_27_DAYS_AGO, days_ago(27), "Withdrawn")
    yield 1, partial(leave, Kind.ENDED_30_DAYS_AGO, days_ago(30))
    yield 1, partial(leave, Kind.ENDED_31_DAYS_AGO, days_ago(31))
    yield 1, partial(leave, Kind.ENDED_32_DAYS_AGO, days_ago(32))
    yield 1, partial(leave, Kind.ENDED_ONE_MONTH_AGO, month_ago)
    yield 1, partial(leave, Kind.ENDED_ONE_MONTH_AND_A_DAY_AGO, month_ago - timedelta(days=1))
    yield 1, partial(add, Kind.ENDS_LATER, start, end=days_ago(-14))
    yield 1, partial(add, Kind.PAST_PLANNED_END, start, planned=days_ago(90))
    yield 1, partial(leave, Kind.COMPLETED_LONG_AGO, days_ago(250))
    yield 1, partial(leave, Kind.WITHDRAWN_LONG_AGO, days_ago(120), "Withdrawn")
    yield 1, partial(add, Kind.ON_BREAK, start, status="Break in learning")
    yield 1, partial(add, Kind.STARTS_TODAY, world.today)
    yield 1, partial(add, Kind.STARTS_TOMORROW, days_ago(-1))
    yield 1, partial(add, Kind.STARTED_LONG_AGO, days_ago(2000))
    yield 1, partial(add, Kind.NO_START_DATE, None)
    yield 1, partial(world.add_person, Kind.NO_EPISODE)


def _add_person_with_programme(
    world: WorldBuilder, kind: Kind, start: date | None, **details: Unpack[EpisodeDetails]
) -> None:
    world.add_episode(world.add_person(kind), start, **details)


def _list_cases_of_several_programmes(world: WorldBuilder) -> Iterator[Recipe]:
    older, newer, ahead = world.days_ago(400), world.days_ago(100), world.days_ago(-30)
    ended = EpisodeDetails(end=world.days_ago(150), status="Completed")
    paused = EpisodeDetails(status="Break in learning")
    dormant = EpisodeDetails(system="Dormant")
    usual = EpisodeDetails()
    for kind, first, second in (
        (Kind.TWO_PROGRAMMES, (older, usual), (newer, usual)),
        (Kind.TWO_PROGRAMMES_SAME_START, (older, usual), (older, usual)),
        (Kind.OLDER_LIVE_NEWER_NOT_LIVE, (older, usual), (newer, dormant)),
        (Kind.OLDER_ENDED_NEWER_LIVE, (older, ended), (newer, usual)),
        (Kind.OLDER_LIVE_NEWER_ON_BREAK, (older, usual), (newer, paused)),
        (Kind.NEXT_PROGRAMME_AHEAD, (older, usual), (ahead, usual)),
    ):
        yield 1, partial(_add_person_with_programmes, world, kind, first, second)


def _add_person_with_programmes(world: WorldBuilder, kind: Kind, *programmes: tuple[date, EpisodeDetails]) -> None:
    person = world.add_person(kind)
    for start, details in programmes:
        world.add_episode(person, start, **details)


def _list_applicant_cases(world: WorldBuilder) -> Iterator[Recipe]:
    add, days_ago = partial(add_applicant, world), world.days_ago
    year_ago = months_before(world.today, 12)
    yield 1, partial(add, Kind.APPLICANT, days_ago(30))
    yield 1, partial(add, Kind.APPLICANT_OFFERED, days_ago(90), status="Offered")
    yield 1, partial(_add_applicant_with_account, world)
    yield 1, partial(_add_applicant_with_two_applications, world)
    yield 1, partial(add, Kind.APPLICANT_OF_12_MONTHS_AGO, year_ago)
    yield 1, partial(add, Kind.APPLICANT_OLD, year_ago - timedelta(days=1))
    yield 1, partial(add, Kind.APPLICANT_OF_TOMORROW, days_ago(-1))
    yield 1, partial(add, Kind.APPLICANT_NOT_LIVE, days_ago(40), system="Dormant")
    yield 2, partial(_add_transferred_applicant, world)
    yield 1, partial(_add_learner_applying_again, world)


def _add_applicant_with_account(world: WorldBuilder) -> None:
    username = world.next_username
    person = world.add_person(Kind.APPLICANT_WITH_ACCOUNT, "A", bksb_username=username)
    world.add_application(person, world.days_ago(60), status="Offered")
    world.add_account(person, username)


def _add_applicant_with_two_applications(world: WorldBuilder) -> None:
    person = add_applicant(world, Kind.APPLICANT_TWO_APPLICATIONS, world.days_ago(300))
    world.add_application(person, world.days_ago(20))


def _add_transferred_applicant(world: WorldBuilder) -> None:
    """One person with two person ids: first as applicant, then as learner."""
    applicant = add_applicant(world, Kind.APPLICANT_TRANSFERRED, world.days_ago(120), status="Transferred")
    learner = world.add_person(
        Kind.TRANSFERRED_LEARNER,
        name=(applicant.forenames, applicant.surname),
        email=applicant.email,
        date_of_birth=applicant.date_of_birth,
        former_person_id=applicant.person_id,
    )
    world.add_episode(learner, world.days_ago(45))


def _add_learner_applying_again(world: WorldBuilder) -> None:
    world.add_application(add_learner(world, Kind.LEARNER_APPLYING_AGAIN), world.days_ago(10))
