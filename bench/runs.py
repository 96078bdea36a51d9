"""Runs as Airflow would start them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bksb.model import Run
from bksb.settings import Settings
from sandbox.world.storage import london_today

ZONE = Settings().timezone
NIGHT_HOUR = 3


def make_manual_run(dag_id: str, run_id: str, person_ids: tuple[str, ...] = ()) -> Run:
    """Return a manual run, which always fetches."""
    return Run(dag_id, run_id, "manual", None, None, london_today(), person_ids=person_ids)


def make_night_run(run_id: str) -> Run:
    """Return the scheduled run of the next night. No stored response covers it yet."""
    end = datetime.now(UTC) + timedelta(days=1)
    return Run("bksb_results", run_id, "scheduled", end - timedelta(days=1), end, london_today())


def make_backfill_run(day: date, attempt: str) -> Run:
    """Return the backfill run of a past day."""
    start = datetime(day.year, day.month, day.day, NIGHT_HOUR, tzinfo=ZONE)
    # Adding a day keeps the wall-clock hour: the interval lasts 23 to 25 hours.
    return Run("bksb_results", f"{attempt}__{day}", "backfill", start, start + timedelta(days=1), day)
