"""A year of days, one after the other, and the same year again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bench.databases import Databases
from bench.figures import Figure
from bench.place import copy_of, open_place, with_accounts, write_accounts
from bench.runs import backfill, manual
from bench.site import Site
from bench.workers import Workers
from bksb.model import Run
from sandbox.world.people import invent
from sandbox.world.storage import london_today

LEARNERS = 1_000
DAYS = 365


def measure_backfill(databases: Databases, scale: float) -> Iterator[Figure]:
    """The figures of (b) about a backfill, without latency: calls are what counts here."""
    # the interval of the day before yesterday has ended at any hour
    last = london_today() - timedelta(days=2)
    days = [last - timedelta(days=number) for number in reversed(range(max(3, round(DAYS * scale))))]
    world, people = with_accounts(invent(max(40, round(LEARNERS * scale)), london_today()), days, None)
    with open_place(databases, world) as (place, site):
        write_accounts(place.reporting, people)
        with copy_of(databases, place) as other, Workers(other, 1) as workers:
            once = _calls(workers, site, manual("bksb_results", "once", tuple(people)))
        with Workers(place, 1) as workers:
            cold, again = (
                sum(_calls(workers, site, backfill(day, attempt)) for day in days) for attempt in ("cold", "again")
            )
    says = f"calls of a cold {len(days)}-day backfill, times those for its {len(people):,} accounts"
    yield Figure("b", says, cold / once, "at most", 1.1)
    yield Figure("b", "calls of the same backfill straight after", again, "at most", 0, digits=0)


def _calls(workers: Workers, site: Site, run: Run) -> int:
    """Calls made by planning a run and fetching what it lacks."""
    site.begin(latency=0)
    workers.share("fetch_results", run, workers.plan_fetches(run))
    return sum(site.calls().values())
