"""Adds invented people to a world one by one: their rows in the MIS, and bksb accounts from before the first sync."""

import random
from datetime import date, timedelta
from typing import TypedDict, Unpack

from sandbox.world.names import invent_email, invent_name
from sandbox.world.population import RESULTS_OF, Account, Application, Episode, Kind, Person, World

PROGRAMMES = (
    "Adult Care Worker L2",
    "Business Administrator L3",
    "Carpentry and Joinery L2",
    "Customer Service Practitioner L2",
    "Early Years Educator L3",
    "Electrical Technician L3",
    "Functional Skills Programme",
    "Hairdressing Professional L2",
    "Study Programme 16-19",
    "Team Leader L3",
)


EXAMPLE_NUMBER = 123
"""Number of the person in the commands that the documents print, in a world of any size."""


class PersonDetails(TypedDict, total=False):
    """What is fixed about a person; the rest is invented."""

    name: tuple[str | None, str | None]
    email: str | None
    learn_ref_number: str | None
    date_of_birth: date | None
    bksb_username: str
    former_person_id: str


class EpisodeDetails(TypedDict, total=False):
    """What is fixed about an episode; otherwise it is Live, in learning and ends some time ahead."""

    end: date
    planned: date
    system: str
    status: str


class WorldBuilder:
    """The world so far. It gives out person numbers in a shuffled order, so that special people spread over the ids.

    The last person gets EXAMPLE_NUMBER.

    Every draw from `rng` counts: another order of calls makes another world.
    """

    def __init__(self, size: int, today: date, rng: random.Random) -> None:
        self.today = today
        self.rng = rng
        self._numbers = list(range(1, size + 1))
        rng.shuffle(self._numbers)
        if EXAMPLE_NUMBER in self._numbers:
            self._numbers[self._numbers.index(EXAMPLE_NUMBER)] = self._numbers[0]
        self._numbers[0] = EXAMPLE_NUMBER
        self._people: list[Person] = []
        self._episodes: list[Episode] = []
        self._applications: list[Application] = []
        self._accounts: list[Account] = []
        self._kinds: dict[str, Kind] = {}

    @property
    def room(self) -> int:
        """How many people are still to be invented."""
        return len(self._numbers)

    @property
    def next_username(self) -> str:
        """The usual bksb username of the next person."""
        return f"bk.{self._numbers[-1]:06d}"

    @property
    def next_learn_ref_number(self) -> str:
        """The usual LearnRefNumber of the next person."""
        return f"LRN{self._numbers[-1]:06d}"

    def days_ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def build(self, seed: int) -> World:
        """The world with the people added so far, in the order of their ids."""
        people = tuple(sorted(self._people, key=lambda person: person.person_id))
        return World(
            learners=len(people),
            today=self.today,
            seed=seed,
            people=people,
            episodes=tuple(self._episodes),
            applications=tuple(self._applications),
            accounts=tuple(self._accounts),
            kinds={person.person_id: self._kinds[person.person_id] for person in people},
        )

    def add_person(self, kind: Kind, prefix: str = "P", **given: Unpack[PersonDetails]) -> Person:
        """A person without a programme. Applicants (prefix A) have no LearnRefNumber yet."""
        learn_ref_number = self.next_learn_ref_number if prefix == "P" else None
        number = self._numbers.pop()
        forenames, surname = given.get("name") or invent_name(self.rng)
        email = invent_email(forenames or "", surname or "", number, self.rng)
        born = self.days_ago(self.rng.randint(16 * 366, 45 * 365))
        person = Person(
            person_id=f"{prefix}{number:06d}",
            learn_ref_number=given.get("learn_ref_number", learn_ref_number),
            forenames=forenames,
            surname=surname,
            email=given.get("email", email),
            date_of_birth=given.get("date_of_birth", born),
            bksb_username=given.get("bksb_username"),
            former_person_id=given.get("former_person_id"),
        )
        self._people.append(person)
        self._kinds[person.person_id] = kind
        return person

    def add_episode(self, person: Person, start: date | None, **given: Unpack[EpisodeDetails]) -> None:
        planned = max(start or self.today, self.today) + timedelta(days=self.rng.choice((60, 210, 400)))
        self._episodes.append(
            Episode(
                episode_id=len(self._episodes) + 1,
                person_id=person.person_id,
                programme=self.rng.choice(PROGRAMMES),
                system_status=given.get("system", "Live"),
                programme_status=given.get("status", "In Learning"),
                start_date=start,
                planned_end_date=given.get("planned", planned),
                actual_end_date=given.get("end"),
            )
        )

    def add_application(self, person: Person, applied: date, system: str = "Live", status: str = "Applied") -> None:
        self._applications.append(
            Application(
                application_id=len(self._applications) + 1,
                person_id=person.person_id,
                programme=self.rng.choice(PROGRAMMES),
                system_status=system,
                application_status=status,
                applied_date=applied,
            )
        )

    def add_account(self, person: Person, username: str) -> None:
        """The bksb account of a person in the MIS."""
        results = RESULTS_OF.get(self._kinds[person.person_id])
        self._accounts.append(
            Account(username, person.forenames or "", person.surname or "", person.email or "", results)
        )

    def add_stranger(self, username: str) -> None:
        """The bksb account of a person who is not in the MIS."""
        first_name, last_name = invent_name(self.rng)
        email = f"stranger.{len(self._accounts)}@elsewhere.example"
        self._accounts.append(Account(username, first_name, last_name, email))


def add_learner(world: WorldBuilder, kind: Kind, **given: Unpack[PersonDetails]) -> Person:
    """A person in learning."""
    person = world.add_person(kind, **given)
    world.add_episode(person, world.days_ago(world.rng.randint(20, 540)))
    return person


def add_learner_with_account(
    world: WorldBuilder, kind: Kind, username: str = "", **given: Unpack[PersonDetails]
) -> None:
    """A person in learning, with an account and its username stored in the MIS."""
    username = username or world.next_username
    given["bksb_username"] = username
    world.add_account(add_learner(world, kind, **given), username)


def add_leaver(world: WorldBuilder, kind: Kind, end: date, status: str = "Completed") -> None:
    """A person with one programme, which ended that day."""
    world.add_episode(world.add_person(kind), end - timedelta(days=370), end=end, planned=end, status=status)


def add_applicant(
    world: WorldBuilder, kind: Kind, applied: date, system: str = "Live", status: str = "Applied"
) -> Person:
    """A person with one application."""
    person = world.add_person(kind, "A")
    world.add_application(person, applied, system, status)
    return person
