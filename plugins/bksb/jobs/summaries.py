"""Updates skill_summary and daily_activity from the loaded results.

Call these functions inside a transaction of the writer PUBLISH_RESULTS.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bksb.model import Run
from bksb.reporting.store import Store
from bksb.settings import Settings


def update_summaries(store: Store, settings: Settings, run: Run, *, rebuild: bool) -> bool:
    """Update both tables. Returns whether at least one of them was rebuilt.

    A table is rebuilt if `rebuild` is set, or if its source tables were written since its last rebuild. Otherwise only
    the run's own day of daily_activity is counted again. A run for named people updates only their rows of
    skill_summary, and leaves its rebuild to the next run.
    """
    is_rebuilt = False
    if run.person_ids:
        summarise_people(store, settings, run.person_ids)
    elif is_rebuilt := _claim_rebuild(store, "skill_summary", settings, rebuild=rebuild):
        store.run("summaries/merge_skill_summary", person_ids=None, **_rebuild_settings(settings))
    is_recounted = _claim_rebuild(store, "daily_activity", settings, rebuild=rebuild)
    store.run("summaries/merge_daily_activity", zone=settings.timezone.key, day=None if is_recounted else run.day)
    return is_rebuilt or is_recounted


def summarise_people(store: Store, settings: Settings, person_ids: Iterable[str]) -> None:
    """Update these people's rows of skill_summary."""
    store.run("summaries/merge_skill_summary", person_ids=list(person_ids), **_rebuild_settings(settings))


def _claim_rebuild(store: Store, table: str, settings: Settings, *, rebuild: bool) -> bool:
    """Return whether the table has to be rebuilt. If so, record the rebuild and the settings it uses."""
    parameters = _rebuild_settings(settings)
    is_due = bool(store.run("summaries/claim_summary_rebuild", table_name=table, **parameters)[0].due)
    if is_due or rebuild:
        store.run("summaries/record_summary_rebuild", table_name=table, **parameters)
    return is_due or rebuild


def _rebuild_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that the summaries depend on."""
    return {"zone": settings.timezone.key, "starting_point_days": settings.starting_point_days}
