"""The controls of the simulated bksb: how it answers calls, and counts of the calls it received."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.plan import FaultPlan


class SiteControls:
    """How a site answers, and counts of its calls. Thread-safe."""

    def __init__(self) -> None:
        self.latency = 0.0
        """Seconds that every call waits before its response."""
        self.behaviour = Behaviour()
        """How calls are answered where bksb's real behaviour is unknown. May be replaced at any time."""
        self.faults = FaultPlan()
        """The faults that are switched on. None at first."""
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._in_flight = 0
        self._peak = 0

    @contextmanager
    def count_call(self, name: str) -> Iterator[None]:
        """Count a call. It is in flight until the block ends."""
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
        """Number of times each call was made since the counters were reset."""
        with self._counting:
            return dict(self._calls)

    @property
    def peak_concurrency(self) -> int:
        """Maximum number of calls in flight at one time since the counters were reset."""
        return self._peak

    def reset_counters(self) -> None:
        """Set the counters to zero. The peak starts at the number of calls in flight."""
        with self._counting:
            self._calls.clear()
            self._peak = self._in_flight
