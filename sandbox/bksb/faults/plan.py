"""The faults that are on: for which calls and people, how often and how long. Nothing here knows HTTP."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from sandbox.bksb.faults.catalogue import KINDS, Fault, Stage


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a call is about, as far as it says: a user id, a username (in lower case), both or neither.

    Dice depend on its text: with another name of the class or of a field they fall otherwise for the same seed.
    """

    user_id: int | None = None
    username: str = ""

    def is_meant_by(self, user: int | str | None) -> bool:
        if user is None:
            return True
        if isinstance(user, int):
            return user == self.user_id
        return user.lower() == self.username or user == str(self.user_id)


NO_CALLER = Caller()


@dataclass(slots=True)
class ActiveFault:
    """A fault that is on: its number on the list, and how many responses it has spoilt."""

    number: int
    fault: Fault
    played: int = 0
    _asked: Counter[tuple[str, Caller]] = field(default_factory=Counter, repr=False)

    @property
    def is_used_up(self) -> bool:
        return self.fault.times is not None and self.played >= self.fault.times

    def throw_dice(self, seed: int, call: str, caller: Caller) -> bool:
        """Whether the dice fall for the fault. They depend on how often which person was asked about with which call,
        not on what happens to others meanwhile."""
        if self.fault.probability >= 1:
            return True
        self._asked[call, caller] += 1
        throw = f"{seed}/{self.number}/{call}/{caller}/{self._asked[call, caller]}"
        share = int.from_bytes(blake2b(throw.encode(), digest_size=8).digest()) / 2**64
        return share < self.fault.probability


class FaultPlan:
    """The faults of one site. Safe to use from many threads; the same faults strike again for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.is_idle = True
        """Whether no fault can strike. Every call looks at this first."""
        self._lock = threading.Lock()
        self._active: list[ActiveFault] = []
        self._next_number = 1
        self._played: Counter[str] = Counter()
        self._readings: dict[tuple[str, Caller], dict[str, Fault]] = {}

    def add(self, *faults: Fault) -> None:
        """Switches faults on; they act from the next call on, in the order in which they were added."""
        with self._lock:
            for fault in faults:
                self._active.append(ActiveFault(self._next_number, fault))
                self._next_number += 1
            self._readings.clear()
            self.is_idle = not self._active

    def clear(self) -> None:
        """Switches everything off, and starts counts and dice afresh."""
        with self._lock:
            self._active.clear()
            self._readings.clear()
            self._played.clear()
            self._next_number = 1
            self.is_idle = True

    def remove(self, number: int) -> bool:
        """Switches one fault off; whether it was on."""
        with self._lock:
            left = [one for one in self._active if one.number != number]
            found = len(left) < len(self._active)
            self._active = left
            self._readings.clear()
            self.is_idle = not left
            return found

    def list_active(self) -> tuple[ActiveFault, ...]:
        """The faults that are on, in the order in which they were added; one that has lasted its times is not."""
        with self._lock:
            return tuple(self._active)

    def count_played(self) -> dict[str, int]:
        """How many responses (of a listing: readings) each kind has spoilt since the plan was cleared."""
        with self._lock:
            return dict(self._played)

    def list_candidates(self, stage: Stage, call: str, caller: Caller) -> list[ActiveFault]:
        """The faults that may strike this call at this stage; `strikes` decides."""
        if self.is_idle:
            return []
        with self._lock:
            return [
                one
                for one in self._active
                if KINDS[one.fault.kind].stage == stage
                and call in (one.fault.calls or KINDS[one.fault.kind].calls)
                and caller.is_meant_by(one.fault.user)
            ]

    def strikes(self, candidate: ActiveFault, call: str, caller: Caller) -> bool:
        """Whether the fault strikes now; if so, it is counted."""
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
        """The first fault of the stage that strikes now."""
        for candidate in self.list_candidates(stage, call, caller):
            if self.strikes(candidate, call, caller):
                return candidate.fault
        return None

    def _update_idle(self) -> None:
        """A fault that is used up still holds for the readings that began under it."""
        self.is_idle = not self._active and not any(self._readings.values())

    def settle_reading(self, call: str, caller: Caller, page: int, size: int, total: int) -> dict[str, Fault]:
        """The faults of one reading of a listing, by kind: settled at page 1, and the same for its later pages.

        A fault counts only if it can show in a listing of `total` results on pages of `size`.
        """
        if self.is_idle:
            return {}
        if page > 1 and (call, caller) in self._readings:
            return self._readings[call, caller]
        candidates = self.list_candidates("listing", call, caller)
        struck = {
            one.fault.kind: one.fault
            for one in candidates
            if _can_show(one.fault, size, total) and self.strikes(one, call, caller)
        }
        with self._lock:
            self._readings.pop((call, caller), None)
            if candidates:
                self._readings[call, caller] = struck
            self._update_idle()
        return struck


def _can_show(fault: Fault, size: int, total: int) -> bool:
    if fault.kind in ("shifting_pages", "changing_total"):
        return total > size
    if fault.kind == "capped_page":
        return total > fault.page_cap
    return total > 0 or fault.kind not in ("total_too_low", "endless_same", "repeated_last_page")
