"""Measures how time and memory grow with the number of learners, without latency."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import Databases, execute
from bench.environment import Environment, add_accounts, open_environment, store_accounts
from bench.figures import Figure
from bench.runs import ZONE, make_manual_run
from bench.workers import Workers
from sandbox.world.people import invent
from sandbox.world.storage import london_today

SIZES = (1_000, 10_000, 50_000)
"""Numbers of learners with an account."""

RESULTS = 2
"""Results of each sort per account: 200,000 for 50,000 accounts."""

PEOPLE_PER_ELIGIBLE = 1.06
"""People to invent for each eligible one, because some invented people are not eligible."""

TASKS = 2
"""Tasks at the same time: one per core. Without latency, more tasks are not faster."""

VIEWS = {
    "latest_result": "select count(*) from (select * from bksb.latest_result offset 0) as whole",
    "skill_level_on": "select count(*) from bksb.skill_level_on(current_date - 30)",
}
MIB = 1024 * 1024


@dataclass(frozen=True)
class WholeRun:
    """Time and memory of a whole run."""

    learners: int
    seconds: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.learners:,} learners"


def measure_scale(databases: Databases, scale: float) -> Iterator[Figure]:
    """Yield the figures of part (d)."""
    sizes = []
    for number, learners in enumerate(SIZES):
        wanted = max(20 * (number + 1), round(learners * scale))
        world = invent(round(wanted * PEOPLE_PER_ELIGIBLE) + 20, london_today())
        world, people = add_accounts(world, [world.today], RESULTS)
        last = learners == SIZES[-1]
        with open_environment(databases, world) as (environment, site):
            site.invent_histories()
            store_accounts(environment.reporting, people)
            sizes.append(_measure_whole_run(environment, len(people)))
            if last:
                summaries = list(_measure_summaries(environment))
    for size in sizes:
        yield Figure("d", f"seconds of a whole run, {size}", size.seconds, unit=" s", digits=1)
    longest, middle = sizes[-1], sizes[-2]
    growth = (longest.seconds / longest.learners) / (middle.seconds / middle.learners)
    yield Figure("d", f"growth of seconds per learner, from {middle.learners:,} to {longest}", growth, "at most", 1.2)
    for size in sizes:
        target = 150 if size is longest else None
        yield Figure("d", f"memory above an idle task, {size}", size.peak_mib, "at most", target, " MiB", 0)
    yield from summaries


def _measure_whole_run(environment: Environment, learners: int) -> WholeRun:
    run = make_manual_run("bksb_results", "whole")
    with Workers(environment, TASKS) as workers:
        began = time.perf_counter()
        workers.run_in_parallel("fetch_results", run, workers.plan_fetches(run))
        workers.run("check_results", run)
        workers.run("publish_results", run)
        return WholeRun(learners, time.perf_counter() - began, workers.peak_bytes / MIB)


def _measure_summaries(environment: Environment) -> Iterator[Figure]:
    """Yield the seconds of summaries and views over all results."""
    (stored,) = execute(environment.reporting, "select count(*) as results from bksb.assessment_result")
    deployment = environment.deployment()
    of_all = {"zone": ZONE.key}
    with deployment.open_store() as store:
        for name, parameters in (
            ("merge_skill_summary", {"starting_point_days": 183, "person_ids": None}),
            ("merge_daily_activity", {"day": None}),
        ):
            began = time.perf_counter()
            with store.transaction():
                store.run(f"summaries/{name}", **of_all, **parameters)
            yield _make_figure(name, stored.results, time.perf_counter() - began)
    for name, statement in VIEWS.items():
        began = time.perf_counter()
        execute(environment.reporting, statement)
        yield _make_figure(name, stored.results, time.perf_counter() - began)


def _make_figure(name: str, results: int, seconds: float) -> Figure:
    return Figure("d", f"seconds of {name}, {results:,} results", seconds, unit=" s")
