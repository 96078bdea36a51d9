"""Why a bksb account that a member of staff names for a person cannot become theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bksb.model import Account, Person

UNKNOWN_USERNAME = "bksb does not know this username: correct it"
NOT_SETTLED = "a creation for this person is not settled: the next run of bksb_accounts settles it; then try again"


class ClaimObstacles:
    """What the MIS and the accounts of other people say against a claim."""

    def __init__(self, people: Iterable[Person]) -> None:
        """`people` are those that the MIS lists now."""
        self._people = {person.person_id: person for person in people}
        self._named: dict[str, set[str]] = defaultdict(set)
        for person in self._people.values():
            if person.bksb_username:
                self._named[person.bksb_username.casefold()].add(person.person_id)

    def find(self, accounts: Mapping[str, Account], person_id: str, username: str) -> str | None:
        """The reason as a sentence that says what to do; None if nothing speaks against it."""
        account = accounts.get(person_id)
        person = self._people.get(person_id)
        former = accounts.get(person.former_person_id or "") if person else None
        has_no_user = account is None or account.bksb_user_id is None
        if former and has_no_user and (former.bksb_user_id is not None or former.state == "creating"):
            return (
                f"this learner was applicant {former.person_id}, who has an account: the next run of bksb_accounts "
                "settles that first"
            )
        if others := self._named.get(username.casefold(), set()) - {person_id}:
            return f"the MIS gives this username to {min(others)}: find out who is right"
        return None
