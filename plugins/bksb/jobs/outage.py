"""Distinguishes an outage of bksb or of the mail server from failures that concern one person."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from bksb.api.client import BksbClient
from bksb.errors import RejectedError, TransientError

CONSECUTIVE_FAILURES_LIMIT = 8
"""After this many consecutive failures, assume that the system is down, not that one person's details are bad."""


class OutageDetector:
    """A circuit breaker for one task: counts consecutive failures and stops the task when the system is down."""

    def __init__(self, system: str, probe: Callable[[], bool] = lambda: False) -> None:
        """`system` is the name for messages. `probe` makes a call that concerns no person; True if it was answered."""
        self._system = system
        self._probe = probe
        self._failures = 0
        self._has_answered = False

    def record(self, error: Exception | None) -> None:
        """Count the outcome for one person. Raises TransientError after too many consecutive TransientErrors."""
        if self._count(error):
            raise self._outage(error)

    def record_expected(self, error: Exception | None) -> bool:
        """Count the outcome for a person who got no answer last time either. Returns whether to try more such people.

        If another call was answered, or the probe is, failures of these people prove no outage: returns False, and the
        rest wait for the next run. Otherwise raises TransientError, as `record` does.
        """
        if not self._count(error):
            return True
        if self._has_answered or self._probe():
            return False
        raise self._outage(error)

    def _count(self, error: Exception | None) -> bool:
        """Count the outcome, and return whether the limit is reached."""
        if not isinstance(error, TransientError):
            self._failures, self._has_answered = 0, True
            return False
        self._failures += 1
        return self._failures >= CONSECUTIVE_FAILURES_LIMIT

    def _outage(self, last: Exception | None) -> TransientError:
        return TransientError(
            f"{self._system} gave no usable answer for {CONSECUTIVE_FAILURES_LIMIT} people in a row, so it is probably "
            f"down. The rest is left to the next try. The last error: {last}"
        )


def make_bksb_detector(client: BksbClient) -> OutageDetector:
    """Make the detector for calls to bksb. Its probe looks up a username that does not exist."""

    def probe() -> bool:
        try:
            client.username_exists(f"bksb-sync-{uuid.uuid4()}")
        except (RejectedError, TransientError):
            return False
        return True

    return OutageDetector("bksb", probe)
