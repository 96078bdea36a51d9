"""New accounts, a first night and a second one, with a bksb that takes its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bench.databases import Databases, rows_of
from bench.figures import Figure
from bench.loads import ROWS
from bench.place import Place, copy_of, open_place
from bench.runs import manual, night
from bench.sequential import fetch_one_by_one
from bench.site import Site
from bench.workers import Workers
from bksb.jobs.threads import THREADS
from bksb.model import Run
from bksb.settings import SOURCES, USUAL_SOURCES
from sandbox.world.people import invent
from sandbox.world.storage import london_today

LEARNERS = 4_000
"""Some 3,000 of them have no account yet."""

LATENCY = 0.05
"""Seconds that every call to bksb takes."""

TASKS_MAKING_ACCOUNTS = 2
TASKS_FETCHING = 4
ROUNDS = 2
ONE_BY_ONE = 30
"""Learners a round of the sequential client, which needs a fifth of a second for each."""

CALLS_OF_A_SOURCE = {"initial": 1, "diagnostic": 1, "v5": 2}
REPORTS = "GetEOAReportDataForAssessmentSessionV5"
"""The call that is made once for each new V5 session, on top."""

FINISHED_SESSIONS = (
    "select count(distinct (bksb_user_id, session_id)) as finished from bksb.assessment_result where source = 'v5'"
)


@dataclass(frozen=True)
class Night:
    """One sweep over everybody."""

    learners: int
    seconds: float
    calls: dict[str, int]
    tasks: int
    """At a time."""

    @property
    def calls_a_learner(self) -> float:
        """Without the reports of V5 sessions."""
        return sum(count for call, count in self.calls.items() if call != REPORTS) / self.learners

    @property
    def speed(self) -> float:
        """Learners a second."""
        return self.learners / self.seconds

    @property
    def share_of_limit(self) -> float:
        """The speed, as a part of concurrency / latency / calls a learner."""
        limit = self.tasks * THREADS / LATENCY / (sum(self.calls.values()) / self.learners)
        return self.speed / limit


class Nights:
    """The figures of the accounts, of (a), and of the nights in (b)."""

    def __init__(self, databases: Databases, scale: float) -> None:
        self._databases = databases
        self._learners = max(60, round(LEARNERS * scale))
        self._sample = max(3, round(ONE_BY_ONE * scale))
        self.rows: list[tuple[Any, ...]] = []
        """What the last first night has loaded, as `bench.loads.ROWS` gives it."""

    def measure(self) -> Iterator[Figure]:
        """Accounts first, then several first nights, each on tables of its own, and a second night at last."""
        with open_place(self._databases, invent(self._learners, london_today())) as (place, site):
            yield from _accounts(place, site)
            site.invent_histories()
            first: list[Night] = []
            ratios: list[float] = []
            for number in range(ROUNDS):
                with copy_of(self._databases, place) as fresh, Workers(fresh, TASKS_FETCHING) as workers:
                    one_by_one, learners = self._one_by_one(fresh, site, number)
                    first.append(_sweep(workers, site, manual("bksb_results", "first"), learners))
                    ratios.append(first[-1].speed / one_by_one)
                    if number == ROUNDS - 1:
                        self.rows = [tuple(row) for row in rows_of(fresh.reporting, ROWS)]
                        second = _sweep(workers, site, night("second"), learners)
            with copy_of(self._databases, place, SOURCES) as everything, Workers(everything, TASKS_FETCHING) as workers:
                whole = _sweep(workers, site, manual("bksb_results", "first"), learners, latency=0)
                whole_again = _sweep(workers, site, night("second"), learners, latency=0)
                (sessions,) = rows_of(everything.reporting, FINISHED_SESSIONS)
        concurrency = first[0].tasks * THREADS
        share = 100 * median(one.share_of_limit for one in first)
        says = f"share of the limit (concurrency {concurrency} / latency / calls a learner)"
        yield Figure("a", says, share, "at least", 85, " %", 0)
        yield Figure("a", "speed, times that of a sequential client", median(ratios), "at least", 38, " x", 0)
        yield Figure("a", "learners a second, load included", median(one.speed for one in first), digits=0)
        for says, sources, nights in (
            ("", USUAL_SOURCES, (first[-1], second)),
            (" with V5", SOURCES, (whole, whole_again)),
        ):
            promised = sum(CALLS_OF_A_SOURCE[source] for source in sources)
            for which, one in zip(("first", "second"), nights, strict=True):
                yield Figure(
                    "b", f"calls a learner, {which} night{says}", one.calls_a_learner, "at most", promised, digits=1
                )
        reports = whole.calls.get(REPORTS, 0) / max(1, sessions.finished)
        yield Figure("b", "reports read a finished V5 session, first night", reports, "at most", 1)
        yield Figure("b", "reports read again, second night", whole_again.calls.get(REPORTS, 0), "at most", 0, digits=0)

    def _one_by_one(self, place: Place, site: Site, number: int) -> tuple[float, int]:
        """Learners a second of the sequential client, over some of them; and how many there are."""
        active = "select username from bksb.account where state = 'active' order by person_id"
        usernames = [row.username for row in rows_of(place.reporting, active)]
        some = usernames[number :: len(usernames) // self._sample][: self._sample]
        site.begin(LATENCY)
        return len(some) / fetch_one_by_one(place.site, some), len(usernames)


def _accounts(place: Place, site: Site) -> Iterator[Figure]:
    run = replace(manual("bksb_accounts", "new"), invite=False)  # how many mails a minute is the mail server's choice
    site.begin(LATENCY)
    with Workers(place, TASKS_MAKING_ACCOUNTS) as workers:
        began = time.perf_counter()
        workers.run("plan_accounts", run)
        workers.share("apply_plan", run, workers.run("record_plan", run))
        seconds = time.perf_counter() - began
    planned = {
        row.action: row.people
        for row in rows_of(
            place.reporting, "select action, count(*) as people from bksb.planned_action group by action"
        )
    }
    created = site.calls()["createUser"]
    yield Figure(
        "-", f"seconds to make {created:,} new accounts, two tasks at a time", seconds, "at most", 120, " s", 0
    )
    calls = sum(site.calls().values()) - planned.get("link", 0)
    yield Figure("-", "calls a new account", calls / planned["create"], "at most", 2, digits=2)


def _sweep(workers: Workers, site: Site, run: Run, learners: int, latency: float = LATENCY) -> Night:
    buckets = workers.plan_fetches(run)
    site.begin(latency)
    seconds = workers.share("fetch_results", run, buckets)
    return Night(learners, seconds, site.calls(), min(TASKS_FETCHING, len(buckets)))
