"""Measures account creation, a first night and a second night, with a slow bksb."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bench.databases import Databases, execute
from bench.environment import Environment, copy_environment, open_environment
from bench.figures import Figure
from bench.loads import ROWS
from bench.runs import make_manual_run, make_night_run
from bench.sequential import fetch_sequentially
from bench.site import Site
from bench.workers import Workers
from bksb.jobs.threads import THREADS
from bksb.model import Run
from bksb.settings import SOURCES, USUAL_SOURCES
from sandbox.world.people import invent
from sandbox.world.storage import london_today

LEARNERS = 4_000
"""People in the MIS. About 3,000 of them are eligible and have no account yet."""

LATENCY = 0.05
"""Seconds that every call to bksb takes."""

TASKS_CREATING_ACCOUNTS = 2
TASKS_FETCHING = 4
ROUNDS = 2
SEQUENTIAL_LEARNERS = 30
"""Learners per round of the sequential client, which takes 0.2 seconds for each."""

CALLS_PER_SOURCE = {"initial": 1, "diagnostic": 1, "v5": 2}
REPORTS = "GetEOAReportDataForAssessmentSessionV5"
"""One more call for each new finished V5 session."""

FINISHED_SESSIONS = (
    "select count(distinct (bksb_user_id, session_id)) as finished from bksb.assessment_result where source = 'v5'"
)


@dataclass(frozen=True)
class Night:
    """One night: fetch_results for all learners."""

    learners: int
    seconds: float
    calls: dict[str, int]
    tasks: int
    """Tasks that run at the same time."""

    @property
    def calls_per_learner(self) -> float:
        """Calls per learner, without the reports of V5 sessions."""
        return sum(count for call, count in self.calls.items() if call != REPORTS) / self.learners

    @property
    def speed(self) -> float:
        """Learners per second."""
        return self.learners / self.seconds

    @property
    def share_of_limit(self) -> float:
        """The speed, as a fraction of concurrency / latency / calls per learner."""
        limit = self.tasks * THREADS / LATENCY / (sum(self.calls.values()) / self.learners)
        return self.speed / limit


class Nights:
    """Measures the figures of account creation, of part (a), and of the nights in part (b)."""

    def __init__(self, databases: Databases, scale: float) -> None:
        self._databases = databases
        self._learners = max(60, round(LEARNERS * scale))
        self._sample = max(3, round(SEQUENTIAL_LEARNERS * scale))
        self.rows: list[tuple[Any, ...]] = []
        """Rows loaded by the last of the first nights, as the statement bench.loads.ROWS returns them."""

    def measure(self) -> Iterator[Figure]:
        """Create accounts, then run several first nights, each on its own database, and one second night."""
        with open_environment(self._databases, invent(self._learners, london_today())) as (environment, site):
            yield from _measure_accounts(environment, site)
            site.invent_histories()
            first: list[Night] = []
            ratios: list[float] = []
            for number in range(ROUNDS):
                with copy_environment(self._databases, environment) as fresh, Workers(fresh, TASKS_FETCHING) as workers:
                    sequential, learners = self._measure_sequential_client(fresh, site, number)
                    first.append(_fetch_all(workers, site, make_manual_run("bksb_results", "first"), learners))
                    ratios.append(first[-1].speed / sequential)
                    if number == ROUNDS - 1:
                        self.rows = [tuple(row) for row in execute(fresh.reporting, ROWS)]
                        second = _fetch_all(workers, site, make_night_run("second"), learners)
            with (
                copy_environment(self._databases, environment, SOURCES) as everything,
                Workers(everything, TASKS_FETCHING) as workers,
            ):
                whole = _fetch_all(workers, site, make_manual_run("bksb_results", "first"), learners, latency=0)
                whole_again = _fetch_all(workers, site, make_night_run("second"), learners, latency=0)
                (sessions,) = execute(everything.reporting, FINISHED_SESSIONS)
        concurrency = first[0].tasks * THREADS
        share = 100 * median(one.share_of_limit for one in first)
        name = f"share of the limit (concurrency {concurrency} / latency / calls per learner)"
        yield Figure("a", name, share, "at least", 85, " %", 0)
        yield Figure("a", "speed, as a multiple of a sequential client's", median(ratios), "at least", 38, " x", 0)
        yield Figure("a", "learners per second, with the load", median(one.speed for one in first), digits=0)
        for suffix, sources, nights in (
            ("", USUAL_SOURCES, (first[-1], second)),
            (" with V5", SOURCES, (whole, whole_again)),
        ):
            target = sum(CALLS_PER_SOURCE[source] for source in sources)
            for which, one in zip(("first", "second"), nights, strict=True):
                yield Figure(
                    "b", f"calls per learner, {which} night{suffix}", one.calls_per_learner, "at most", target, digits=1
                )
        reports = whole.calls.get(REPORTS, 0) / max(1, sessions.finished)
        yield Figure("b", "reports read per finished V5 session, first night", reports, "at most", 1)
        yield Figure("b", "reports read again, second night", whole_again.calls.get(REPORTS, 0), "at most", 0, digits=0)

    def _measure_sequential_client(self, environment: Environment, site: Site, number: int) -> tuple[float, int]:
        """Return learners per second of the sequential client, measured on a sample, and the number of all learners."""
        active = "select username from bksb.account where state = 'active' order by person_id"
        usernames = [row.username for row in execute(environment.reporting, active)]
        some = usernames[number :: len(usernames) // self._sample][: self._sample]
        site.start_counting(LATENCY)
        return len(some) / fetch_sequentially(environment.site, some), len(usernames)


def _measure_accounts(environment: Environment, site: Site) -> Iterator[Figure]:
    run = replace(make_manual_run("bksb_accounts", "new"), invite=False)  # the speed of mail depends on the mail server
    site.start_counting(LATENCY)
    with Workers(environment, TASKS_CREATING_ACCOUNTS) as workers:
        began = time.perf_counter()
        workers.run("plan_accounts", run)
        workers.run_in_parallel("apply_plan", run, workers.run("record_plan", run))
        seconds = time.perf_counter() - began
    planned = {
        row.action: row.people
        for row in execute(
            environment.reporting, "select action, count(*) as people from bksb.planned_action group by action"
        )
    }
    created = site.calls()["createUser"]
    yield Figure("-", f"seconds to create {created:,} accounts, two tasks at a time", seconds, "at most", 120, " s", 0)
    calls = sum(site.calls().values()) - planned.get("link", 0)
    yield Figure("-", "calls per new account", calls / planned["create"], "at most", 2, digits=2)


def _fetch_all(workers: Workers, site: Site, run: Run, learners: int, latency: float = LATENCY) -> Night:
    buckets = workers.plan_fetches(run)
    site.start_counting(latency)
    seconds = workers.run_in_parallel("fetch_results", run, buckets)
    return Night(learners, seconds, site.calls(), min(TASKS_FETCHING, len(buckets)))
