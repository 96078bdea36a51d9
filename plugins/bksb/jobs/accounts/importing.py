"""Adopts accounts that learners have in bksb already: each username of a file is looked up, none is ever created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bksb.api.client import BksbClient
from bksb.clock import today
from bksb.deployment import Deployment
from bksb.errors import RejectedError, TransientError
from bksb.jobs.planned_actions import known_accounts
from bksb.jobs.runs import keep_issues, patience_with
from bksb.jobs.threads import in_batches, run_concurrently
from bksb.model import Account, Person, bucket_of
from bksb.reporting.store import Store
from bksb.rules.account_file import Complaint, Line
from bksb.rules.account_plan import ACCOUNT_ISSUES, make_plan

THREADS = 8
"""Look-ups under way at once."""

LINES_A_BATCH = 200
"""So many lines are looked up, then written together: a crash loses no more than one batch, and its repeat nothing."""

SETTLED_BY_LINKING = (*ACCOUNT_ISSUES, "stale_link")
"""Issues about a person's account; once it is linked only a username that the MIS contradicts is left of them."""


@dataclass
class Adoption:
    """What came of an import so far; a dry run counts what it would adopt."""

    adopted: int = 0
    linked_already: int = 0
    complaints: list[Complaint] = field(default_factory=list)


def adopt_accounts(deployment: Deployment, lines: Sequence[Line], adoption: Adoption, *, dry_run: bool = False) -> None:
    """Look up the username of each line and link it to its person; `adoption` tells how far it has got.

    Each person and username comes once in `lines` (link_file). Calls bksb with GET only. An account that is active
    or whose creation is not settled is never changed, so a repeat changes nothing. A dry run writes nothing.

    Raises KeyRefusedError at once, TransientError when bksb answers nobody or a database is away, and what reading
    the MIS raises; batches that were written before stay written.
    """
    people = {person.person_id: person for person in deployment.mis.read_people(today(deployment.settings.timezone))}
    with deployment.open_store() as store, store.transaction():
        recorded = {row.person_id for row in store.run("links/list_recorded_people")}
    known = [line for line in lines if line.person_id in people or line.person_id in recorded]
    strangers = [line for line in lines if line.person_id not in people and line.person_id not in recorded]
    adoption.complaints += [_complaint(line, UNKNOWN_PERSON) for line in strangers]
    adopting = _Adopting(deployment, people, adoption, dry_run=dry_run)
    for batch in in_batches(known, LINES_A_BATCH):
        adopting.adopt(batch)


UNKNOWN_PERSON = "the MIS does not list this person now and no run has recorded them: correct the person_id"
UNKNOWN_USERNAME = "bksb does not know this username: correct it"
REFUSED_USERNAME = "bksb cannot look this username up: correct it"
NO_ANSWER = "bksb gave no answer: import the file again"
NOT_SETTLED = "a creation for this person is not settled: the next run of bksb_accounts does that, then import again"
HAS_ANOTHER = "this person has another active account, which was left as it is: find out which is right"


