"""What a test sets and reads on the pretend bksb beside its contents: how it answers calls, and which calls it got."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.plan import FaultPlan


class SiteControls:
    """How a site answers, and counts of its calls. Safe to use from many threads."""

    def __init__(self) -> None:
        self.latency = 0.0
        """Seconds that every call takes before it is answered."""
        self.behaviour = Behaviour()
        """How calls are answered where the evidence leaves it open; may be replaced at any time."""
        self.faults = FaultPlan()
        """What goes wrong, for which people and how often; nothing at first."""
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._in_flight = 0
        self._peak = 0

    @contextmanager
    def count_call(self, name: str) -> Iterator[None]:
        """Counts a call, which is in flight until the block ends."""
        with self._counting:
            self._calls[name] += 1
            self._in_flight += 1
            self._peak = max(self._peak, self._in_flight)
        try:
            yield
        finally:
            with self._counting:
                self._in_flight -= 1

    @property
    def calls(self) -> dict[str, int]:
        """How often each call was made since the counters were reset."""
        with self._counting:
            return dict(self._calls)

    @property
    def peak_concurrency(self) -> int:
        """The most calls that were in flight at one time since the counters were reset."""
        return self._peak

    def reset_counters(self) -> None:
        """Starts counting again from zero; calls that are in flight still count for the peak."""
        with self._counting:
            self._calls.clear()
            self._peak = self._in_flight
