"""Reads every loaded result again with today's tables of levels and time zone, without asking bksb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from bksb.deployment import Deployment, Settings
from bksb.errors import BksbSyncError
from bksb.jobs.loading import READERS, read_completion
from bksb.jobs.results import HELD_BACK_UNTIL_SEEN, resolve_texts, summarise
from bksb.jobs.runs import close_run, fail_run, hold_to_promises, open_run
from bksb.model import Run
from bksb.store import Store


@dataclass
class Reread:
    """How many results were read, and how many of them say something else now."""

    results: int = 0
    changed: int = 0


def reread_results(deployment: Deployment, run: Run) -> Reread:
    """Replace every reading that the levels tables, or the time zone, have changed, and the summaries with it.

    bksb's own texts stay, and nothing goes to bksb.result_change. A dry run counts only. Safe to repeat: a second time
    nothing differs.
    """
    with deployment.open_store() as store:
        if not run.dry_run:
            open_run(store, run)
        try:
            return _replace_readings(store, deployment.settings, run)
        except BksbSyncError:
            if not run.dry_run:
                # on a connection of its own: this one may be what failed
                fail_run(deployment, run)
            raise


def _replace_readings(store: Store, settings: Settings, run: Run) -> Reread:
    reread = Reread()
    with store.transaction("load_results", "publish_results"):
        with store.stream("results/list_readings") as (_, rows):
            differing = list(_differing(rows, settings, reread))
        if run.dry_run:
            return reread
        store.run("results/create_new_reading")
        store.copy("results/copy_new_reading", differing)
        store.run("results/replace_readings", run_id=run.run_id)
        resolve_texts(store)
        hold_to_promises(store, HELD_BACK_UNTIL_SEEN, consequence="nothing was changed", run_id=run.run_id)
        summarise(store, settings, run, whole=True)
        close_run(store, run, "success", vars(reread))
    return reread


def _differing(rows: Iterable[tuple[Any, ...]], settings: Settings, reread: Reread) -> Iterator[tuple[object, ...]]:
    """Rows in the order of `sql/results/copy_new_reading.sql`."""
    read = cache(lambda source, *texts: READERS[source](*texts))
    for *key, result_raw, assessment_name, course_subject, completed_raw, subject, level, percent, completed_at in rows:
        reread.results += 1
        reading = read(key[1], result_raw, assessment_name, course_subject)
        moment = read_completion(completed_raw, settings.timezone)
        known = (subject, level, None if percent is None else float(percent), completed_at)
        if known != (reading.subject, reading.level_code, reading.percent, moment):
            reread.changed += 1
            yield (*key, reading.subject, reading.level_code, reading.level_order, reading.percent, moment)
