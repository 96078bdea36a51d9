"""Measures the calls of a backfill of a year, and of the same backfill again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bench.databases import Databases
from bench.environment import add_accounts, copy_environment, open_environment, store_accounts
from bench.figures import Figure
from bench.runs import make_backfill_run, make_manual_run
from bench.site import Site
from bench.workers import Workers
from bksb.model import Run
from sandbox.world.people import invent
from sandbox.world.storage import london_today

LEARNERS = 1_000
DAYS = 365


def measure_backfill(databases: Databases, scale: float) -> Iterator[Figure]:
    """Yield the backfill figures of part (b). Without latency, because only calls are counted."""
    # At any time of day, the interval of the day before yesterday has ended.
    last = london_today() - timedelta(days=2)
    days = [last - timedelta(days=number) for number in reversed(range(max(3, round(DAYS * scale))))]
    world, people = add_accounts(invent(max(40, round(LEARNERS * scale)), london_today()), days, None)
    with open_environment(databases, world) as (environment, site):
        store_accounts(environment.reporting, people)
        with copy_environment(databases, environment) as other, Workers(other, 1) as workers:
            once = _calls(workers, site, make_manual_run("bksb_results", "once", tuple(people)))
        with Workers(environment, 1) as workers:
            cold, again = (
                sum(_calls(workers, site, make_backfill_run(day, attempt)) for day in days)
                for attempt in ("cold", "again")
            )
    name = f"calls of a cold {len(days)}-day backfill, as a multiple of one fetch of its {len(people):,} accounts"
    yield Figure("b", name, cold / once, "at most", 1.1)
    yield Figure("b", "calls of the same backfill straight after", again, "at most", 0, digits=0)


def _calls(workers: Workers, site: Site, run: Run) -> int:
    """Plan a run, fetch what it needs, and return the number of calls."""
    site.start_counting(latency=0)
    workers.run_in_parallel("fetch_results", run, workers.plan_fetches(run))
    return sum(site.calls().values())