class _Adopting:
    """One import: looks a batch up, then writes it while no run touches these people."""

    def __init__(
        self, deployment: Deployment, people: Mapping[str, Person], adoption: Adoption, *, dry_run: bool
    ) -> None:
        self._deployment = deployment
        self._client = deployment.make_client()
        self._people = people
        self._adoption = adoption
        self._dry_run = dry_run
        self._patience = patience_with(self._client)
        self._taken: dict[int, str] = {}
        self._named: dict[str, set[str]] = defaultdict(set)
        for person in people.values():
            if person.bksb_username:
                self._named[person.bksb_username.casefold()].add(person.person_id)

    def adopt(self, batch: Sequence[Line]) -> None:
        looked_up = self._look_up(batch)
        adopted = linked = 0
        complaints: list[Complaint] = []
        with self._deployment.open_store() as store:
            if not self._dry_run:
                store.lock_buckets({bucket_of(line.person_id) for line, _ in looked_up})
            # whoever plans or activates reads who has which account first: not while that is being written here
            with store.transaction(*([] if self._dry_run else ["plan_accounts", "apply_plan"])):
                accounts = {account.person_id: account for account in known_accounts(store)}
                for line, user_id in looked_up:
                    account = accounts.get(line.person_id, _none_of(line))
                    if account.state == "active" and account.bksb_user_id == user_id:
                        linked += 1
                    elif reason := self._obstacle(store, accounts, account, line, user_id):
                        complaints.append(_complaint(line, reason))
                    elif user_id is not None:
                        self._taken[user_id] = line.person_id
                        accounts[line.person_id] = Account(line.person_id, line.username, user_id, "active", "imported")
                        adopted += 1
                        if not self._dry_run:
                            self._write(store, line, user_id)
        self._adoption.adopted += adopted
        self._adoption.linked_already += linked
        self._adoption.complaints += complaints

    def _look_up(self, batch: Sequence[Line]) -> list[tuple[Line, int | None]]:
        """What bksb says of each username, in the order of the lines; lines without an answer become complaints."""
        looked_up: list[tuple[Line, int | None]] = []
        for line, found in run_concurrently(partial(_find, self._client), batch, THREADS):
            self._patience.saw(found)
            if isinstance(found, TransientError):
                self._adoption.complaints.append(_complaint(line, NO_ANSWER))
            elif isinstance(found, RejectedError):
                self._adoption.complaints.append(_complaint(line, REFUSED_USERNAME))
            else:
                looked_up.append((line, found))
        return sorted(looked_up, key=lambda pair: pair[0].number)

    def _obstacle(
        self, store: Store, accounts: Mapping[str, Account], account: Account, line: Line, user_id: int | None
    ) -> str | None:
        """Why the bksb user cannot become this person's; None where nothing speaks against it."""
        if account.state == "creating":
            return NOT_SETTLED
        if user_id is None:
            return UNKNOWN_USERNAME
        if account.state == "active":
            return HAS_ANOTHER
        person = self._people.get(line.person_id)
        former = accounts.get(person.former_person_id or "") if person else None
        if former and account.bksb_user_id is None and (former.bksb_user_id is not None or former.state == "creating"):
            return (
                f"this learner was applicant {former.person_id}, who has an account: the next run of bksb_accounts "
                "settles that first"
            )
        if others := self._named.get(line.username.casefold(), set()) - {line.person_id}:
            return f"the MIS gives this username to {min(others)}: find out who is right"
        holders = store.run(
            "accounts/find_account_holder",
            person_id=line.person_id,
            bksb_user_id=user_id,
            username=line.username,
        )
        if holders or user_id in self._taken:
            holder = holders[0].person_id if holders else self._taken[user_id]
            return f"the account is that of {holder} already: find out who is right"
        return None

    def _write(self, store: Store, line: Line, user_id: int) -> None:
        whose = {"person_id": line.person_id, "bksb_user_id": user_id}
        store.run("links/adopt_account", username=line.username, **whose)
        store.run("accounts/close_link", **whose)
        store.run("accounts/open_link", **whose)
        person = self._people.get(line.person_id)
        account = Account(line.person_id, line.username, user_id, "active", "imported")
        keep_issues(
            store,
            self._deployment.settings,
            make_plan([person], [account]).issues if person else (),
            codes=SETTLED_BY_LINKING,
            person_ids=[line.person_id],
        )


def _find(client: BksbClient, line: Line) -> int | RejectedError | TransientError | None:
    try:
        return client.find_user_id(line.username)
    except (RejectedError, TransientError) as error:
        return error


def _none_of(line: Line) -> Account:
    return Account(line.person_id, username=None, bksb_user_id=None, state="pending", origin=None)


def _complaint(line: Line, reason: str) -> Complaint:
    return Complaint(line.number, line.person_id, reason)
