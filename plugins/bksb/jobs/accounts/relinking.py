"""Corrects a link that turned out to be wrong: a person gets another bksb account, by its username."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bksb.deployment import Deployment
from bksb.errors import ConfigurationError, RejectedError, TransientError
from bksb.jobs.account_claims import claim_account, find_holder, read_accounts, release_account
from bksb.jobs.accounts.claim_obstacles import NOT_SETTLED, UNKNOWN_USERNAME, ClaimObstacles
from bksb.jobs.accounts.importing import REFUSED_USERNAME, UNKNOWN_PERSON, settle_issues
from bksb.jobs.lookups import look_up
from bksb.jobs.summaries import summarise_people
from bksb.model import Account, Person
from bksb.reporting.store import Store, Writer
from bksb.rules.task_split import bucket_of


@dataclass(frozen=True)
class Relink:
    """What a relink changes, or would change. Users are bksb user ids; None: no account."""

    person_id: str
    old_user_id: int | None
    new_user_id: int
    other_person_id: str | None = None
    """The person who gives the account away, and gets PERSON's old one."""

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
    deployment: Deployment, person_id: str, username: str, *, swap: bool = False, dry_run: bool = False
) -> Relink:
    """Link the person to the bksb user with this username, in place of the user that is linked now.

    The old link is withdrawn: it stays in the history, but its results no longer count for the person. If another
    person holds the account, `swap` is needed: the two people then exchange their accounts. If the first person has
    none, the other one is left without, for the next run of bksb_accounts to plan. The summaries of everybody concerned
    are brought up to date. A dry run writes nothing.

    Raises ConfigurationError, with the reason and nothing changed, for a person or username that is unknown, for an
    account that another person holds (without `swap`), and for whatever else speaks against it; TransientError when
    bksb or a database gives no answer.
    """
    people = {person.person_id: person for person in deployment.mis.read_people(deployment.today())}
    user_id = _require_user(deployment, username)
    with deployment.open_store() as store:
        with store.transaction():
            _require_person(store, people, person_id)
            holder = find_holder(store, person_id, username, user_id)
            _check_old_account(deployment, read_accounts(store).get(person_id), holder)
        if not dry_run:
            store.lock_buckets({bucket_of(one) for one in (person_id, holder) if one})
        writers = () if dry_run else (Writer.PLAN_ACCOUNTS, Writer.APPLY_PLAN, Writer.PUBLISH_RESULTS)
        with store.transaction(*writers):
            accounts = read_accounts(store)
            if find_holder(store, person_id, username, user_id) != holder:
                raise TransientError("The accounts changed in the meantime, and nothing was done: try again.")
            claims = _plan_claims(people, accounts, _Claim(person_id, username, user_id), holder, swap=swap)
            old = accounts.get(person_id)
            result = Relink(person_id, old.bksb_user_id if old else None, user_id, holder)
            if not dry_run and (result.is_change or (old and old.username != username)):
                _carry_out(store, deployment, people, accounts, claims, holder)
    return result


def _require_user(deployment: Deployment, username: str) -> int:
    outcome = look_up(deployment.make_client(), username)
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


def _check_old_account(deployment: Deployment, old: Account | None, holder: str | None) -> None:
    """Before an exchange, the account that is given away must still be the one we know."""
    if holder and old and old.bksb_user_id is not None and old.username:
        outcome = look_up(deployment.make_client(), old.username)
        if outcome.error is not None:
            raise outcome.error
        if outcome.user_id != old.bksb_user_id:
            raise _refusal(
                f"bksb no longer knows the account of {old.person_id} under its username, so it cannot be given to "
                f"{holder}: relink {holder} to the right username first"
            )


def _plan_claims(
    people: Mapping[str, Person], accounts: Mapping[str, Account], wanted: _Claim, holder: str | None, *, swap: bool
) -> list[_Claim]:
    """Which person claims which account; ConfigurationError if something speaks against one of the claims."""
    old = accounts.get(wanted.person_id)
    claims = [wanted]
    if holder:
        others = accounts[holder]
        if not swap:
            raise _refusal(
                f"the account is that of {holder}: if the accounts of the two people were mixed up, add --swap"
            )
        if others.state == "creating":
            raise _refusal(f"{holder}: {NOT_SETTLED}")
        if others.bksb_user_id != wanted.user_id:
            raise _refusal(
                f"{holder} is linked under this username to another bksb user ({others.bksb_user_id}): relink {holder} "
                "first"
            )
        if old and old.bksb_user_id is not None and old.username:
            claims.append(_Claim(holder, old.username, old.bksb_user_id))
    obstacles = ClaimObstacles(people.values())
    for claim in claims:
        account = accounts.get(claim.person_id)
        reason = NOT_SETTLED if account and account.state == "creating" else None
        if reason := reason or obstacles.find(accounts, claim.person_id, claim.username):
            raise _refusal(f"{claim.person_id}: {reason}")
    return claims


def _carry_out(
    store: Store,
    deployment: Deployment,
    people: Mapping[str, Person],
    accounts: Mapping[str, Account],
    claims: list[_Claim],
    holder: str | None,
) -> None:
    new_users = {claim.person_id: claim.user_id for claim in claims}
    users = set(new_users.values())
    for person_id in filter(None, (claims[0].person_id, holder)):
        account = accounts.get(person_id)
        if account and account.bksb_user_id is not None:
            users.add(account.bksb_user_id)
            is_same_user = account.bksb_user_id == new_users.get(person_id)
            release_account(store, person_id, wrong_user_id=None if is_same_user else account.bksb_user_id)
    for claim in claims:
        if other := claim_account(store, claim.person_id, claim.username, claim.user_id, "imported"):
            raise _refusal(f"the account is that of {other}")
        settle_issues(store, deployment, people.get(claim.person_id), claim.person_id, claim.username, claim.user_id)
    concerned = {row.person_id for row in store.run("accounts/list_people_of_users", bksb_user_ids=sorted(users))}
    summarise_people(store, deployment.settings, sorted(concerned))


def _refusal(reason: str) -> ConfigurationError:
    return ConfigurationError(f"Nothing was changed: {reason}.")
