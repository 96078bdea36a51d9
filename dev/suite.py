"""./run test."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from dev.services import interrupts
from dev.services.clone import Clone


def run_suite(_clone: Clone, arguments: Sequence[str]) -> int:
    """All tests, or those asked for. Every signal ends them as Ctrl-C does: fixtures clean up."""
    import pytest

    for number in interrupts.SIGNALS:
        signal.signal(number, signal.default_int_handler)
    return pytest.main(list(arguments))
