"""./run test: all tests in two processes side by side, or in one those that the arguments of pytest choose."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.processes import die_with_parent

FIRST_HALF = ("tests/dev", "tests/dags", "tests/airflow", "tests/cli")
"""What one process tests; the other one tests the rest, which takes about as long."""

FIRST_HALF_OF_LONG = ("tests/whole_runs",)
"""The same with --long."""

LONG = {
    "BKSB_BACKFILL_DAYS": "60",
    "BKSB_BACKFILL_LEARNERS": "1000",
    "BKSB_FAULTY_LEARNERS": "10000",
    "BKSB_KILL_ALL": "1",
    "BKSB_MODEL_EXAMPLES": "300",
    "BKSB_WALK_STEPS": "1000",
}
"""The sizes of tests with --long, unless the caller's environment has others."""


def run_suite(clone: Clone, arguments: Sequence[str]) -> int:
    """Runs the tests; the exit code. With --long also those marked so, and all at their full size."""
    chosen = [argument for argument in arguments if argument != "--long"]
    options: list[str] = []
    first_half: tuple[str, ...] = FIRST_HALF
    if "--long" in arguments:
        os.environ.update(LONG | os.environ)
        options = ["-m", ""]  # in place of "not long" in pyproject.toml
        first_half = FIRST_HALF_OF_LONG
    if chosen:
        return _run_here([*options, *chosen])
    return _run_side_by_side(clone, [*options, "--durations=10"], first_half)


def _run_here(arguments: list[str]) -> int:
    import pytest

    for number in interrupts.SIGNALS:
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C: fixtures clean up
    return pytest.main(arguments)


def _run_side_by_side(clone: Clone, options: list[str], first_half: tuple[str, ...]) -> int:
    """The tests wait a lot, so two processes keep two cores busy. What the second one says comes at the end."""
    rest = [f"--ignore={folder}" for folder in first_half]
    with tempfile.TemporaryFile() as output:
        halves = [_start(clone, [*options, *first_half], None), _start(clone, [*options, *rest], output)]
        try:
            codes = [half.wait() for half in halves]
        except interrupts.Interrupted:
            for half in halves:
                half.send_signal(signal.SIGINT)
            for half in halves:
                half.wait()
            raise
        finally:
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    return max(codes)


def _start(clone: Clone, arguments: list[str], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [clone.python, "-m", "dev.commands", "test", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches it once, through the caller
        preexec_fn=die_with_parent(),
    )
