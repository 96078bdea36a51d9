"""Finds reasons not to link a bksb account to the person that staff name for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bksb.model import Account, Person

UNKNOWN_USERNAME = "bksb does not know this username: correct it"
NOT_SETTLED = (
    "an account creation for this person is unfinished: wait for the next run of bksb_accounts, then try again"
)


class ClaimObstacles:
    """Checks a claim against the MIS and the accounts of other people."""

    def __init__(self, people: Iterable[Person]) -> None:
        """`people`: everyone the MIS lists now."""
        self._people = {person.person_id: person for person in people}
        self._owners_in_mis: dict[str, set[str]] = defaultdict(set)
        for person in self._people.values():
            if person.bksb_username:
                self._owners_in_mis[person.bksb_username.casefold()].add(person.person_id)

    def find(self, accounts: Mapping[str, Account], person_id: str, username: str) -> str | None:
        """Return the reason and what to do about it, or None if the account can be linked."""
        account = accounts.get(person_id)
        person = self._people.get(person_id)
        former = accounts.get(person.former_person_id or "") if person else None
        has_no_user = account is None or account.bksb_user_id is None
        if former and has_no_user and (former.bksb_user_id is not None or former.state == "creating"):
            return (
                f"this learner was applicant {former.person_id}, who has an account: wait for the next run of "
                "bksb_accounts, then try again"
            )
        if others := self._owners_in_mis.get(username.casefold(), set()) - {person_id}:
            return f"the MIS stores this username for {min(others)}: find out who is right"
        return None
