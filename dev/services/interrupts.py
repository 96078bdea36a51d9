"""Turns Ctrl-C, SIGTERM and SIGHUP into one orderly end, so that no process stays behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """This command was asked to end. The exit code is the shell's: 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class _Interrupts:
    """The first signal raises Interrupted in the main thread, later ones are ignored."""

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
    """From here on a signal ends the command through its finally clauses."""
    for number in SIGNALS:
        signal.signal(number, _interrupts.receive)


@contextmanager
def held() -> Iterator[None]:
    """Lets a step finish that must not be cut in two; a signal meanwhile is acted on right after it."""
    _interrupts.holds += 1
    try:
        yield
    finally:
        _interrupts.release()
