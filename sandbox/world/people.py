"""Invents a world of people, the same every time, with most kinds of edge case already among them."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import TypedDict, Unpack

from sandbox.world import names
from sandbox.world.population import Account, Application, Episode, Kind, Person, World, months_before

DEFAULT_SEED = 20_260_801
PEOPLE_PER_ROUND = 300
"""Every edge case comes once more for each so many people."""
STRANGERS_PER_ROUND = 3
RESULTS_OF = {Kind.NO_RESULTS: 0, Kind.ONE_RESULT: 1, Kind.SIXTY_RESULTS: 60, Kind.VERY_MANY_RESULTS: 230}

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
"""How many people it makes, and how."""


def invent(learners: int, today: date, seed: int = DEFAULT_SEED) -> World:
    """A world of exactly `learners` MIS people, the same for the same arguments.

    From about 100 people on it holds every kind; a smaller one holds the first kinds that fit. Everybody else is
    an ordinary learner in learning, one in eight with a bksb account that the MIS knows of.
    """
    if learners < 1:
        raise ValueError(f"A world needs at least 1 person, not {learners}.")
    inventor = _Inventor(learners, today, random.Random(f"{seed}/people"))
    special = learners * 4 // 5
    for turn in range(max(1, learners // PEOPLE_PER_ROUND)):
        for size, recipe in inventor.edge_cases(turn):
            if size <= special:
                recipe()
                special -= size
    while inventor.room:
        if inventor.rng.random() < 0.125:
            inventor.learner_with_account(Kind.STORED_USERNAME)
        else:
            inventor.learner(Kind.PLAIN)
    return inventor.world(seed)


class PersonDetails(TypedDict, total=False):
    """What is given of a person; the rest is invented."""

    name: tuple[str | None, str | None]
    email: str | None
    learn_ref_number: str | None
    date_of_birth: date | None
    bksb_username: str
    former_person_id: str


class EpisodeDetails(TypedDict, total=False):
    """What is given of an episode; otherwise it is Live, in learning and ends some time ahead."""

    end: date
    planned: date
    system: str
    status: str


class _Inventor:
    """Adds people one by one. Numbers are dealt in a shuffled order, so that special people are spread over the ids."""

    def __init__(self, size: int, today: date, rng: random.Random) -> None:
        self.today = today
        self.rng = rng
        self._numbers = list(range(1, size + 1))
        rng.shuffle(self._numbers)
        self._people: list[Person] = []
        self._episodes: list[Episode] = []
        self._applications: list[Application] = []
        self._accounts: list[Account] = []
        self._kinds: dict[str, Kind] = {}

    @property
    def room(self) -> int:
        """How many people are still to be invented."""
        return len(self._numbers)

    def world(self, seed: int) -> World:
        """Everybody so far, people in the order of their ids."""
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

    def edge_cases(self, turn: int) -> Iterator[Recipe]:
        """One round of everything out of the ordinary; what varies differs from turn to turn."""
        yield from self._email_cases(turn)
        yield from self._name_cases(turn)
        yield from self._username_cases(turn)
        yield from self._date_cases()
        yield from self._cases_of_several_programmes()
        yield from self._applicant_cases()
        for kind in RESULTS_OF:
            yield 1, partial(self.learner_with_account, kind)
        for number in range(turn * STRANGERS_PER_ROUND, (turn + 1) * STRANGERS_PER_ROUND):
            self.stranger(f"staff.{number:04d}")

    # Single rows

    def days_ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def person(self, kind: Kind, prefix: str = "P", **given: Unpack[PersonDetails]) -> Person:
        """A new person without a programme. Applicants (prefix A) have no LearnRefNumber yet."""
        learn_ref_number = self._usual_learn_ref_number() if prefix == "P" else None
        number = self._numbers.pop()
        forenames, surname = given.get("name") or names.invent_name(self.rng)
        email = names.invent_email(forenames or "", surname or "", number, self.rng)
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

    def episode(self, person: Person, start: date | None, **given: Unpack[EpisodeDetails]) -> None:
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

    def application(self, person: Person, applied: date, system: str = "Live", status: str = "Applied") -> None:
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

    def account(self, person: Person, username: str) -> None:
        """The bksb account of somebody in the MIS."""
        self._accounts.append(
            Account(
                username=username,
                first_name=person.forenames or "",
                last_name=person.surname or "",
                email=person.email or "",
                results=RESULTS_OF.get(self._kinds[person.person_id]),
            )
        )

    def stranger(self, username: str) -> None:
        """The bksb account of somebody who is not in the MIS."""
        first_name, last_name = names.invent_name(self.rng)
        email = f"stranger.{len(self._accounts)}@elsewhere.example"
        self._accounts.append(Account(username, first_name, last_name, email))

    # The usual shapes

    def learner(self, kind: Kind, **given: Unpack[PersonDetails]) -> Person:
        """Somebody in learning."""
        person = self.person(kind, **given)
        self.episode(person, self.days_ago(self.rng.randint(20, 540)))
        return person

    def learner_with_account(self, kind: Kind, username: str = "", **given: Unpack[PersonDetails]) -> None:
        """Somebody in learning whose stored username is that of an existing account."""
        username = username or self._usual_username()
        given["bksb_username"] = username
        self.account(self.learner(kind, **given), username)

    def _usual_username(self) -> str:
        """The username that the next person's account would have."""
        return f"bk.{self._numbers[-1]:06d}"

    def _usual_learn_ref_number(self) -> str:
        """The LearnRefNumber that the next person would have."""
        return f"LRN{self._numbers[-1]:06d}"

    def ended(self, kind: Kind, end: date, status: str = "Completed") -> Person:
        """Somebody whose only programme ended that day."""
        person = self.person(kind)
        self.episode(person, end - timedelta(days=370), end=end, planned=end, status=status)
        return person

    def applicant(self, kind: Kind, applied: date, system: str = "Live", status: str = "Applied") -> Person:
        """Somebody with one application."""
        person = self.person(kind, "A")
        self.application(person, applied, system, status)
        return person

    # E-mail addresses

    def _email_cases(self, turn: int) -> Iterator[Recipe]:
        yield 1, partial(self.learner, Kind.NO_EMAIL, email=None)
        yield 1, partial(self.learner, Kind.BLANK_EMAIL, email="   " if turn % 2 else "")
        malformed = MALFORMED_EMAILS[turn % len(MALFORMED_EMAILS)]
        yield 1, partial(self.learner, Kind.MALFORMED_EMAIL, email=malformed)
        family = f"family.{turn}@mail.example"
        yield 2, partial(self._share_email, Kind.SHARED_EMAIL, family, family)
        shared = f"Shared.Box.{turn}@mail.example"
        yield 2, partial(self._share_email, Kind.SHARED_EMAIL_OTHER_CASE, shared, shared.upper())
        yield 1, partial(self.learner, Kind.REFUSED_EMAIL, email=f"nobody.{turn}@refused.example")
        yield 1, partial(self.learner_with_account, Kind.NO_EMAIL_BUT_ACCOUNT, email=None)

    def _share_email(self, kind: Kind, one: str, other: str) -> None:
        self.learner(kind, email=one)
        self.learner(kind, email=other)

    # Names and numbers

    def _name_cases(self, turn: int) -> Iterator[Recipe]:
        yield 1, partial(self.learner, Kind.NO_GIVEN_NAME, name=("  " if turn % 2 else None, "Placeholder"))
        yield 1, partial(self.learner, Kind.NO_FAMILY_NAME, name=("Ignotus", "" if turn % 2 else None))
        for kind, choices in NAMES_OF_KIND.items():
            yield 1, partial(self.learner, kind, name=choices[turn % len(choices)])
        yield 1, partial(self.learner, Kind.NO_DATE_OF_BIRTH, date_of_birth=None)
        spaced = f"LR {turn:06d} X"
        yield 1, partial(self.learner, Kind.LEARN_REF_NUMBER_WITH_SPACE, learn_ref_number=spaced)
        yield 1, partial(self.learner, Kind.NO_LEARN_REF_NUMBER, learn_ref_number=None)
        yield 2, partial(self._share_learn_ref_number, f"TWIN{turn:06d}")

    def _share_learn_ref_number(self, learn_ref_number: str) -> None:
        self.learner(Kind.SAME_LEARN_REF_NUMBER, learn_ref_number=learn_ref_number)
        self.learner(Kind.SAME_LEARN_REF_NUMBER, learn_ref_number=learn_ref_number)

    # bksb usernames

    def _username_cases(self, turn: int) -> Iterator[Recipe]:
        yield 1, partial(self.learner_with_account, Kind.STORED_USERNAME)
        yield 1, partial(self._stored_in_other_case, f"Case.Mixed.{turn}")
        yield 1, partial(self.learner, Kind.STORED_BUT_UNKNOWN, bksb_username=f"long.gone.{turn}")
        yield 2, partial(self._stored_on_two_people, f"one.account.{turn}")
        yield 1, partial(self._taken, Kind.USERNAME_TAKEN, str)
        yield 1, partial(self._taken, Kind.USERNAME_TAKEN_IN_OTHER_CASE, str.lower)
        for kind, username in (
            (Kind.USERNAME_WITH_AT, f"name.{turn}@college.example"),
            (Kind.USERNAME_WITH_PLUS, f"a+b&c=d%20/e?f#{turn}"),
            (Kind.USERNAME_WITH_APOSTROPHE, f"d'arcy.o'example.{turn}"),
            (Kind.USERNAME_WITH_SPACE, f"two words {turn}"),
            (Kind.USERNAME_NON_ASCII, f"Zoë.Łęcka.例.{turn}"),
        ):
            yield 1, partial(self.learner_with_account, kind, username)
        yield 1, self._leaver_with_account

    def _stored_in_other_case(self, username: str) -> None:
        self.account(self.learner(Kind.STORED_IN_OTHER_CASE, bksb_username=username.upper()), username)

    def _stored_on_two_people(self, username: str) -> None:
        self.account(self.learner(Kind.STORED_ON_TWO_PEOPLE, bksb_username=username), username)
        self.learner(Kind.STORED_ON_TWO_PEOPLE, bksb_username=username)

    def _taken(self, kind: Kind, spelling: Callable[[str], str]) -> None:
        learn_ref_number = self._usual_learn_ref_number()
        self.learner(kind, learn_ref_number=learn_ref_number)
        self.stranger(spelling(learn_ref_number))

    def _leaver_with_account(self) -> None:
        username = self._usual_username()
        person = self.person(Kind.LEAVER_WITH_ACCOUNT, bksb_username=username)
        end = self.days_ago(300)
        self.episode(person, self.days_ago(700), end=end, planned=end, status="Completed")
        self.account(person, username)

    # Dates and statuses of the programme

    def _date_cases(self) -> Iterator[Recipe]:
        start = self.days_ago(200)
        month_ago = months_before(self.today, 1)
        yield 1, lambda: self.episode(self.person(Kind.PARTIAL_ENTRY), start, system="Partial Entry")
        yield 1, lambda: self.episode(self.person(Kind.DORMANT), start, system="Dormant")
        yield 1, partial(self.ended, Kind.ENDED_TODAY, self.today)
        yield 1, partial(self.ended, Kind.ENDED_27_DAYS_AGO, self.days_ago(27), "Withdrawn")
        yield 1, partial(self.ended, Kind.ENDED_30_DAYS_AGO, self.days_ago(30))
        yield 1, partial(self.ended, Kind.ENDED_31_DAYS_AGO, self.days_ago(31))
        yield 1, partial(self.ended, Kind.ENDED_32_DAYS_AGO, self.days_ago(32))
        yield 1, partial(self.ended, Kind.ENDED_ONE_MONTH_AGO, month_ago)
        yield 1, partial(self.ended, Kind.ENDED_ONE_MONTH_AND_A_DAY_AGO, month_ago - timedelta(days=1))
        yield 1, lambda: self.episode(self.person(Kind.ENDS_LATER), start, end=self.days_ago(-14))
        yield 1, lambda: self.episode(self.person(Kind.PAST_PLANNED_END), start, planned=self.days_ago(90))
        yield 1, partial(self.ended, Kind.COMPLETED_LONG_AGO, self.days_ago(250))
        yield 1, partial(self.ended, Kind.WITHDRAWN_LONG_AGO, self.days_ago(120), "Withdrawn")
        yield 1, lambda: self.episode(self.person(Kind.ON_BREAK), start, status="Break in learning")
        yield 1, lambda: self.episode(self.person(Kind.STARTS_TODAY), self.today)
        yield 1, lambda: self.episode(self.person(Kind.STARTS_TOMORROW), self.days_ago(-1))
        yield 1, lambda: self.episode(self.person(Kind.STARTED_LONG_AGO), self.days_ago(2000))
        yield 1, lambda: self.episode(self.person(Kind.NO_START_DATE), None)
        yield 1, partial(self.person, Kind.NO_EPISODE)

    # Several programmes

    def _cases_of_several_programmes(self) -> Iterator[Recipe]:
        older, newer, ahead = self.days_ago(400), self.days_ago(100), self.days_ago(-30)
        ended = EpisodeDetails(end=self.days_ago(150), status="Completed")
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
            yield 1, partial(self._with_programmes, kind, first, second)

    def _with_programmes(self, kind: Kind, *programmes: tuple[date, EpisodeDetails]) -> None:
        person = self.person(kind)
        for start, details in programmes:
            self.episode(person, start, **details)

    # Applicants

    def _applicant_cases(self) -> Iterator[Recipe]:
        year_ago = months_before(self.today, 12)
        yield 1, partial(self.applicant, Kind.APPLICANT, self.days_ago(30))
        yield 1, partial(self.applicant, Kind.APPLICANT_OFFERED, self.days_ago(90), status="Offered")
        yield 1, self._applicant_with_account
        yield 1, self._applicant_with_two_applications
        yield 1, partial(self.applicant, Kind.APPLICANT_OF_12_MONTHS_AGO, year_ago)
        yield 1, partial(self.applicant, Kind.APPLICANT_OLD, year_ago - timedelta(days=1))
        yield 1, partial(self.applicant, Kind.APPLICANT_OF_TOMORROW, self.days_ago(-1))
        yield 1, partial(self.applicant, Kind.APPLICANT_NOT_LIVE, self.days_ago(40), system="Dormant")
        yield 2, self._transferred
        yield 1, self._learner_applying_again

    def _applicant_with_account(self) -> None:
        username = self._usual_username()
        person = self.person(Kind.APPLICANT_WITH_ACCOUNT, "A", bksb_username=username)
        self.application(person, self.days_ago(60), status="Offered")
        self.account(person, username)

    def _applicant_with_two_applications(self) -> None:
        person = self.applicant(Kind.APPLICANT_TWO_APPLICATIONS, self.days_ago(300))
        self.application(person, self.days_ago(20))

    def _transferred(self) -> None:
        applicant = self.applicant(Kind.APPLICANT_TRANSFERRED, self.days_ago(120), status="Transferred")
        learner = self.person(
            Kind.TRANSFERRED_LEARNER,
            name=(applicant.forenames, applicant.surname),
            email=applicant.email,
            date_of_birth=applicant.date_of_birth,
            former_person_id=applicant.person_id,
        )
        self.episode(learner, self.days_ago(45))

    def _learner_applying_again(self) -> None:
        self.application(self.learner(Kind.LEARNER_APPLYING_AGAIN), self.days_ago(10))
