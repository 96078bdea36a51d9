"""A handful of people, one of each kind that a run treats differently, so that a whole run takes a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sandbox.population import Account, Application, Episode, Kind, Person, World

APPLICANT, BECAME, LINKED, TAKEN, NO_EMAIL, REFUSED = "A1", "P1", "P2", "P3", "P4", "P5"
NEW = ("P6", "P7", "P8", "P9")

STORED_USERNAME = "linked.person"


def a_person(person_id: str, **changes: str | None) -> Person:
    """Somebody about whom the MIS knows all that is needed to create an account."""
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
    """One applicant, and bksb as it was before: an account the MIS will know of, and one of a stranger."""
    return _world(
        today,
        (a_person(APPLICANT),),
        _application("Applied", today),
        (
            Account(STORED_USERNAME, "Linked", "Person", "linked@learner.example", 3),
            Account(f"L{TAKEN}", "Some", "Stranger", "stranger@learner.example", 3),
        ),
    )


def second_day(before: World, accounts: tuple[Account, ...]) -> World:
    """The applicant has become a learner, and nine learners came; `accounts` are those that bksb has by then."""
    learners = (
        a_person(BECAME, former_person_id=APPLICANT, email=f"{APPLICANT.lower()}@learner.example"),
        a_person(LINKED, bksb_username=STORED_USERNAME),
        a_person(TAKEN),
        a_person(NO_EMAIL, email=None),
        a_person(REFUSED, email="nobody@refused.example"),
        *(a_person(person_id) for person_id in NEW),
    )
    today = before.today
    return replace(
        _world(today, (*before.people, *learners), _application("Transferred", today), accounts),
        episodes=tuple(
            Episode(
                number, learner.person_id, "Programme", "Live", "In Learning", today - timedelta(days=10), None, None
            )
            for number, learner in enumerate(learners, start=1)
        ),
    )


def _application(status: str, today: date) -> tuple[Application, ...]:
    return (Application(1, APPLICANT, "Programme", "Live", status, today - timedelta(days=20)),)


def _world(
    today: date, people: tuple[Person, ...], applications: tuple[Application, ...], accounts: tuple[Account, ...]
) -> World:
    return World(
        learners=len(people),
        today=today,
        seed=1,
        people=people,
        episodes=(),
        applications=applications,
        accounts=accounts,
        kinds={person.person_id: Kind.PLAIN for person in people},
    )
