"""Opens, refreshes and resolves rows of `bksb.issue`. Call these functions inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from bksb.issues import IssueCode
from bksb.model import Issue
from bksb.reporting.store import Store


def open_issues(store: Store, issues: Iterable[Issue], day_start: datetime) -> None:
    """Open each issue. For an issue that is already open, update `last_seen_at`, at most once a day.

    `day_start` is the first moment of the current day in the site's time zone.
    """
    by_key = {(issue.code, issue.subject_key): issue for issue in issues}
    # each key once, because one statement cannot write a row twice; in the order in which resolve_issues.sql locks
    # rows, so that two writers cannot deadlock
    unique = [by_key[key] for key in sorted(by_key)]
    store.run(
        "issues/open_issues",
        codes=[issue.code for issue in unique],
        subject_keys=[issue.subject_key for issue in unique],
        person_ids=[issue.person_id for issue in unique],
        details=[issue.detail for issue in unique],
        day_start=day_start,
    )


def replace_issues(
    store: Store,
    current: Sequence[Issue],
    day_start: datetime,
    *,
    codes: Sequence[IssueCode],
    person_ids: Collection[str] | None,
) -> None:
    """Open the `current` issues, and resolve all others of these codes about these people (None: all people)."""
    open_issues(store, current, day_start)
    store.run(
        "issues/resolve_issues_of_people",
        codes=list(codes),
        person_ids=None if person_ids is None else sorted(person_ids),
        still_codes=[issue.code for issue in current],
        still_keys=[issue.subject_key for issue in current],
    )


def list_people_without_answer(store: Store, code: IssueCode) -> dict[str, int]:
    """Return the people with an open issue of this code, with their position in the order to ask bksb again.

    The person who has waited longest comes first.
    """
    rows = store.run("issues/list_people_without_answer", code=code)
    return {row.person_id: place for place, row in enumerate(rows)}
