"""Decides which faults strike a call. Knows nothing of HTTP."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from sandbox.bksb.faults.catalogue import KINDS, Fault, Stage


@dataclass(frozen=True, slots=True)
class Caller:
    """The person that a call names: a user id, a username in lower case, both or neither.

    `throw_dice` hashes its repr: renaming the class or a field changes which faults strike for a seed.
    """

    user_id: int | None = None
    username: str = ""

    def matches(self, user: int | str | None) -> bool:
        if user is None:
            return True
        if isinstance(user, int):
            return user == self.user_id
        return user.lower() == self.username or user == str(self.user_id)


NO_CALLER = Caller()


@dataclass(slots=True)
class ActiveFault:
    """A fault that is on: its number in the list, and how many times it has struck."""

    number: int
    fault: Fault
    played: int = 0
    _asked: Counter[tuple[str, Caller]] = field(default_factory=Counter, repr=False)

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.played >= self.fault.times

    def throw_dice(self, seed: int, call: str, caller: Caller) -> bool:
        """Return whether the fault strikes, by its probability. The outcome depends only on the seed, the call, the
        person, and how many times this call named this person. Other people's calls do not change it."""
        if self.fault.probability >= 1:
            return True
        self._asked[call, caller] += 1
        throw = f"{seed}/{self.number}/{call}/{caller}/{self._asked[call, caller]}"
        share = int.from_bytes(blake2b(throw.encode(), digest_size=8).digest()) / 2**64
        return share < self.fault.probability


class FaultPlan:
    """The faults of one site. Thread-safe. The same seed makes the same faults strike."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.is_idle = True
        """Whether no fault can strike. Read without the lock at the start of every call."""
        self._lock = threading.Lock()
        self._active: list[ActiveFault] = []
        self._next_number = 1
        self._played: Counter[str] = Counter()
        self._readings: dict[tuple[str, Caller], dict[str, Fault]] = {}

    def add(self, *faults: Fault) -> None:
        """Switch faults on. They act from the next call, in the order they were added."""
        with self._lock:
            for fault in faults:
                self._active.append(ActiveFault(self._next_number, fault))
                self._next_number += 1
            self._readings.clear()
            self.is_idle = not self._active

    def clear(self) -> None:
        """Switch all faults off, and reset the counts and the dice."""
        with self._lock:
            self._active.clear()
            self._readings.clear()
            self._played.clear()
            self._next_number = 1
            self.is_idle = True

    def remove(self, number: int) -> bool:
        """Switch a fault off. Returns False if it was not on."""
        with self._lock:
            left = [one for one in self._active if one.number != number]
            found = len(left) < len(self._active)
            self._active = left
            self._readings.clear()
            self.is_idle = not left
            return found

    def list_active(self) -> tuple[ActiveFault, ...]:
        """Return the faults that are on, in the order they were added. A fault that is used up is off."""
        with self._lock:
            return tuple(self._active)

    def count_played(self) -> dict[str, int]:
        """Return how many times each kind has struck since the plan was cleared."""
        with self._lock:
            return dict(self._played)

    def list_candidates(self, stage: Stage, call: str, caller: Caller) -> list[ActiveFault]:
        """Return the faults that can strike this call at this stage. `strikes` decides whether they do."""
        if self.is_idle:
            return []
        with self._lock:
            return [
                one
                for one in self._active
                if KINDS[one.fault.kind].stage == stage
                and call in (one.fault.calls or KINDS[one.fault.kind].calls)
                and caller.matches(one.fault.user)
            ]

    def strikes(self, candidate: ActiveFault, call: str, caller: Caller) -> bool:
        """Return whether the fault strikes now, and count it if so."""
        with self._lock:
            if candidate.is_used_up or not candidate.throw_dice(self.seed, call, caller):
                return False
            candidate.played += 1
            self._played[candidate.fault.kind] += 1
            if candidate.is_used_up:
                self._active = [one for one in self._active if not one.is_used_up]
                self._update_idle()
            return True

    def find_first(self, stage: Stage, call: str, caller: Caller) -> Fault | None:
        """Return the first fault of the stage that strikes now, if any."""
        for candidate in self.list_candidates(stage, call, caller):
            if self.strikes(candidate, call, caller):
                return candidate.fault
        return None

    def _update_idle(self) -> None:
        # A fault that is used up still applies to the readings it has begun.
        self.is_idle = not self._active and not any(self._readings.values())

    def settle_reading(self, call: str, caller: Caller, page: int, size: int, total: int) -> dict[str, Fault]:
        """Return the faults of one reading of a listing, by kind. Page 1 decides for all pages.

        A fault strikes only if it is visible in a listing of `total` results on pages of `size`.
        """
        if self.is_idle:
            return {}
        if page > 1 and (call, caller) in self._readings:
            return self._readings[call, caller]
        candidates = self.list_candidates("listing", call, caller)
        struck = {
            one.fault.kind: one.fault
            for one in candidates
            if _is_visible(one.fault, size, total) and self.strikes(one, call, caller)
        }
        with self._lock:
            self._readings.pop((call, caller), None)
            if candidates:
                self._readings[call, caller] = struck
            self._update_idle()
        return struck


def _is_visible(fault: Fault, size: int, total: int) -> bool:
    if fault.kind in ("shifting_pages", "changing_total"):
        return total > size
    if fault.kind == "capped_page":
        return total > fault.page_cap
    return total > 0 or fault.kind not in ("total_too_low", "endless_same", "repeated_last_page")
