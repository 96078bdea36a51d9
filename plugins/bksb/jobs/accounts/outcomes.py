"""Records the outcome of each action of an accounts run: the account's state, its link and its issues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bksb.api.parsing import CreatedUser
from bksb.issues import ACCOUNT_ISSUES, CHECK_ISSUES, IssueCode
from bksb.jobs.account_claims import claim_account, find_holder
from bksb.jobs.issues import replace_issues
from bksb.model import AccountOrigin, Action, Issue
from bksb.reporting.store import Store, Writer


class OutcomeRecorder:
    """Writes each outcome of one task in its own transaction, and counts them."""

    def __init__(self, store: Store, day_start: datetime) -> None:
        self._store = store
        self._day_start = day_start
        self.counts: Counter[str] = Counter()
        """Accounts by origin (created, linked); under "issue", the number of issues opened."""

    def activate(self, action: Action, user: CreatedUser, origin: AccountOrigin) -> None:
        """Link the account to this person. If another person holds it, open an issue instead."""
        with self._store.transaction(Writer.APPLY_PLAN):
            holder = claim_account(self._store, action.person_id, user.username, user.user_id, origin)
            if holder:
                self._block_claimed(action, holder)
                return
            self._replace_issues(action, [], also=CHECK_ISSUES)
        self.counts[origin] += 1

    def block_if_claimed(self, action: Action) -> bool:
        """Open an issue if another person holds this username; returns whether one does. Needs an open transaction."""
        holder = find_holder(self._store, action.person_id, action.username, None)
        if holder:
            self._block_claimed(action, holder)
        return holder is not None

    def block(self, action: Action, issues: Sequence[Issue]) -> None:
        """Record that the person cannot have an account now, with the issues that say why."""
        with self._store.transaction(Writer.APPLY_PLAN):
            self._store.run("accounts/block_account", person_id=action.person_id)
            self._replace_issues(action, issues)

    def keep(self, action: Action, issue: Issue) -> None:
        """Leave the account for the next run, with the issue that says why."""
        with self._store.transaction(Writer.APPLY_PLAN):
            self._replace_issues(action, [issue])

    def confirm_link(self, action: Action, user_id: int) -> None:
        """Record that bksb still has the linked user under this username."""
        with self._store.transaction(Writer.APPLY_PLAN):
            self._store.run("accounts/confirm_account", person_id=action.person_id, bksb_user_id=user_id)
            self._replace_check_issues(action, [], CHECK_ISSUES)

    def mark_stale(self, action: Action, user_id: int | None, issue: Issue) -> None:
        """Record that bksb no longer has the linked user (`user_id`) under this username. Results are kept."""
        with self._store.transaction(Writer.APPLY_PLAN):
            self._store.run("accounts/mark_stale", person_id=action.person_id, bksb_user_id=user_id)
            self._replace_check_issues(action, [issue], CHECK_ISSUES)

    def leave_unchecked(self, action: Action, issue: Issue) -> None:
        """Record that bksb gave no usable answer about a link."""
        with self._store.transaction(Writer.APPLY_PLAN):
            self._replace_check_issues(action, [issue], ("bksb_no_answer",))

    def _block_claimed(self, action: Action, holder: str) -> None:
        self._store.run("accounts/block_account", person_id=action.person_id)
        detail = f"{holder} already has this bksb account"
        self._replace_issues(action, [Issue.about(action.person_id, "account_claimed_twice", detail)])

    def _replace_issues(self, action: Action, issues: Sequence[Issue], *, also: tuple[IssueCode, ...] = ()) -> None:
        self._replace_check_issues(action, issues, ACCOUNT_ISSUES + also)

    def _replace_check_issues(self, action: Action, issues: Sequence[Issue], codes: tuple[IssueCode, ...]) -> None:
        self.counts["issue"] += len(issues)
        replace_issues(self._store, issues, self._day_start, codes=codes, person_ids=[action.person_id])
