"""Checks what was loaded, updates the summaries, and closes the run."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bksb.deployment import Deployment
from bksb.issues import RESULT_ISSUES
from bksb.jobs.checks import run_checks
from bksb.jobs.runs import close_run
from bksb.jobs.summaries import update_summaries
from bksb.model import Run
from bksb.reporting.sql_files import list_statements
from bksb.reporting.store import Store, Writer
from bksb.rules.levels import Vocabulary
from bksb.rules.result_reading import READERS

log = logging.getLogger(__name__)

SKIPPED_BY_PUBLISH_ANYWAY = ("checks/find_vanished_results", "checks/find_too_many_unknown")
"""Checks that can fail although the results are right. A run with `publish_anyway` skips them."""


@dataclass(frozen=True)
class RunCounts:
    """The counts of a run, for its log line and the asset event."""

    people: int
    results: int
    added: int
    changed: int
    missing: int
    """Results that bksb stopped listing, as this run found out."""


def check_results(deployment: Deployment, run: Run) -> None:
    """Run every check of `sql/checks`. Raises CheckFailedError with the failed checks and the ids they returned.

    Later runs fail as well, until bksb or the site's level words are corrected, or a run sets `publish_anyway`.
    """
    skipped = SKIPPED_BY_PUBLISH_ANYWAY if run.publish_anyway else ()
    names = [name for name in list_statements("checks") if name not in skipped]
    with deployment.open_store() as store, store.transaction():
        run_checks(store, names, consequence="nothing was published", run_id=run.run_id)
    left_out = ", ".join(name.removeprefix("checks/") for name in skipped)
    log.info("%d checks passed%s.", len(names), f"; skipped by publish_anyway: {left_out}" if left_out else "")


def publish_results(deployment: Deployment, run: Run) -> RunCounts:
    """Update skill_summary and daily_activity, close the run, and return its counts.

    Fast if nothing was written since the last publication, as in most runs of a backfill.
    """
    settings = deployment.settings
    with deployment.open_store() as store:
        if settings.raw_days is not None:
            # not during a load: purging moves rows, and a load addresses them by their place (ctid)
            with store.transaction(Writer.LOAD_RESULTS):
                store.run("results/purge_raw_results", raw_days=settings.raw_days)
                store.run("results/purge_raw_changes", raw_days=settings.raw_days)
        with store.transaction(Writer.PUBLISH_RESULTS):
            if update_summaries(store, settings, run, rebuild=run.always_fetches):
                resolve_text_issues(store, deployment.vocabulary)
            store.run("issues/resolve_issues_of_leavers", codes=list(RESULT_ISSUES), **run.key)
            row = store.run("results/count_results", **run.key)[0]
            counts = RunCounts(len(run.person_ids) or row.people, row.results, row.added, row.changed, row.missing)
            close_run(store, run, "success", asdict(counts))
    log.info(
        "This run added %d results, changed %d and found %d missing. %d results are loaded in total.",
        counts.added,
        counts.changed,
        counts.missing,
        counts.results,
    )
    return counts


def resolve_text_issues(store: Store, vocabulary: Vocabulary) -> None:
    """Resolve issues about texts that can be read now, or that no result has; call it inside a transaction."""
    rows = store.run("issues/list_unrecognised_texts")
    store.run("issues/resolve_issues", ids=_find_settled(rows, vocabulary))


def _find_settled(rows: Iterable[Any], vocabulary: Vocabulary) -> list[int]:
    """Return the issues to resolve: no result has the text, or it can be read in every result that has it."""
    still_holds: dict[int, bool] = {}
    for row in rows:
        if row.source is None:
            holds = False
        elif row.code == "unreadable_date":
            holds = row.undated
        else:
            texts = (row.result_raw, row.assessment_name, row.course_subject_raw)
            holds = not READERS[row.source](*texts, vocabulary).recognised
        still_holds[row.issue_id] = still_holds.get(row.issue_id, False) or holds
    return [issue_id for issue_id, holds in still_holds.items() if not holds]
