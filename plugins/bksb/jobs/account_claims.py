"""Which person has which bksb account: the only place where an account becomes a person's.

Call these functions inside a transaction; the ones that write, as the writer APPLY_PLAN.
"""

from __future__ import annotations

from bksb.model import Account, AccountOrigin
from bksb.reporting.store import Store


def read_accounts(store: Store) -> dict[str, Account]:
    """Every account in `bksb.account`, by person_id."""
    return {
        row.person_id: Account(row.person_id, row.username, row.bksb_user_id, row.state, row.origin)
        for row in store.run("accounts/list_accounts")
    }


def find_holder(store: Store, person_id: str, username: str, bksb_user_id: int | None) -> str | None:
    """The person_id of another person who has this bksb user, or an account under this username."""
    rows = store.run("accounts/find_account_holder", person_id=person_id, username=username, bksb_user_id=bksb_user_id)
    return str(rows[0].person_id) if rows else None


def claim_account(store: Store, person_id: str, username: str, bksb_user_id: int, origin: AccountOrigin) -> str | None:
    """Make this bksb account the person's, and open its link; the history of earlier links stays.

    If another person holds the account, nothing is written, and that person's id is returned. A person who has an
    active account keeps it: release it first. An import never takes the place of a creation that is not settled.
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
    """Take a wrong account away from a person: the row stays, blocked and without username.

    The links to `wrong_user_id` are withdrawn, which leaves them in the history but gives the person no results. The
    messages about the account are superseded, so that an account that is created later is told of like any other.
    """
    store.run("accounts/release_account", person_id=person_id)
    store.run("accounts/withdraw_links", person_id=person_id, bksb_user_id=wrong_user_id)
    store.run("invitations/supersede_messages", person_id=person_id)
