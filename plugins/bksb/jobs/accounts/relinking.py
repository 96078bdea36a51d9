"""Corrects a wrong link: gives a person another bksb account, found by its username."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bksb.api.client import BksbClient
from bksb.deployment import Deployment
from bksb.errors import ConfigurationError, RejectedError, TransientError
from bksb.issues import CHECK_ISSUES, INVITATION_ISSUES, RESULT_ISSUES
from bksb.jobs.account_claims import claim_account, find_holder, read_accounts, release_account
from bksb.jobs.accounts.claim_obstacles import NOT_SETTLED, UNKNOWN_USERNAME, ClaimObstacles
from bksb.jobs.accounts.importing import REFUSED_USERNAME, UNKNOWN_PERSON, settle_issues
from bksb.jobs.issues import replace_issues
from bksb.jobs.lookups import look_up
from bksb.jobs.summaries import summarise_people
from bksb.model import Account, Person
from bksb.reporting.store import Store, Writer
from bksb.rules.account_file import find_fault
from bksb.rules.task_split import bucket_of

FromHolder = Literal["swap", "take"]
"""What happens to the person who has the account: they exchange accounts (swap), or lose theirs (take)."""


@dataclass(frozen=True)
class Relink:
    """What a relink changes, or would change in a dry run. Users are bksb user ids; None means no account."""

    person_id: str
    old_user_id: int | None
    new_user_id: int
    is_renamed: bool = False
    """Whether the user stays the same and only its username changes."""

    holder: str | None = None
    """The person who had the account before."""

    holder_gets: int | None = None

    @property
    def is_change(self) -> bool:
        """False if the person has that account already."""
        return self.old_user_id != self.new_user_id


@dataclass(frozen=True)
class _Claim:
    person_id: str
    username: str
    user_id: int


def relink(
    deployment: Deployment,
    person_id: str,
    username: str,
    *,
    from_holder: FromHolder | None = None,
    dry_run: bool = False,
) -> Relink:
    """Link the person to the bksb user with this username, instead of the user that is linked now.

    The old link is withdrawn: it stays in the history, but its results no longer count for the person. If another
    person has the account, `from_holder` says what happens to that person. The next run of bksb_accounts plans an
    account for a person who is left without one. The summaries of all people involved are updated. If the person has
    that user already, only the username is updated. A dry run writes nothing.

    Raises ConfigurationError with the reason, and changes nothing, if the person or the username is unknown, if another
    person has the account and `from_holder` is None, or if another rule forbids the link. Raises TransientError when
    bksb or a database does not answer.
    """
    username = username.strip()
    if fault := find_fault(person_id, username):
        raise _refusal(fault)
    people = {person.person_id: person for person in deployment.mis.read_people(deployment.today())}
    client = deployment.make_client()
    user_id = _require_user(client, username)
    wanted = _Claim(person_id, username, user_id)
    with deployment.open_store() as store:
        with store.transaction():
            _require_person(store, people, person_id)
            holder = find_holder(store, person_id, username, user_id)
            old = read_accounts(store).get(person_id)
        if holder and from_holder == "swap":
            _require_known_username(client, old, holder)
        if not dry_run:
            store.lock_buckets({bucket_of(one) for one in (person_id, holder) if one})
        writers = () if dry_run else (Writer.PLAN_ACCOUNTS, Writer.APPLY_PLAN, Writer.PUBLISH_RESULTS)
        with store.transaction(*writers):
            accounts = read_accounts(store)
            if find_holder(store, person_id, username, user_id) != holder or accounts.get(person_id) != old:
                raise TransientError("The accounts changed in the meantime. Nothing was changed: try again.")
            claims = _plan_claims(people, accounts, wanted, holder, from_holder)
            result = Relink(
                person_id,
                old_user_id=old.bksb_user_id if old else None,
                new_user_id=user_id,
                is_renamed=old is not None and old.bksb_user_id == user_id and not _is_active_under(old, username),
                holder=holder,
                holder_gets=next((claim.user_id for claim in claims if claim.person_id == holder), None),
            )
            if not dry_run and result.is_renamed:
                store.run("accounts/rename_account", person_id=person_id, bksb_user_id=user_id, username=username)
                settle_issues(store, deployment, people.get(person_id), person_id, username, user_id)
            elif not dry_run and result.is_change:
                _exchange(store, deployment, people, accounts, claims, holder)
    return result


def _is_active_under(account: Account, username: str) -> bool:
    return account.state == "active" and (account.username or "").casefold() == username.casefold()


def _require_user(client: BksbClient, username: str) -> int:
    outcome = look_up(client, username)
    if isinstance(outcome.error, RejectedError):
        raise _refusal(REFUSED_USERNAME)
    if outcome.error is not None:
        raise outcome.error
    if outcome.user_id is None:
        raise _refusal(UNKNOWN_USERNAME)
    return outcome.user_id


def _require_person(store: Store, people: Mapping[str, Person], person_id: str) -> None:
    if person_id not in people and person_id not in {row.person_id for row in store.run("people/list_recorded_people")}:
        raise _refusal(UNKNOWN_PERSON)


def _require_known_username(client: BksbClient, old: Account | None, holder: str) -> None:
    """Raise unless the username of the old account still leads to that account, so that it can be exchanged."""
    if old and old.bksb_user_id is not None and old.username:
        outcome = look_up(client, old.username)
        if outcome.error is not None:
            raise outcome.error
        if outcome.user_id != old.bksb_user_id:
            raise _refusal(
                f"bksb no longer knows the account of {old.person_id} under its username, so it cannot be given to "
                f"{holder}: relink {holder} to the right username first"
            )


def _plan_claims(
    people: Mapping[str, Person],
    accounts: Mapping[str, Account],
    wanted: _Claim,
    holder: str | None,
    from_holder: FromHolder | None,
) -> list[_Claim]:
    """List which person gets which account. ConfigurationError if one of them is not allowed."""
    claims = [wanted]
    if holder:
        _require_takeable(accounts[holder], wanted, from_holder)
        old = accounts.get(wanted.person_id)
        if from_holder == "swap" and old and old.bksb_user_id is not None and old.username:
            claims.append(_Claim(holder, old.username, old.bksb_user_id))
    obstacles = ClaimObstacles(people.values())
    for claim in claims:
        account = accounts.get(claim.person_id)
        named = people[claim.person_id].bksb_username if claim.person_id in people else None
        if account and account.state == "creating":
            raise _refusal(f"{claim.person_id}: {NOT_SETTLED}")
        if reason := obstacles.find(accounts, claim.person_id, claim.username):
            raise _refusal(f"{claim.person_id}: {reason}")
        if named and named.casefold() != claim.username.casefold():
            # the next run would link the person to that username again
            raise _refusal(f"{claim.person_id}: the MIS stores another bksb username: correct it in the MIS first")
    return claims


def _require_takeable(held: Account, wanted: _Claim, from_holder: FromHolder | None) -> None:
    """Raise unless the account may be taken from the person who has it."""
    if from_holder is None:
        raise _refusal(
            f"{held.person_id} has this account. Add --swap if the two people have each other's account, or --take "
            f"to leave {held.person_id} without one"
        )
    if held.state == "creating":
        raise _refusal(f"{held.person_id}: {NOT_SETTLED}")
    if held.bksb_user_id != wanted.user_id:
        raise _refusal(
            f"{held.person_id} is linked under this username to another bksb user ({held.bksb_user_id}): relink "
            f"{held.person_id} first"
        )


def _exchange(
    store: Store,
    deployment: Deployment,
    people: Mapping[str, Person],
    accounts: Mapping[str, Account],
    claims: list[_Claim],
    holder: str | None,
) -> None:
    users = {claim.user_id for claim in claims}
    for person_id in filter(None, (claims[0].person_id, holder)):
        account = accounts.get(person_id)
        if account and account.bksb_user_id is not None:
            users.add(account.bksb_user_id)
            release_account(store, person_id, account.bksb_user_id)
            # these issues are about the account that the person no longer has
            codes = (*CHECK_ISSUES, *RESULT_ISSUES, *INVITATION_ISSUES)
            replace_issues(store, (), deployment.day_start(), codes=codes, person_ids=[person_id])
    for claim in claims:
        if other := claim_account(store, claim.person_id, claim.username, claim.user_id, "imported"):
            raise _refusal(f"{other} has this account: relink {other} first")
        settle_issues(store, deployment, people.get(claim.person_id), claim.person_id, claim.username, claim.user_id)
    involved = {row.person_id for row in store.run("accounts/list_people_of_users", bksb_user_ids=sorted(users))}
    summarise_people(store, deployment.settings, sorted(involved))


def _refusal(reason: str) -> ConfigurationError:
    return ConfigurationError(f"Nothing was changed: {reason}.")
