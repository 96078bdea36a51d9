"""A few people, one of each kind that a run treats differently, so that a whole run is quick."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sandbox.world.population import Account, Application, Episode, Kind, Person, World

APPLICANT, RENAMED = "A1", "P0"
BECAME, LINKED, TAKEN, NO_EMAIL, REFUSED = "P1", "P2", "P3", "P4", "P5"
NEW = ("P6", "P7", "P8", "P9")

STORED_USERNAME = "linked.person"
OLD_USERNAME, NEW_USERNAME = "old.name", "new.name"


def a_person(person_id: str, **changes: str | None) -> Person:
    """Return a person with everything in the MIS that an account needs."""
    person = Person(
        person_id=person_id,
        learn_ref_number=f"L{person_id}",
        forenames=f"Given {person_id}",
        surname=f"Family {person_id}",
        email=f"{person_id.lower()}@learner.example",
        date_of_birth=date(2005, 1, 31),
        bksb_username=None,
        former_person_id=None,
    )
    return replace(person, **changes)


def first_day(today: date) -> World:
    """An applicant without an account, and a learner with one. bksb has another learner and a stranger, too."""
    return _world(
        today,
        (a_person(APPLICANT), a_person(RENAMED, bksb_username=OLD_USERNAME)),
        "Applied",
        (
            Account(STORED_USERNAME, "Linked", "Person", "linked@learner.example", 3),
            Account(f"L{TAKEN}", "Some", "Stranger", "stranger@learner.example", 3),
            Account(OLD_USERNAME, "Renamed", "Person", "renamed@learner.example", 3),
        ),
    )


def second_day(before: World, accounts: tuple[Account, ...]) -> World:
    """The applicant has become a learner, others are new, and one of bksb's `accounts` has another username."""
    learners = (
        a_person(BECAME, former_person_id=APPLICANT, email=f"{APPLICANT.lower()}@learner.example"),
        a_person(LINKED, bksb_username=STORED_USERNAME),
        a_person(TAKEN),
        a_person(NO_EMAIL, email=None),
        a_person(REFUSED, email="nobody@refused.example"),
        *(a_person(person_id) for person_id in NEW),
    )
    renamed = (
        replace(account, username=NEW_USERNAME) if account.username == OLD_USERNAME else account for account in accounts
    )
    return _world(before.today, (*before.people, *learners), "Transferred", tuple(renamed))


def _world(today: date, people: tuple[Person, ...], application: str, accounts: tuple[Account, ...]) -> World:
    learners = [person.person_id for person in people if person.person_id != APPLICANT]
    begun = today - timedelta(days=10)
    return World(
        learners=len(people),
        today=today,
        seed=1,
        people=people,
        episodes=tuple(
            Episode(number, person_id, "Programme", "Live", "In Learning", begun, None, None)
            for number, person_id in enumerate(learners, start=1)
        ),
        applications=(Application(1, APPLICANT, "Programme", "Live", application, today - timedelta(days=20)),),
        accounts=accounts,
        kinds={person.person_id: Kind.PLAIN for person in people},
    )
