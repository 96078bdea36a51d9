"""Finds the accounts and sources that a run has to fetch. Call these functions inside a transaction."""

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
"""How long a backfill waits before it asks again for a source that failed or was incomplete."""


@dataclass(frozen=True)
class DueAccount:
    """One account and the sources to fetch for it."""

    person_id: str
    bksb_user_id: int
    username: str = field(repr=False)
    sources: tuple[Source, ...]
    sources_with_results: frozenset[Source]
    """Sources with loaded results that bksb still listed last time."""

    reported_sessions: frozenset[str] = frozenset()
    """V5 sessions with a loaded report. We assume that a report never changes, so it is not fetched again."""


def list_due_accounts(
    store: Store, deployment: Deployment, run: Run, buckets: Collection[int] | None = None
) -> list[DueAccount]:
    """Return the accounts that the run has to fetch, in these buckets or in all (None)."""
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
    """Add to each account the V5 sessions with reports that need not be fetched again (none in a full refresh)."""
    users = [account.bksb_user_id for account in accounts if "v5" in account.sources]
    if run.full_refresh or not users:
        return list(accounts)
    reported = defaultdict(set)
    for row in store.run("results/list_reported_sessions", bksb_user_ids=users):
        reported[row.bksb_user_id].add(row.session_id)
    return [replace(account, reported_sessions=frozenset(reported[account.bksb_user_id])) for account in accounts]


def explain_nothing_due(store: Store, deployment: Deployment, run: Run) -> str:
    """Say in one sentence why a run about the people of a day has nothing to fetch."""
    covered_until = _covered_until(deployment, run)
    (counts,) = store.run(
        "results/count_covered_accounts",
        sources=list(deployment.settings.sources),
        covered_until=covered_until,
        **run.key,
    )
    if not counts.people:
        return f"Nothing to fetch: no one was eligible on {run.day}."
    if not counts.accounts or covered_until is None:
        return f"Nothing to fetch: none of the {counts.people} people eligible on {run.day} has an active bksb account."
    since = f"{covered_until.astimezone(deployment.settings.timezone):%Y-%m-%d %H:%M}"
    if counts.covered == counts.accounts:
        return f"Nothing to fetch: all {counts.accounts} accounts were read completely since {since}."
    return (
        f"Nothing to fetch: {counts.covered} accounts were read completely since {since}; "
        f"{counts.accounts - counts.covered} failed within the last hour and will be asked again later."
    )


def _covered_until(deployment: Deployment, run: Run) -> datetime | None:
    """Return the moment up to which a source must have been read to be skipped. None: skip no source.

    A scheduled run needs all results up to the end of its interval. A backfill run needs only those of its day, which
    ends at midnight: the scheduled run of 03:00 that night has read them, even if bksb's clock is slow.
    """
    if run.always_fetches:
        return None
    if not run.is_backfill or run.interval_end is None:
        return run.interval_end
    _, day_end = find_day_bounds(run.day, deployment.settings.timezone)
    return min(run.interval_end, day_end)


def _make_due_account(rows: Sequence[Any]) -> DueAccount:
    """Make an account from its rows, one row per source."""
    return DueAccount(
        person_id=rows[0].person_id,
        bksb_user_id=rows[0].bksb_user_id,
        username=rows[0].username,
        sources=tuple(row.source for row in rows),
        sources_with_results=frozenset(row.source for row in rows if row.holds_results),
    )
