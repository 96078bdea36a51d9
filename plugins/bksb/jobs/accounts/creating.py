"""Creates one bksb account. If the reply is unclear, checks whether the account exists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from bksb.api.client import BksbClient
from bksb.api.parsing import USERNAME_IS_TAKEN, CreatedUser, NewUser
from bksb.errors import KeyRefusedError, RejectedError, TransientError
from bksb.jobs.lookups import look_up
from bksb.model import Action, Person
from bksb.settings import Settings


@dataclass(frozen=True)
class CreationOutcome:
    """The created user, or the reason why there is none."""

    user: CreatedUser | None = None
    error: RejectedError | TransientError | None = None


@dataclass
class AccountCreator:
    """Creates accounts. Threads may share one instance."""

    client: BksbClient
    settings: Settings
    people: dict[str, Person]
    unfinished: Collection[str]
    """People with an earlier creation that bksb never confirmed: their account may exist."""

    sent: set[str] = field(default_factory=set)
    """person_id of each account that bksb may have created."""

    def create(self, action: Action) -> CreationOutcome:
        """Create one account. If the reply is unclear, look up the username instead of sending the creation again.

        Even a rejection is unclear: a proxy may have sent it although bksb created the account. Only "username is
        taken" is clear: the account belongs to someone else, unless our own earlier creation is unfinished.
        """
        new_user = self._make_user(action)  # raises if no password is set, so it comes before `sent`
        self.sent.add(action.person_id)
        try:
            return CreationOutcome(user=self.client.create_user(new_user))
        except KeyRefusedError:
            # without a valid key bksb creates nothing
            self.sent.discard(action.person_id)
            raise
        except (RejectedError, TransientError) as error:
            is_taken = isinstance(error, RejectedError) and error.reason == USERNAME_IS_TAKEN
            if is_taken and action.person_id not in self.unfinished:
                return CreationOutcome(error=error)
            found = look_up(self.client, action.username)
            if found.user_id is not None:
                return CreationOutcome(user=CreatedUser(found.user_id, action.username))
            return CreationOutcome(error=error if isinstance(error, TransientError) else found.error or error)

    def _make_user(self, action: Action) -> NewUser:
        person = self.people[action.person_id]
        return NewUser(
            username=action.username,
            given_names=person.given_names or "",
            family_name=person.family_name or "",
            email=person.email or "",
            password=self.settings.password_of(action.username),
            date_of_birth=person.date_of_birth if self.settings.send_date_of_birth else None,
            auto_enrol=self.settings.auto_enrol,
        )
