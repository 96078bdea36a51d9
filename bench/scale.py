"""How time and memory grow with the number of learners, without latency."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import Databases, rows_of
from bench.figures import Figure
from bench.place import Place, open_place, with_accounts, write_accounts
from bench.runs import ZONE, manual
from bench.workers import Workers
from sandbox.world.people import invent
from sandbox.world.storage import london_today

SIZES = (1_000, 10_000, 50_000)
"""Learners with an account."""

RESULTS = 2
"""Of each sort for every account: four in all, 200,000 for 50,000 accounts."""

INVENTED_FOR_EACH = 1.06
"""People to invent for one who is eligible; the others are there to be left out."""

TASKS = 2
"""As many as there are processors to keep busy: without latency, more would only share them."""

VIEWS = {
    "latest_result": "select count(*) from (select * from bksb.latest_result offset 0) as whole",
    "skill_level_on": "select count(*) from bksb.skill_level_on(current_date - 30)",
}
MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """What a whole run came to for that number of learners."""

    learners: int
    seconds: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.learners:,} learners"


def measure_scale(databases: Databases, scale: float) -> Iterator[Figure]:
    """The figures of (d)."""
    sizes = []
    for number, learners in enumerate(SIZES):
        wanted = max(20 * (number + 1), round(learners * scale))
        world = invent(round(wanted * INVENTED_FOR_EACH) + 20, london_today())
        world, people = with_accounts(world, [world.today], RESULTS)
        last = learners == SIZES[-1]
        with open_place(databases, world) as (place, site):
            site.invent_histories()
            write_accounts(place.reporting, people)
            sizes.append(_whole_run(place, len(people)))
            if last:
                totals = list(_totals(place))
    for size in sizes:
        yield Figure("d", f"seconds of a whole run over {size}", size.seconds, unit=" s", digits=1)
    longest, middle = sizes[-1], sizes[-2]
    growth = (longest.seconds / longest.learners) / (middle.seconds / middle.learners)
    yield Figure("d", f"seconds a learner, {longest} against {middle.learners:,}", growth, "at most", 1.2)
    for size in sizes:
        target = 150 if size is longest else None
        yield Figure("d", f"memory above an idle task, {size}", size.peak_mib, "at most", target, " MiB", 0)
    yield from totals


def _whole_run(place: Place, learners: int) -> Size:
    run = manual("bksb_results", "whole")
    with Workers(place, TASKS) as workers:
        began = time.perf_counter()
        workers.share("fetch_results", run, workers.plan_fetches(run))
        workers.run("check_results", run)
        workers.run("publish_results", run)
        return Size(learners, time.perf_counter() - began, workers.peak_bytes / MIB)


def _totals(place: Place) -> Iterator[Figure]:
    """Seconds of what is counted over all results, once they are all there."""
    (held,) = rows_of(place.reporting, "select count(*) as results from bksb.assessment_result")
    deployment = place.deployment()
    of_all = {"zone": ZONE.key}
    with deployment.open_store() as store:
        for name, parameters in (
            ("merge_skill_summary", {"starting_point_days": 183, "person_ids": None}),
            ("merge_daily_activity", {"day": None}),
        ):
            began = time.perf_counter()
            with store.transaction():
                store.run(f"summaries/{name}", **of_all, **parameters)
            yield _took(name, held.results, time.perf_counter() - began)
    for name, statement in VIEWS.items():
        began = time.perf_counter()
        rows_of(place.reporting, statement)
        yield _took(name, held.results, time.perf_counter() - began)


def _took(name: str, results: int, seconds: float) -> Figure:
    return Figure("d", f"seconds of {name} over {results:,} results", seconds, unit=" s")
