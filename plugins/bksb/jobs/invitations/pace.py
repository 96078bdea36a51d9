"""The clock and the pace of sending."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """The current time and how to wait, replaceable so that a test can set the hour."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pace:
    """Spreads messages evenly, so that no minute exceeds the limit of the mail server."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._seconds = 60.0 / per_minute
        self._clock = clock
        self._next = float("-inf")

    def wait(self) -> None:
        """Sleep until the next message may be sent."""
        early = self._next - self._clock.monotonic()
        if early > 0:
            self._clock.sleep(early)
        self._next = max(self._next, self._clock.monotonic()) + self._seconds
