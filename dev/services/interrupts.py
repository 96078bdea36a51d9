"""Turns Ctrl-C, SIGTERM and SIGHUP into a clean exit, so that no process is left behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """A signal told this command to stop. The exit code is 128 + the signal's number, as in a shell."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class _Interrupts:
    """Raises Interrupted in the main thread on the first signal. Ignores later ones."""

    def __init__(self) -> None:
        self.holds = 0
        self.pending: int | None = None
        self.raised = False

    def receive(self, number: int, _frame: FrameType | None) -> None:
        if self.raised:
            return
        if self.holds:
            self.pending = number
            return
        self.raised = True
        raise Interrupted(number)

    def release(self) -> None:
        self.holds -= 1
        if self.pending is not None and not self.holds and not self.raised:
            self.raised = True
            raise Interrupted(self.pending)


_interrupts = _Interrupts()


def listen() -> None:
    """From now on, a signal raises Interrupted, so that finally clauses run."""
    for number in SIGNALS:
        signal.signal(number, _interrupts.receive)


@contextmanager
def held() -> Iterator[None]:
    """Delays a signal until the end of a step that must not be interrupted."""
    _interrupts.holds += 1
    try:
        yield
    finally:
        _interrupts.release()
