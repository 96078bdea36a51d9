"""Plans accounts: takes MIS people and known accounts, returns a plan. Never matches people by name or e-mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from bksb.model import Account, Action, Issue, Person, Plan, Transfer
from bksb.rules.emails import is_email

USERNAME_BYTES_LIMIT = 2000
"""Bytes of the longest username, in UTF-8. PostgreSQL's index accepts up to 2,700. bksb's own limit is not known; bksb
enforces it."""

Verdict = Literal["link", "create", "release", "username_taken", "username_not_found"]


def make_plan(people: Sequence[Person], accounts: Iterable[Account], due: Collection[str] = ()) -> Plan:
    """Plan how everyone in `people` gets an account, with an issue for each reason why someone cannot get one.

    `due`: the person_ids with a link to check again. The plan depends only on the arguments and is sorted by person_id.
    """
    known = {account.person_id: account for account in accounts}
    former = _FormerRecords(people, known)
    transfers = former.transfers()
    for transfer in transfers:
        known[transfer.person_id] = known.pop(transfer.former_person_id)
    moved = {transfer.person_id for transfer in transfers}
    conflicts = _Conflicts(people, known)
    actions: list[Action] = []
    issues: list[Issue] = []
    for person in people:
        account = known.get(person.person_id)
        if account and account.bksb_user_id is not None:
            if account.state != "stale":
                issues += _find_mismatch(person, account)
                continue
            # a stale account that is transferred in this run is linked again in the next one
            if not _is_other_username(person, account) or person.person_id in moved:
                continue
        obstacles = former.obstacles(person) or conflicts.obstacles(person)
        if account and account.state == "creating" and account.username:
            actions.append(_plan_settlement(person, account.username, hindered=bool(obstacles)))
            issues += obstacles
            continue
        username = person.bksb_username or person.proposed_username
        if obstacles or not username:
            issues += obstacles
        elif person.bksb_username:
            actions.append(Action(person.person_id, "link", username, "the MIS names this username"))
        else:
            actions.append(Action(person.person_id, "create", username, "eligible and without an account"))
    actions += _plan_unfinished_of_others(people, known)
    actions += _plan_checks(known, set(due) - {action.person_id for action in actions})
    return Plan(
        actions=tuple(sorted(actions, key=lambda action: action.person_id)),
        transfers=tuple(sorted(transfers, key=lambda transfer: transfer.person_id)),
        issues=tuple(sorted(issues, key=lambda issue: (issue.subject_key, issue.code))),
    )


def decide_after_lookup(action: Action, *, found: bool, unfinished: bool, link_existing: bool) -> Verdict:
    """Decide what to do when bksb has said whether `action.username` exists.

    `unfinished`: an earlier run began to create this username and broke off, so an existing user is the one we created.
    "release" means that it was not created. `link_existing`: the site has confirmed that an existing username belongs
    to the person.
    """
    if action.kind == "link":
        if found:
            return "link"
        return "release" if unfinished else "username_not_found"
    if not found:
        return "create"
    return "link" if unfinished or link_existing else "username_taken"


def still_holds(account: Account, found: int | None) -> bool:
    """Return whether a look-up confirms the link. `found` is the UserId that has the linked username, or None."""
    return found is not None and found == account.bksb_user_id


class _Conflicts:
    """Finds conflicts of one person's username or e-mail address with the rest of the extract."""

    def __init__(self, people: Sequence[Person], known: Mapping[str, Account]) -> None:
        self._emails = Counter(person.email.casefold() for person in people if person.email)
        self._stored = Counter(_casefold(p.bksb_username) for p in people if p.bksb_username)
        self._proposed = Counter(
            _casefold(person.proposed_username)
            for person in people
            if person.proposed_username
            and not person.bksb_username
            and known.get(person.person_id, _NO_ACCOUNT).bksb_user_id is None
        )
        self._holders = {
            _casefold(account.username): account.person_id for account in known.values() if account.username
        }

    def obstacles(self, person: Person) -> list[Issue]:
        """Return every reason, not just the first, why this person cannot be served now."""
        if person.bksb_username:
            return self._obstacles_to_linking(person, _casefold(person.bksb_username))
        return self._obstacles_to_creating(person)

    def _obstacles_to_linking(self, person: Person, username: str) -> list[Issue]:
        if _is_too_long(person.bksb_username):
            return [
                Issue.about(
                    person.person_id,
                    "username_not_found",
                    f"the username in the MIS has over {USERNAME_BYTES_LIMIT} bytes",
                )
            ]
        if self._stored[username] > 1 or self._held_by_another(person, username):
            return [Issue.about(person.person_id, "account_claimed_twice", "another person has the same username")]
        return []

    def _obstacles_to_creating(self, person: Person) -> list[Issue]:
        issues = []
        if not (person.given_names and person.family_name):
            issues.append(Issue.about(person.person_id, "no_name", "bksb needs given names and a family name"))
        if not is_email(person.email):
            what = "is missing" if person.email is None else "is not an address"
            issues.append(Issue.about(person.person_id, "no_email", f"the e-mail address in the MIS {what}"))
        elif person.email and self._emails[person.email.casefold()] > 1:
            issues.append(
                Issue.about(person.person_id, "duplicate_email", "another eligible person has the same e-mail address")
            )
        if not person.proposed_username:
            issues.append(Issue.about(person.person_id, "no_username", "the MIS query proposes no username"))
            return issues
        if _is_too_long(person.proposed_username):
            issues.append(
                Issue.about(
                    person.person_id, "no_username", f"the proposed username has over {USERNAME_BYTES_LIMIT} bytes"
                )
            )
            return issues
        username = _casefold(person.proposed_username)
        if self._proposed[username] > 1:
            issues.append(
                Issue.about(person.person_id, "account_claimed_twice", "two people would get the same username")
            )
        elif self._stored[username] or self._held_by_another(person, username):
            issues.append(
                Issue.about(person.person_id, "username_taken", "the proposed username belongs to another person")
            )
        return issues

    def _held_by_another(self, person: Person, username: str) -> bool:
        return self._holders.get(username, person.person_id) != person.person_id


