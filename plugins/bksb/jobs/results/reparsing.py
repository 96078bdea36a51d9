"""Parses every loaded result again with the current parser, level words and time zone. Does not call bksb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from bksb.deployment import Deployment
from bksb.errors import BksbSyncError
from bksb.jobs.checks import run_checks
from bksb.jobs.results.publishing import SKIPPED_BY_PUBLISH_ANYWAY, resolve_text_issues
from bksb.jobs.results.rows import ResultRow, make_row, parse_again
from bksb.jobs.runs import close_run, fail_run, open_run
from bksb.jobs.summaries import update_summaries
from bksb.model import Run
from bksb.reporting.store import Store, Writer
from bksb.rules.result_reading import ResultReader


@dataclass
class ReparseCounts:
    """How many results were parsed, and how many of them changed."""

    results: int = 0
    changed: int = 0


def reparse_results(deployment: Deployment, run: Run) -> ReparseCounts:
    """Parse every loaded result again, and update the results that change and the summaries.

    Parses bksb's raw answers where they are kept, otherwise the text columns. Writes nothing to bksb.result_change,
    which holds changes made in bksb. A dry run only counts. Safe to repeat: the second time nothing changes.
    """
    with deployment.open_store() as store:
        if not run.dry_run:
            open_run(store, run)
        try:
            return _reparse(store, deployment, run)
        except BksbSyncError:
            if not run.dry_run:
                # fail_run opens a connection of its own, because this one may have failed
                fail_run(deployment, run)
            raise


def _reparse(store: Store, deployment: Deployment, run: Run) -> ReparseCounts:
    counts = ReparseCounts()
    with store.transaction(Writer.LOAD_RESULTS, Writer.PUBLISH_RESULTS):
        with store.stream("results/list_results_to_reparse") as (_, rows):
            changed = list(_find_changed(rows, deployment, counts))
        if run.dry_run:
            return counts
        store.run("results/create_loaded_result")
        store.copy("results/copy_loaded_result", changed)
        store.run("results/update_reparsed_results")
        resolve_text_issues(store, deployment.vocabulary)
        run_checks(store, SKIPPED_BY_PUBLISH_ANYWAY, consequence="nothing was changed", run_id=run.run_id)
        update_summaries(store, deployment.settings, run, rebuild=True)
        close_run(store, run, "success", asdict(counts))
    return counts


def _find_changed(
    rows: Iterable[tuple[Any, ...]], deployment: Deployment, counts: ReparseCounts
) -> Iterator[ResultRow]:
    """Yield the new row of each result that is parsed differently now."""
    reader = ResultReader(deployment.settings.timezone, deployment.vocabulary, datetime.now(UTC))
    for stored in map(ResultRow._make, rows):
        counts.results += 1
        result = parse_again(stored.source, stored.result)
        parsed = make_row(stored.bksb_user_id, stored.source, result, *reader.read(stored.source, result))
        if not parsed.equals_apart_from_raw(stored):
            counts.changed += 1
            yield parsed
