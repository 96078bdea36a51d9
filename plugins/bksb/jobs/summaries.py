"""Brings skill_summary and daily_activity up to date with the results.

Call these functions inside a transaction of the writer PUBLISH_RESULTS.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bksb.model import Run
from bksb.reporting.store import Store
from bksb.settings import Settings


def update_summaries(store: Store, settings: Settings, run: Run, *, rebuild: bool) -> bool:
    """Bring both tables up to date; whether at least one of them was rebuilt whole.

    Unless `rebuild`, a table is rebuilt only if something it is made from was written since its last rebuild. Of
    daily_activity the run's own day is counted in any case. A run for named people updates their lines of skill_summary
    only, and leaves a rebuild to the next run.
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
    """Bring these people's lines of skill_summary up to date."""
    store.run("summaries/merge_skill_summary", person_ids=list(person_ids), **_rebuild_settings(settings))


def _claim_rebuild(store: Store, table: str, settings: Settings, *, rebuild: bool) -> bool:
    """Whether the table has to be rebuilt; if so, it is recorded as done, with the settings it is made with."""
    parameters = _rebuild_settings(settings)
    is_due = bool(store.run("summaries/claim_summary_rebuild", table_name=table, **parameters)[0].due)
    if is_due or rebuild:
        store.run("summaries/record_summary_rebuild", table_name=table, **parameters)
    return is_due or rebuild


def _rebuild_settings(settings: Settings) -> dict[str, Any]:
    """The settings that the summaries depend on."""
    return {"zone": settings.timezone.key, "starting_point_days": settings.starting_point_days}
