"""Checks that each linked username still belongs to the linked bksb user. Stored results are kept either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bksb.jobs.accounts.outcomes import OutcomeRecorder
from bksb.jobs.lookups import UsernameLookups
from bksb.jobs.threads import split_into_batches
from bksb.model import Account, Action, Issue
from bksb.rules.account_plan import still_holds

LINKS_PER_BATCH = 100


def check_links(
    lookups: UsernameLookups,
    outcomes: OutcomeRecorder,
    accounts: Mapping[str, Account],
    actions: Sequence[Action],
    *,
    expect_failures: bool,
) -> None:
    """Look up the username of each link and record the answer; `expect_failures` as in UsernameLookups."""
    for batch in split_into_batches(actions, LINKS_PER_BATCH):
        wanted = [(action, action.username) for action in batch]
        for action, outcome in lookups.look_up_all(wanted, expect_failures=expect_failures):
            account = accounts[action.person_id]
            if outcome.error is not None:
                detail = "bksb gave no usable answer when the link was checked"
                outcomes.leave_unchecked(action, Issue.about(action.person_id, "bksb_no_answer", detail))
            elif outcome.user_id is not None and still_holds(account, outcome.user_id):
                outcomes.confirm_link(action, outcome.user_id)
            else:
                outcomes.mark_stale(action, account.bksb_user_id, _make_stale_issue(account, outcome.user_id))


def _make_stale_issue(account: Account, found: int | None) -> Issue:
    now = "no longer exists in bksb" if found is None else f"now belongs to user {found} in bksb"
    detail = f"the username of the linked account (user {account.bksb_user_id}) {now}"
    return Issue.about(account.person_id, "stale_link", detail)
