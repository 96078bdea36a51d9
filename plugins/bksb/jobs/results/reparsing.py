"""Reads every loaded result again: bksb's raw answer by today's parser, levels and time zone; bksb is not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bksb.deployment import Deployment
from bksb.errors import BksbSyncError
from bksb.jobs.results.planning import HELD_BACK_UNTIL_SEEN, resolve_texts, summarise
from bksb.jobs.results.rows import Reader, record_again, row_of
from bksb.jobs.runs import close_run, fail_run, hold_to_promises, open_run
from bksb.model import AssessmentRecord, Run
from bksb.reporting.store import Store


@dataclass
class Reread:
    """How many results were read, and how many of them say something else now."""

    results: int = 0
    changed: int = 0


def reread_results(deployment: Deployment, run: Run) -> Reread:
    """Replace all that a better parser, other tables of levels or another time zone make of the results, and the
    summaries with it.

    The texts are taken from bksb's raw answer again where that is kept. Nothing goes to bksb.result_change, which is
    about bksb's changes. A dry run counts only. Safe to repeat: a second time nothing differs.
    """
    with deployment.open_store() as store:
        if not run.dry_run:
            open_run(store, run)
        try:
            return _replace_readings(store, deployment, run)
        except BksbSyncError:
            if not run.dry_run:
                # on a connection of its own: this one may be what failed
                fail_run(deployment, run)
            raise


def _replace_readings(store: Store, deployment: Deployment, run: Run) -> Reread:
    reread = Reread()
    with store.transaction("load_results", "publish_results"):
        with store.stream("results/list_readings") as (_, rows):
            differing = list(_differing(rows, deployment, reread))
        if run.dry_run:
            return reread
        store.run("results/create_loaded_result")
        store.copy("results/copy_loaded_result", differing)
        store.run("results/replace_readings")
        resolve_texts(store, deployment.vocabulary)
        hold_to_promises(store, HELD_BACK_UNTIL_SEEN, consequence="nothing was changed", run_id=run.run_id)
        summarise(store, deployment, run, whole=True)
        close_run(store, run, "success", vars(reread))
    return reread


def _differing(rows: Iterable[tuple[Any, ...]], deployment: Deployment, reread: Reread) -> Iterator[tuple[object, ...]]:
    """Of rows in the order of `sql/results/copy_loaded_result.sql` those that differ from what is made of them now."""
    reader = Reader(deployment.settings.timezone, deployment.vocabulary)
    for row in rows:
        reread.results += 1
        user_id, source, session_id, component, kind, _, course_subject, course_name, assessment_id, *texts = row
        name, result, *_, completed_raw, raw = texts
        known = AssessmentRecord(
            session_id=session_id,
            course_subject=course_subject,
            course_name=course_name,
            assessment_id=assessment_id,
            assessment_name=name,
            result=result,
            completed_raw=completed_raw,
            raw=raw,
            component=component,
            assessment_kind=kind,
        )
        record = record_again(source, known)
        again = row_of(user_id, source, record, *reader.read(source, record))
        if _said(again) != _said(row):
            reread.changed += 1
            yield again


def _said(row: Sequence[Any]) -> tuple[Any, ...]:
    """All that a row says beside its key and the raw answer, with percentages as they are read: to be compared."""
    *says, percent, completed_at, completed_raw, _ = row[4:]
    return (*says, None if percent is None else float(percent), completed_at, completed_raw)
