"""Assigns bksb accounts to people and takes them away. No other module does.

Call these functions inside a transaction. Those that write need the writer APPLY_PLAN.
"""

from __future__ import annotations

from bksb.model import Account, AccountOrigin
from bksb.reporting.store import Store


def read_accounts(store: Store) -> dict[str, Account]:
    """Return every account in `bksb.account`, by person_id."""
    return {
        row.person_id: Account(row.person_id, row.username, row.bksb_user_id, row.state, row.origin)
        for row in store.run("accounts/list_accounts")
    }


def find_holder(store: Store, person_id: str, username: str, bksb_user_id: int | None) -> str | None:
    """Return the person_id of another person who has this bksb user or this username, or None."""
    rows = store.run("accounts/find_account_holder", person_id=person_id, username=username, bksb_user_id=bksb_user_id)
    return str(rows[0].person_id) if rows else None


def claim_account(store: Store, person_id: str, username: str, bksb_user_id: int, origin: AccountOrigin) -> str | None:
    """Assign this bksb account to the person and open a link to it. Earlier links stay as history.

    If another person holds the account, nothing is written and that person's id is returned. A person with an active
    account keeps it: call release_account first. An import does not replace a creation that is still in progress.
    """
    if holder := find_holder(store, person_id, username, bksb_user_id):
        return holder
    is_claimed = store.run(
        "accounts/activate_account",
        person_id=person_id,
        username=username,
        bksb_user_id=bksb_user_id,
        origin=origin,
        overwritable_states=["pending", "blocked", "stale"] + (["creating"] if origin != "imported" else []),
    )
    if is_claimed:
        store.run("accounts/close_link", person_id=person_id, bksb_user_id=bksb_user_id)
        store.run("accounts/open_link", person_id=person_id, bksb_user_id=bksb_user_id)
    return None


def release_account(store: Store, person_id: str, wrong_user_id: int) -> None:
    """Take a wrong account away from a person. The row stays, blocked and without a username.

    The links to `wrong_user_id` are withdrawn: they stay as history, but give the person no results. Messages about
    the account are superseded, so that a later account is announced like any other.
    """
    store.run("accounts/release_account", person_id=person_id)
    store.run("accounts/withdraw_links", person_id=person_id, bksb_user_id=wrong_user_id)
    store.run("invitations/supersede_messages", person_id=person_id)
