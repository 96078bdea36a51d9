"""Compares the reporting tables with a model in plain Python, over random histories of results, links and runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import psycopg2.extras
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.jobs.results import publish_results
from bksb.jobs.results.listings import Listing
from bksb.jobs.runs import fail_run, open_run
from bksb.jobs.summaries import summarise_people
from bksb.mis import Mis
from bksb.model import AssessmentResult, Run
from bksb.reporting.store import Store, open_store
from bksb.settings import Settings
from tests.conftest import fields_of
from tests.runs import load_listings
from tests.whole_runs.results_model import Answer, Fact, Model, Place, When

EXAMPLES = int(os.environ.get("BKSB_MODEL_EXAMPLES", "60"))

ZONES = ("Europe/London", "Australia/Sydney", "Australia/Perth")
STARTING_POINT_DAYS = 183
START_OF_TIME = datetime.fromisoformat("2026-01-01")

DAYS = (
    date(2025, 3, 30),  # London's clocks go forward
    date(2025, 10, 26),  # and back
    date(2025, 10, 5),  # Sydney's clocks go forward
    date(2025, 4, 6),  # and back
    date(2025, 3, 29),
    date(2025, 10, 27),
    date(2024, 12, 31),
    date(2025, 1, 1),
)
TIMES = (
    "00:00:00",
    "23:59:59.9999999",
    "00:59:59",
    "01:00:00",
    "01:30:00",
    "02:00:00",
    "02:30:00.5",
    "03:00:00",
    "10:00:00",
    "13:00:00",
    "14:00:00",
    "23:00:00",
)
PERSONS = ("P1", "P2", "P3", "P4")
USERS = (11, 12, 13, 14, 15)
RUNS = ("scheduled__1", "backfill__2", "manual__3")
STRANDS = ("Reading", "Writing")

NOTHING = tuple(When(raw, None) for raw in ("", "0001-01-01T00:00:00", "soon"))

Event = tuple[Any, ...]
"""The name of a method of Worlds, and its arguments."""

READINGS: dict[str, tuple[tuple[str, str, str, str, str, str | None, Decimal | None], ...]] = {
    "initial": (
        ("initial", "English Level 1", "English Initial Assessment", "ENGLISH", "English", "L1", None),
        ("initial", "English Entry 3", "English Initial Assessment", "ENGLISH", "English", "E3", None),
        ("initial", "Below Level 1", "English Initial Assessment", "ENGLISH", "English", "E3", None),
        ("initial", "English Pre-Entry", "English Initial Assessment", "ENGLISH", "English", "PRE", None),
        ("initial", "English Level 3", "English Initial Assessment", "ENGLISH", "English", "L3", None),
        ("initial", "Mathematics Level 2", "Maths Initial Assessment", "MATHS", "Maths", "L2", None),
        ("initial", "Maths Entry 1", "Maths Initial Assessment", "MATHS", "Maths", "E1", None),
        ("initial", "GCSE English", "GCSE English Screening", "ENGLISH", "English", None, None),
        ("initial", "See tutor", "English Initial Assessment", "ENGLISH", "English", None, None),
    ),
    "diagnostic": (
        ("diagnostic", "71%", "English L1 Diagnostic", "ENGLISH", "English", "L1", Decimal(71)),
        ("diagnostic", "40", "English E3 Diagnostic", "ENGLISH", "English", "E3", Decimal(40)),
        ("diagnostic", "absent", "English L2 Diagnostic", "ENGLISH", "English", "L2", None),
        ("diagnostic", "55.5 %", "Maths Diagnostic", "MATHS", "Maths", None, Decimal("55.5")),
    ),
}


persons, users, numbers = st.sampled_from(PERSONS), st.sampled_from(USERS), st.integers(0, 50)
sources = st.sampled_from(("initial", "diagnostic", "v5"))
runs = st.sampled_from(RUNS)
some_people = st.lists(persons, min_size=1, max_size=2, unique=True).map(tuple)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """First results, then rounds of changes, answers and sometimes the end of a run, around two or three days."""
    days = draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=3, unique=True))
    clocks = [TIMES[0], *draw(st.lists(st.sampled_from(TIMES[1:]), min_size=1, max_size=3, unique=True))]
    moments = st.builds(_when, st.sampled_from(days), st.sampled_from(clocks), st.integers(0, 7))
    whens = st.one_of(*[moments] * 7, st.sampled_from(NOTHING))
    readings = {kind: draw(st.permutations(READINGS[kind]))[:4] for kind in READINGS}
    facts = {
        kind: st.builds(lambda reading, when: Fact(*reading, when), st.sampled_from(readings[kind]), whens)
        for kind in READINGS
    }
    strands = st.one_of(*(st.dictionaries(st.sampled_from(STRANDS), facts[kind], min_size=1) for kind in facts))
    sessions = st.one_of(
        *[st.tuples(st.just("initial"), st.fixed_dictionaries({"": facts["initial"]}))] * 2,
        st.tuples(st.just("diagnostic"), st.fixed_dictionaries({"": facts["diagnostic"]})),
        st.tuples(st.just("v5"), st.builds(_at_one_moment, strands, whens)),
    )
    starts = st.builds(_half_a_year_after, st.sampled_from(days), st.sampled_from((0, 0, -1, 1)))
    learners = st.one_of(
        st.none(),
        st.tuples(st.just("applicant"), st.none() | starts),
        *[st.tuples(st.just("learner"), starts)] * 2,
    )
    additions = st.tuples(st.just("add"), users, sessions)
    changes = st.one_of(
        *[additions] * 4,
        *[st.tuples(st.just("edit"), numbers, facts["initial"], facts["diagnostic"])] * 2,
        st.tuples(st.just("remove"), numbers),
        st.tuples(st.just("merge"), users, users),
        st.tuples(st.just("link"), persons, users),
        st.tuples(st.just("move"), persons, persons),
        st.tuples(st.just("learner"), persons, learners),
        *[st.tuples(st.just("ask"), users, sources, st.booleans())] * 3,
    )
    arrivals = st.one_of(
        *[st.tuples(st.just("sweep"), runs, st.lists(users, min_size=2, unique=True))] * 2,
        st.tuples(st.just("arrive"), runs, st.lists(numbers, max_size=4)),
    )
    ends = st.one_of(
        *[st.tuples(st.just("publish"), runs, st.none())] * 3,
        st.tuples(st.just("publish"), runs, some_people),
        st.tuples(st.just("fail"), runs),
    )
    chapter = st.tuples(
        st.lists(changes, min_size=1, max_size=8), st.lists(arrivals, max_size=2), st.lists(ends, max_size=1)
    )
    past = draw(st.lists(st.tuples(st.just("add"), st.sampled_from(USERS[:3]), sessions), min_size=12, max_size=24))
    chapters = draw(st.lists(chapter, min_size=2, max_size=6))
    later = [event for parts in chapters for part in parts for event in part]
    who = [("learner", person, draw(learners)) for person in PERSONS]
    return [
        *who,
        *past,
        ("sweep", draw(runs), USERS),
        *later,
        ("sweep", draw(runs), USERS),
        ("arrive", draw(runs), [0] * 4),
    ]


def _when(day: date, clock: str, number: int) -> When:
    """Return a date as bksb writes it. One in eight is in UTC."""
    utc = number == 7
    return When(f"{day}T{clock}{'Z' if utc else ''}", datetime.fromisoformat(f"{day}T{clock[:15]}"), utc)


def _at_one_moment(strands: dict[str, Fact], when: When) -> dict[str, Fact]:
    """Return the report of a V5 session: a percentage there has no level, and a bare number is not a percentage."""
    return {
        strand: replace(
            fact,
            when=when,
            level=fact.level if fact.kind == "initial" else None,
            percent=fact.percent if "%" in fact.text else None,
        )
        for strand, fact in strands.items()
    }


def _half_a_year_after(day: date, more: int) -> date:
    return day + timedelta(days=STARTING_POINT_DAYS + more)


def _level(text: str, level: str, day: date = DAYS[3], clock: str = TIMES[0]) -> Fact:
    shown = _when(day, clock, 0)
    return Fact("initial", text, "English Initial Assessment", "ENGLISH", "English", level, None, shown)


A_LINK_MOVES: list[Event] = [
    ("add", 11, ("initial", {"": _level("English Level 1", "L1")})),
    ("add", 12, ("initial", {"": _level("English Level 1", "L1")})),
    ("sweep", RUNS[0], [11, 12]),
    ("publish", RUNS[0], None),
    ("link", "P1", 12),
    ("publish", RUNS[1], None),
]
STRANDS_OF_ONE_MOMENT: list[Event] = [
    ("add", 11, ("v5", {"Reading": _level("Level 1", "L1"), "Writing": _level("Entry 3", "E3")})),
    ("sweep", RUNS[0], [11]),
]

ON_THE_EDGE_OF_THE_WINDOW: list[Event] = [
    ("learner", "P1", ("learner", _half_a_year_after(DAYS[1], 0))),
    ("learner", "P2", ("learner", _half_a_year_after(DAYS[1], 1))),
    *(("add", user, ("initial", {"": _level("English Level 1", "L1", DAYS[1])})) for user in (11, 12)),
    *(("add", user, ("initial", {"": _level("English Entry 3", "E3", DAYS[5])})) for user in (11, 12)),
    ("sweep", RUNS[0], [11, 12]),
]

ANSWERS_IN_ANOTHER_ORDER: list[Event] = [
    ("add", 11, ("initial", {"": _level("English Level 1", "L1")})),
    ("ask", 11, "initial", True),
    ("edit", 0, _level("English Level 2", "L2"), _level("English Level 2", "L2")),
    ("ask", 11, "initial", False),
    ("arrive", RUNS[0], [1]),
    ("arrive", RUNS[0], [0]),
    ("ask", 11, "initial", True),
    ("edit", 0, _level("English Level 3", "L3"), _level("English Level 3", "L3")),
    ("ask", 11, "initial", True),
    ("arrive", RUNS[0], [1]),
    ("arrive", RUNS[1], [0]),
]


def load(deployment: Deployment, run: Run, answers: Sequence[Answer]) -> None:
    """Load answers as a results run does."""
    with deployment.open_store() as store:
        open_run(store, run)
    load_listings(deployment, run, *map(_as_listing, answers))


def _as_listing(answer: Answer) -> Listing:
    records = [
        AssessmentResult(
            session_id=session,
            course_subject=fact.course_subject,
            course_name="",
            assessment_id=None,
            assessment_name=fact.assessment_name,
            result=fact.text,
            completed_raw=fact.when.raw,
            raw={},
            component=component,
            assessment_kind=fact.kind,
        )
        for (_, session, component), fact in answer.facts.items()
    ]
    return Listing(answer.user, answer.source, answer.asked_at.replace(tzinfo=UTC), records, answer.complete)


@dataclass(frozen=True)
class OneStore(Deployment):
    """A deployment with one connection for every step, because a history has many steps."""

    store: Store | None = None

    def open_store(self) -> AbstractContextManager[Store]:
        return nullcontext(self.store)


class Worlds:
    """bksb, the model and the tables, which live through the same history."""

    def __init__(self, deployment: Deployment, connection: Any) -> None:
        self._deployment = deployment
        self._connection = connection
        self.model = Model(deployment.settings.timezone.key, STARTING_POINT_DAYS)
        self._bksb: dict[tuple[int, str], dict[Place, Fact]] = {}
        self._answers: list[Answer] = []
        self._now = START_OF_TIME
        self._sessions = 7  # as text, 9 sorts after 10

    def live(self, event: Event) -> None:
        """Apply an event to all three."""
        self._now += timedelta(minutes=1)
        getattr(self, event[0])(*event[1:])

    def add(self, user: int, session: tuple[str, dict[str, Fact]]) -> None:
        source, components = session
        self._sessions += 1
        places = {(source, str(self._sessions), component): fact for component, fact in components.items()}
        self._bksb.setdefault((user, source), {}).update(places)

    def edit(self, number: int, initial: Fact, diagnostic: Fact) -> None:
        everything = [(key, place) for key, shown in sorted(self._bksb.items()) for place in sorted(shown)]
        if everything:
            key, place = everything[number % len(everything)]
            edited = initial if self._bksb[key][place].kind == "initial" else diagnostic
            self._bksb[key][place] = _at_one_moment({"": edited}, edited.when)[""] if place[0] == "v5" else edited

    def remove(self, number: int) -> None:
        everything = [(key, place) for key, shown in sorted(self._bksb.items()) for place in sorted(shown)]
        if everything:
            key, place = everything[number % len(everything)]
            del self._bksb[key][place]

    def merge(self, kept: int, merged: int) -> None:
        for source in ("initial", "diagnostic", "v5"):
            if kept != merged and (merged, source) in self._bksb:
                self._bksb.setdefault((kept, source), {}).update(self._bksb.pop((merged, source)))

    def link(self, person: str, user: int) -> None:
        self.model.link(person, user, self._now)
        now = self._now.replace(tzinfo=UTC)
        self._do(
            "update bksb.account_link set to_at = %s where to_at is null and (person_id = %s or bksb_user_id = %s)",
            *(now, person, user),
        )
        self._do("insert into bksb.account_link values (%s, %s, %s)", person, user, now)

    def move(self, former: str, person: str) -> None:
        if former == person or self.model.has_user(person):
            return
        self.model.move(former, person)
        with self._deployment.open_store() as store, store.transaction():
            store.run("accounts/transfer_links", former_person_id=former, person_id=person)
            summarise_people(store, self._deployment.settings, [former, person])

    def learner(self, person: str, kind_and_start: tuple[str, date | None] | None) -> None:
        self._do("delete from bksb.learner where person_id = %s", person)
        self.model.learners.pop(person, None)
        if kind_and_start is not None:
            self.model.learners[person] = kind_and_start
            self._do(
                "insert into bksb.learner (person_id, person_kind, start_on, eligible) values (%s, %s, %s, true)",
                *(person, *kind_and_start),
            )

    def ask(self, user: int, source: str, complete: bool) -> None:
        if not any(link.user == user for link in self.model.links):
            return  # only linked users are asked about
        shown = dict(self._bksb.get((user, source), {}))
        self._answers.append(Answer(user, source, self._now, complete, shown))

    def arrive(self, run_id: str, numbers: Sequence[int]) -> None:
        """Load some of the waiting answers, in this order. A load holds one answer for each user and source."""
        batch: dict[tuple[int, str], Answer] = {}
        for number in numbers:
            if self._answers:
                answer = self._answers.pop(number % len(self._answers))
                if (answer.user, answer.source) in batch:
                    self._load(run_id, batch.values())
                    batch.clear()
                batch[answer.user, answer.source] = answer
        self._load(run_id, batch.values())

    def sweep(self, run_id: str, of_users: Sequence[int]) -> None:
        waiting = len(self._answers)
        for user in of_users:
            for source in ("initial", "diagnostic", "v5"):
                self.ask(user, source, True)
        self.arrive(run_id, [waiting] * (len(self._answers) - waiting))

    def _load(self, run_id: str, answers: Any) -> None:
        self.model.load(list(answers))
        load(self._deployment, self._run(run_id), list(answers))

    def publish(self, run_id: str, person_ids: tuple[str, ...] | None) -> None:
        run = replace(self._run(run_id), person_ids=person_ids or ())
        with self._deployment.open_store() as store:
            open_run(store, run)
        publish_results(self._deployment, run)
        self.compare_summary(person_ids)
        self.compare_activity()

    def fail(self, run_id: str) -> None:
        fail_run(self._deployment, self._run(run_id))

    def _run(self, run_id: str) -> Run:
        day = DAYS[RUNS.index(run_id)]
        return Run("bksb_results", run_id, run_id.partition("__")[0], None, None, day)

    # Comparisons

    def compare_all(self) -> None:
        self.publish(RUNS[0], None)
        self.compare_changes()
        self.compare_latest()
        for day in DAYS:
            self.compare_levels(day)

    def compare_summary(self, person_ids: tuple[str, ...] | None) -> None:
        found = {
            (row.person_id, row.subject): (
                *(row.latest_level_code, row.latest_level_order, _naive(row.latest_at)),
                *(row.best_level_code, row.best_level_order),
                *(row.starting_level_code, row.starting_level_order, _naive(row.starting_at)),
                *(row.latest_diagnostic_percent, _naive(row.last_assessed_at)),
            )
            for row in self._ask("select * from bksb.skill_summary")
            if person_ids is None or row.person_id in person_ids
        }
        expected = self.model.summary()
        assert found == {key: line for key, line in expected.items() if person_ids is None or key[0] in person_ids}

    def compare_activity(self) -> None:
        found = {
            (row.day, row.subject, row.assessment_kind, row.level_code): (row.results, row.learners)
            for row in self._ask("select * from bksb.daily_activity")
        }
        assert found == self.model.activity()

    def compare_changes(self) -> None:
        found = Counter(
            (row.bksb_user_id, (row.source, row.session_id, row.component), row.result_raw, row.completed_raw)
            for row in self._ask("select * from bksb.result_change")
        )
        assert found == Counter((user, place, fact.text, fact.when.raw) for user, place, fact in self.model.replaced)

    def compare_latest(self) -> None:
        found = {
            (row.person_id, row.subject, row.assessment_kind): (
                (row.source, row.session_id, row.component),
                row.result_raw,
            )
            for row in self._ask("select * from bksb.latest_result")
        }
        assert found == self.model.latest_results()

    def compare_levels(self, day: date) -> None:
        rows = self._ask("select * from bksb.skill_level_on(%s, %s)", day, self.model.clock.zone)
        found = {
            (row.person_id, row.subject): (row.level_code, row.level_order, _naive(row.completed_at)) for row in rows
        }
        assert found == self.model.levels_on(day)

    def _ask(self, statement: str, *parameters: object) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall()

    def _do(self, statement: str, *parameters: object) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


@pytest.fixture
def connection(reporting):
    """A connection to the database, which gets an unusual default time zone."""
    parameters = {
        "host": reporting.host,
        "port": reporting.port,
        "user": reporting.login,
        "password": reporting.password,
        "dbname": reporting.database,
    }
    opened = psycopg2.connect(**parameters, cursor_factory=psycopg2.extras.NamedTupleCursor)
    opened.autocommit = True
    with opened.cursor() as cursor:
        cursor.execute(f"alter database {reporting.database} set timezone to 'America/New_York'")
    yield opened
    opened.close()


@pytest.fixture
def store(reporting, connection):
    with open_store(reporting) as opened:
        yield opened


TABLES = (
    "learner",
    "account_link",
    "account_source",
    "assessment_result",
    "result_change",
    "skill_summary",
    "daily_activity",
    "issue",
    "sync_run",
)


@pytest.mark.parametrize("zone", ZONES)
def test_after_every_history_the_tables_equal_the_model(reporting, connection, store, zone):
    deployment = OneStore(
        store=store,
        settings=Settings(timezone=ZoneInfo(zone), starting_point_days=STARTING_POINT_DAYS),
        mis=Mis(fields_of("postgresql://none@127.0.0.1:1/none", "mis", {"sqlalchemy_scheme": "sqlite"}), SQL_FOLDER),
        reporting=reporting,
        make_client=lambda: pytest.fail("nothing here asks bksb"),
        open_mailer=lambda: pytest.fail("nothing here sends mail"),
    )

    @settings(
        max_examples=-(-EXAMPLES // len(ZONES)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(histories())
    @example(A_LINK_MOVES)
    @example(ANSWERS_IN_ANOTHER_ORDER)
    @example(ON_THE_EDGE_OF_THE_WINDOW)
    @example(STRANDS_OF_ONE_MOMENT)
    def live_through(history):
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"delete from bksb.{table}" for table in TABLES))
        worlds = Worlds(deployment, connection)
        for number, person in enumerate(PERSONS[:3]):
            worlds.live(("link", person, USERS[number]))
        for event in history:
            worlds.live(event)
        worlds.compare_all()

    live_through()
