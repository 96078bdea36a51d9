"""Imports a file of existing bksb accounts: looks up each username and links it. Never creates an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bksb.deployment import Deployment
from bksb.errors import TransientError
from bksb.issues import ACCOUNT_ISSUES, IssueCode
from bksb.jobs.account_claims import claim_account, find_holder, read_accounts
from bksb.jobs.accounts.claim_obstacles import NOT_SETTLED, UNKNOWN_USERNAME, ClaimObstacles
from bksb.jobs.issues import replace_issues
from bksb.jobs.lookups import UsernameLookups
from bksb.jobs.outage import make_bksb_detector
from bksb.jobs.threads import split_into_batches
from bksb.model import Account, Person
from bksb.reporting.store import Store, Writer
from bksb.rules.account_file import AccountLine, RejectedLine
from bksb.rules.account_plan import make_plan
from bksb.rules.task_split import bucket_of

LINES_PER_BATCH = 200
"""Lines looked up and then written together. A crash loses at most one batch; import the file again to add it."""

SETTLED_BY_CLAIM: tuple[IssueCode, ...] = (*ACCOUNT_ISSUES, "stale_link")
"""Issues that a new link resolves. Only a mismatch with the username in the MIS can remain."""

UNKNOWN_PERSON = "neither the MIS nor an earlier run lists this person: correct the person_id"
REFUSED_USERNAME = "bksb cannot look up this username: correct it"
NO_ANSWER = "bksb did not answer: import the file again"
HAS_ANOTHER = (
    "this person already has another active account, which was not changed: find out which is right (relink corrects "
    "a link)"
)


@dataclass
class ImportReport:
    """What an import has done so far; in a dry run, what it would have done."""

    imported: int = 0
    linked_already: int = 0
    rejected: list[RejectedLine] = field(default_factory=list)


def import_accounts(
    deployment: Deployment, lines: Sequence[AccountLine], report: ImportReport, *, dry_run: bool = False
) -> None:
    """Look up the username of each line and link it to its person. Updates `report` after each batch.

    Each person and each username occurs at most once in `lines` (see rules.account_file). Sends only GET requests to
    bksb. Never changes an active account or an unfinished creation, so importing twice changes nothing. A dry run
    writes nothing.

    Raises KeyRefusedError at once, TransientError when bksb or a database is down, and any error from reading the MIS.
    Batches that were written before the error stay written.
    """
    people = {person.person_id: person for person in deployment.mis.read_people(deployment.today())}
    with deployment.open_store() as store, store.transaction():
        recorded = {row.person_id for row in store.run("people/list_recorded_people")}
    of_known_people = [line for line in lines if line.person_id in people or line.person_id in recorded]
    of_unknown_people = [line for line in lines if line.person_id not in people and line.person_id not in recorded]
    report.rejected += [line.rejected(UNKNOWN_PERSON) for line in of_unknown_people]
    importer = AccountImporter(deployment, people, report, dry_run=dry_run)
    for batch in split_into_batches(of_known_people, LINES_PER_BATCH):
        importer.import_batch(batch)


class AccountImporter:
    """One import: looks up a batch, then writes it while these people's buckets are locked."""

    def __init__(
        self, deployment: Deployment, people: Mapping[str, Person], report: ImportReport, *, dry_run: bool
    ) -> None:
        client = deployment.make_client()
        self._deployment = deployment
        self._lookups = UsernameLookups(client, make_bksb_detector(client))
        self._people = people
        self._obstacles = ClaimObstacles(people.values())
        self._report = report
        self._dry_run = dry_run
        self._taken: dict[int, str] = {}
        """person_id by bksb user id, for the users that this import has linked or, in a dry run, would link."""

    def import_batch(self, batch: Sequence[AccountLine]) -> None:
        """Look up and link these lines, then add the counts to the report."""
        looked_up = self._look_up(batch)
        imported = linked = 0
        rejected: list[RejectedLine] = []
        with self._deployment.open_store() as store:
            if not self._dry_run:
                store.lock_buckets({bucket_of(line.person_id) for line, _ in looked_up})
            # both writers read which accounts are free before they write: keep them out meanwhile
            writers = () if self._dry_run else (Writer.PLAN_ACCOUNTS, Writer.APPLY_PLAN)
            with store.transaction(*writers):
                accounts = read_accounts(store)
                for line, user_id in looked_up:
                    account = accounts.get(line.person_id)
                    if account and account.state == "active" and account.bksb_user_id == user_id:
                        linked += 1
                    elif reason := self._obstacle(store, accounts, line, user_id):
                        rejected.append(line.rejected(reason))
                    elif user_id is not None:
                        self._taken[user_id] = line.person_id
                        accounts[line.person_id] = make_imported_account(line.person_id, line.username, user_id)
                        imported += 1
                        if not self._dry_run:
                            self._claim(store, line, user_id)
        self._report.imported += imported
        self._report.linked_already += linked
        self._report.rejected += rejected

    def _look_up(self, batch: Sequence[AccountLine]) -> list[tuple[AccountLine, int | None]]:
        """Look up each username; reject lines without an answer, and return the others in the order of the file."""
        looked_up: list[tuple[AccountLine, int | None]] = []
        for line, outcome in self._lookups.look_up_all([(line, line.username) for line in batch]):
            if outcome.error is None:
                looked_up.append((line, outcome.user_id))
            else:
                reason = NO_ANSWER if isinstance(outcome.error, TransientError) else REFUSED_USERNAME
                self._report.rejected.append(line.rejected(reason))
        return sorted(looked_up, key=lambda pair: pair[0].number)

    def _obstacle(
        self, store: Store, accounts: Mapping[str, Account], line: AccountLine, user_id: int | None
    ) -> str | None:
        """Return why the bksb user cannot be linked to this person, or None."""
        account = accounts.get(line.person_id)
        if account and account.state == "creating":
            return NOT_SETTLED
        if user_id is None:
            return UNKNOWN_USERNAME
        if account and account.state == "active":
            return HAS_ANOTHER
        if reason := self._obstacles.find(accounts, line.person_id, line.username):
            return reason
        if holder := find_holder(store, line.person_id, line.username, user_id) or self._taken.get(user_id):
            return f"{holder} already has this account: find out who is right"
        return None

    def _claim(self, store: Store, line: AccountLine, user_id: int) -> None:
        claim_account(store, line.person_id, line.username, user_id, "imported")
        settle_issues(store, self._deployment, self._people.get(line.person_id), line.person_id, line.username, user_id)


def make_imported_account(person_id: str, username: str, user_id: int) -> Account:
    """Make the active account of a person from a username that staff gave."""
    return Account(person_id, username, user_id, "active", "imported")


def settle_issues(
    store: Store, deployment: Deployment, person: Person | None, person_id: str, username: str, user_id: int
) -> None:
    """Resolve the issues that a new link settles. `person` is None if the MIS does not list them now."""
    account = make_imported_account(person_id, username, user_id)
    issues = make_plan([person], [account]).issues if person else ()
    replace_issues(store, issues, deployment.day_start(), codes=SETTLED_BY_CLAIM, person_ids=[person_id])
