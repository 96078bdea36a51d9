"""The people who are eligible now, read from the MIS at most a minute ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bksb.deployment import Deployment
from bksb.jobs.invitations.pace import Clock
from bksb.model import Person
from bksb.rules.emails import is_email

MIS_FRESH_SECONDS = 60.0
"""Maximum age, in seconds, of the MIS reading that a message may rely on."""


@dataclass(frozen=True)
class Eligible:
    """One reading of the MIS."""

    people: Mapping[str, Person] = field(default_factory=dict)
    """By person_id."""

    emails: Mapping[str, int] = field(default_factory=Counter, repr=False)
    """How many people have each address."""

    def obstacle(self, person: Person) -> str | None:
        """Return why this person cannot be mailed at the address in the MIS, or None."""
        if not is_email(person.email):
            return "the MIS has no usable e-mail address: enter one"
        if person.email and self.emails[person.email.casefold()] > 1:
            return "another eligible person has the same e-mail address: give each their own in the MIS"
        return None


class EligibleReader:
    """Reads the MIS again when the last reading is too old."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._read_at = float("-inf")
        self._eligible = Eligible()

    def latest(self) -> Eligible:
        """The last reading, however old."""
        return self._eligible if self._read_at > float("-inf") else self.now()

    def now(self) -> Eligible:
        """A reading that is at most a minute old."""
        asked_at = self._clock.monotonic()
        if asked_at - self._read_at > MIS_FRESH_SECONDS:
            # today, even if the run began yesterday
            people = self._deployment.mis.read_people(self._deployment.today())
            emails = Counter(person.email.casefold() for person in people if person.email)
            self._eligible = Eligible({person.person_id: person for person in people}, emails)
            self._read_at = asked_at
        return self._eligible
