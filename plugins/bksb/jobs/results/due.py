"""Which accounts a run has to ask bksb about, and for which sources. Call these functions inside a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from bksb.deployment import Deployment
from bksb.model import Run, Source
from bksb.reporting.store import Store
from bksb.rules.task_split import bucket_of
from bksb.rules.times import find_day_bounds

BACKFILL_RETRY_AFTER = timedelta(hours=1)
"""For this long the days of a backfill do not ask again for a source that failed or was incomplete."""


@dataclass(frozen=True)
class DueAccount:
    """One account whose sources have to be fetched."""

    person_id: str
    bksb_user_id: int
    username: str = field(repr=False)
    sources: tuple[Source, ...]
    sources_with_results: frozenset[Source]
    """Sources of which loaded results exist that bksb still showed last time."""

    reported_sessions: frozenset[str] = frozenset()
    """V5 sessions whose report is loaded: it never changes."""


def list_due_accounts(
    store: Store, deployment: Deployment, run: Run, buckets: Collection[int] | None = None
) -> list[DueAccount]:
    """The accounts that the run has to ask about; in some buckets, or in all (None)."""
    rows = store.run(
        "results/list_due_sources",
        sources=list(deployment.settings.sources),
        person_ids=list(run.person_ids) or None,
        buckets=None if buckets is None else list(buckets),
        covered_until=_covered_until(deployment, run),
        failed_since=datetime.now(UTC) - BACKFILL_RETRY_AFTER if run.is_backfill else None,
        **run.key,
    )
    return [
        _make_due_account(list(group))
        for person_id, group in groupby(rows, lambda row: row.person_id)
        if buckets is None or bucket_of(person_id) in buckets
    ]


def add_reported_sessions(store: Store, accounts: Sequence[DueAccount], run: Run) -> list[DueAccount]:
    """The accounts with the V5 sessions whose report need not be fetched again; a full refresh fetches all."""
    users = [account.bksb_user_id for account in accounts if "v5" in account.sources]
    if run.full_refresh or not users:
        return list(accounts)
    reported = defaultdict(set)
    for row in store.run("results/list_reported_sessions", bksb_user_ids=users):
        reported[row.bksb_user_id].add(row.session_id)
    return [replace(account, reported_sessions=frozenset(reported[account.bksb_user_id])) for account in accounts]


def _covered_until(deployment: Deployment, run: Run) -> datetime | None:
    """The moment up to which a source has to be read already, so that it need not be fetched; None: fetch it anyway.

    A scheduled run is about all results at the end of its interval. A backfill is about its day, which ends at
    midnight: the run of the night after it, at three o'clock and by a clock that may be slow, has read all of it.
    """
    if run.always_fetches:
        return None
    if not run.is_backfill or run.interval_end is None:
        return run.interval_end
    _, day_end = find_day_bounds(run.day, deployment.settings.timezone)
    return min(run.interval_end, day_end)


def _make_due_account(rows: Sequence[Any]) -> DueAccount:
    """From the rows of one account, one a source."""
    return DueAccount(
        person_id=rows[0].person_id,
        bksb_user_id=rows[0].bksb_user_id,
        username=rows[0].username,
        sources=tuple(row.source for row in rows),
        sources_with_results=frozenset(row.source for row in rows if row.holds_results),
    )