class _FormerRecords:
    """Learners who were applicants under another person_id. Each of them needs one account, not two.

    An account is transferred only if nothing contradicts it. Until then neither of the two records gets a new one.
    """

    def __init__(self, people: Sequence[Person], known: Mapping[str, Account]) -> None:
        self._people = people
        self._known = known
        self._listed = {person.person_id for person in people}
        self._claims = Counter(person.former_person_id for person in people if person.former_person_id)
        self._became = {person.former_person_id: person.person_id for person in people if person.former_person_id}

    def transfers(self) -> list[Transfer]:
        return [
            Transfer(person.former_person_id, person.person_id)
            for person in self._people
            if person.former_person_id
            and self._account_of(person.former_person_id).bksb_user_id is not None
            and self._account_of(person.person_id).state in ("pending", "blocked")
            and not self.obstacles(person)
        ]

    def obstacles(self, person: Person) -> list[Issue]:
        """Return why this person can get neither the account of their other record nor a new one now."""
        became = self._became.get(person.person_id, person.person_id)
        if became != person.person_id and not person.bksb_username and self._has_or_may_have(became):
            detail = f"this applicant became learner {became}, who has the account: mark this record as transferred"
            return [Issue.about(person.person_id, "former_record_unsettled", detail)]
        former_id = person.former_person_id
        if former_id is None:
            return []
        former = self._account_of(former_id)
        if self._claims[former_id] > 1:
            return [
                Issue.about(
                    person.person_id, "account_claimed_twice", f"two people have the former_person_id {former_id}"
                )
            ]
        if former_id in self._listed:
            detail = f"the record of applicant {former_id} is still eligible: mark it as transferred in the MIS"
            return [Issue.about(person.person_id, "former_record_unsettled", detail)]
        if former.state == "creating" or (
            former.bksb_user_id is not None and self._account_of(person.person_id).state == "creating"
        ):
            detail = f"a creation for this person or applicant {former_id} broke off: the next run continues"
            return [Issue.about(person.person_id, "former_record_unsettled", detail)]
        # a stale account is transferred, and linked again later by the username in the MIS
        if former.bksb_user_id is not None and former.state != "stale" and person.bksb_username:
            return _find_mismatch(person, former)
        return []

    def _has_or_may_have(self, person_id: str) -> bool:
        account = self._account_of(person_id)
        return account.bksb_user_id is not None or account.state == "creating"

    def _account_of(self, person_id: str) -> Account:
        return self._known.get(person_id, _NO_ACCOUNT)


def _find_mismatch(person: Person, account: Account) -> list[Issue]:
    """Return an issue if the MIS stores another bksb username than the linked one: staff must decide which is right."""
    if _is_other_username(person, account):
        detail = "the MIS stores another bksb username than that of the linked account"
        return [Issue.about(person.person_id, "username_mismatch", detail)]
    return []


def _is_other_username(person: Person, account: Account) -> bool:
    return bool(person.bksb_username) and _casefold(person.bksb_username) != _casefold(account.username)


def _plan_checks(known: Mapping[str, Account], due: Collection[str]) -> list[Action]:
    return [
        Action(account.person_id, "check", account.username, "the link is due for a check")
        for account in known.values()
        if account.person_id in due and account.username and account.bksb_user_id is not None
    ]


def _plan_settlement(person: Person, username: str, *, hindered: bool) -> Action:
    """Plan how to settle a creation that broke off: look it up, and send it again only if it is still what we want."""
    wanted = person.proposed_username is not None and _casefold(person.proposed_username) == _casefold(username)
    kind: Literal["link", "create"] = "create" if wanted and not person.bksb_username and not hindered else "link"
    return Action(person.person_id, kind, username, "an earlier creation has to be settled")


def _plan_unfinished_of_others(people: Sequence[Person], known: Mapping[str, Account]) -> list[Action]:
    """Plan to look up unfinished creations of people who are no longer eligible. They are never sent again."""
    listed = {person.person_id for person in people}
    return [
        Action(account.person_id, "link", account.username, "an earlier creation has to be settled")
        for account in known.values()
        if account.state == "creating" and account.username and account.person_id not in listed
    ]


_NO_ACCOUNT = Account(person_id="", username=None, bksb_user_id=None, state="pending", origin=None)


def _is_too_long(username: str | None) -> bool:
    return len((username or "").encode("utf-8", "surrogatepass")) > USERNAME_BYTES_LIMIT


def _casefold(username: str | None) -> str:
    return (username or "").casefold()
