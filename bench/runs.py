"""The runs that are measured, as Airflow would name them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bksb.model import Run
from bksb.settings import Settings
from sandbox.world.storage import london_today

ZONE = Settings().timezone
NIGHT_HOUR = 3


def manual(dag_id: str, run_id: str, person_ids: tuple[str, ...] = ()) -> Run:
    """A run about now, asked for by a person: it always fetches."""
    return Run(dag_id, run_id, "manual", None, None, london_today(), person_ids=person_ids)


def night(run_id: str) -> Run:
    """The scheduled run of a night that has yet to come: no answer covers it."""
    end = datetime.now(UTC) + timedelta(days=1)
    return Run("bksb_results", run_id, "scheduled", end - timedelta(days=1), end, london_today())


def backfill(day: date, attempt: str) -> Run:
    """The run of a day gone by."""
    start = datetime(day.year, day.month, day.day, NIGHT_HOUR, tzinfo=ZONE)
    # an interval reaches to the same hour of the next day, 23 to 25 hours later
    return Run("bksb_results", f"{attempt}__{day}", "backfill", start, start + timedelta(days=1), day)
