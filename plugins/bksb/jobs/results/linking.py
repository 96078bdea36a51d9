"""Links people by the bksb username stored in the MIS. Only reads from bksb, and opens no issues."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from bksb.deployment import Deployment
from bksb.errors import TransientError
from bksb.jobs.account_claims import claim_account, read_accounts
from bksb.jobs.lookups import LookupOutcome, UsernameLookups
from bksb.jobs.outage import make_bksb_detector
from bksb.jobs.planned_actions import planned_actions
from bksb.jobs.results.due import list_due_accounts
from bksb.model import Action, Person, Run
from bksb.reporting.store import Store, Writer
from bksb.rules.account_plan import make_plan
from bksb.rules.task_split import bucket_of

log = logging.getLogger(__name__)


def find_links(store: Store, run: Run, people: Sequence[Person]) -> list[Action]:
    """Return which of the run's people to look up by the username in the MIS; call it inside a transaction.

    These are people without an account, except those looked up without success less than a day ago.
    """
    recently_failed = {row.person_id for row in store.run("results/list_recent_failed_lookups")}
    accounts = read_accounts(store)
    unsettled = {account.person_id for account in accounts.values() if account.state in ("creating", "stale")}
    wanted = {person.person_id for person in people if person.bksb_username} - recently_failed - unsettled
    if run.person_ids:
        wanted &= set(run.person_ids)
    plan = make_plan(people, accounts.values())
    return [action for action in plan.actions if action.kind == "link" and action.person_id in wanted]


def drop_reassigned(links: Sequence[Action], people_now: Sequence[Person]) -> list[Action]:
    """Drop links by a username that the MIS now gives to another person.

    A run about a past day may include people who have left since.
    """
    owners = {person.bksb_username.casefold(): person.person_id for person in people_now if person.bksb_username}
    return [link for link in links if owners.get(link.username.casefold(), link.person_id) == link.person_id]


def link_people(deployment: Deployment, run: Run, buckets: Collection[int]) -> None:
    """Look up the usernames that the run planned to link in these buckets, and link the users that are found and free.

    If bksb is down, linking stops, and the run goes on to fetch results. Raises TransientError only if the run has
    nothing to fetch, because then no other task would notice the outage.
    """
    client = deployment.make_client()
    lookups = UsernameLookups(client, make_bksb_detector(client))
    with deployment.open_store() as store:
        store.lock_buckets(buckets)
        with store.transaction():
            actions = _read_planned_links(store, run, buckets)
        linked = 0
        wanted = [(action, action.username) for action in actions]
        try:
            for action, outcome in lookups.look_up_all(wanted, expect_failures=True):
                linked += _link(store, action, outcome)
        except TransientError as error:
            with store.transaction():
                if not list_due_accounts(store, deployment, run):
                    raise
            log.warning("%s Linking stops here; the run still fetches results.", error)
    log.info("Linked %d of %d people by the username stored in the MIS.", linked, len(actions))


def _read_planned_links(store: Store, run: Run, buckets: Collection[int]) -> list[Action]:
    """Return the planned links in these buckets, except those that bksb_accounts has linked or started since."""
    settled = {
        account.person_id
        for account in read_accounts(store).values()
        if account.bksb_user_id is not None or account.state == "creating"
    }
    return [
        Action(person_id, "link", username, "the MIS names this username")
        for person_id, (_, username) in planned_actions(store, run).items()
        if username and person_id not in settled and bucket_of(person_id) in buckets
    ]


def _link(store: Store, action: Action, outcome: LookupOutcome) -> bool:
    """Link the person if possible; return whether it worked. If not, the next look-up is a day later."""
    with store.transaction(Writer.APPLY_PLAN):
        if outcome.user_id is not None and not claim_account(
            store, action.person_id, action.username, outcome.user_id, "linked"
        ):
            return True
        store.run("accounts/block_account", person_id=action.person_id)
        return False
