"""Links people whose bksb username the MIS holds, for runs that only read bksb: GET, and never an issue."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import date
from functools import partial

from bksb.api.client import BksbClient
from bksb.errors import RejectedError, TransientError
from bksb.jobs.planned_actions import known_accounts, planned_actions, write_plan
from bksb.jobs.runs import Patience
from bksb.jobs.threads import run_concurrently
from bksb.mis import Mis
from bksb.model import Person, Plan, Run, bucket_of
from bksb.reporting.store import Store
from bksb.rules.account_plan import make_plan

log = logging.getLogger(__name__)

THREADS = 8


def plan_links(store: Store, mis: Mis, run: Run, people: Sequence[Person], today: date) -> list[str]:
    """Note whom of the run's people to look up by the username in the MIS: those without an account who have not
    been looked up in vain since yesterday. Call it inside a transaction.

    Who has left is linked by no username that the MIS gives to somebody else by now.
    """
    in_vain = {row.person_id for row in store.run("results/list_looked_up_in_vain")}
    stored = {person.person_id for person in people if person.bksb_username}
    settled = {account.person_id for account in known_accounts(store) if account.state in ("creating", "stale")}
    wanted = stored - in_vain - settled
    if run.person_ids:
        wanted &= set(run.person_ids)
    actions = tuple(
        action
        for action in make_plan(people, known_accounts(store)).actions
        if action.kind == "link" and action.person_id in wanted
    )
    if actions and run.day != today:
        theirs = {
            person.bksb_username.casefold(): person.person_id
            for person in mis.read_people(today, perhaps_nobody=True)
            if person.bksb_username
        }
        actions = tuple(
            action for action in actions if theirs.get(action.username.casefold(), action.person_id) == action.person_id
        )
    write_plan(store, run, Plan(actions, (), ()))
    return [action.person_id for action in actions]


def buckets_to_link(store: Store, run: Run) -> set[int]:
    """The buckets with people whom `plan_links` noted for this run."""
    with store.transaction():
        return {bucket_of(person_id) for person_id in planned_actions(store, run)}


def link_planned(store: Store, client: BksbClient, run: Run, buckets: Collection[int], patience: Patience) -> set[str]:
    """Look up whom `plan_links` noted in these buckets, and link whoever is found and nobody else's; who was linked.

    The rest waits for another run where bksb answers about others, and about none of these.
    """
    with store.transaction():
        planned = {
            person_id: username
            for person_id, (_, username) in planned_actions(store, run).items()
            if username and bucket_of(person_id) in buckets
        }
        if not planned:
            return set()
        # what a run of bksb_accounts left open since the plan is that DAG's to settle
        settled = {
            account.person_id
            for account in known_accounts(store)
            if account.bksb_user_id is not None or account.state == "creating"
        }
    wanted = [(person_id, username) for person_id, username in planned.items() if person_id not in settled]
    linked: set[str] = set()
    with closing(run_concurrently(partial(_find, client), wanted, THREADS)) as found_users:
        for (person_id, username), found in found_users:
            if _link(store, person_id, username, found):
                linked.add(person_id)
            if patience.saw(found, had_none_before=True):
                break
    if wanted:
        log.info("Linked %d of %d people by the username in the MIS.", len(linked), len(wanted))
    return linked


def _link(store: Store, person_id: str, username: str, found: int | RejectedError | TransientError | None) -> bool:
    """Whether the bksb user that was found, if any, is the person's now; whoever was looked up in vain is not looked up
    again for a day."""
    with store.transaction("apply_plan"):
        if not isinstance(found, int) or _is_held(store, person_id, username, found):
            store.run("accounts/block_account", person_id=person_id)
            return False
        store.run(
            "accounts/activate_account",
            person_id=person_id,
            username=username,
            bksb_user_id=found,
            origin="linked",
        )
        store.run("accounts/open_link", person_id=person_id, bksb_user_id=found)
    return True


def _find(client: BksbClient, wanted: tuple[str, str]) -> int | RejectedError | TransientError | None:
    try:
        return client.find_user_id(wanted[1])
    except (RejectedError, TransientError) as error:
        return error


def _is_held(store: Store, person_id: str, username: str, user_id: int) -> bool:
    holders = store.run("accounts/find_account_holder", person_id=person_id, bksb_user_id=user_id, username=username)
    return bool(holders)
