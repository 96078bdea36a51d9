"""./run test: runs all tests in two processes, or the tests that pytest arguments select in one process."""

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
"""Folders that the first process tests. The second tests the rest, which takes about as long."""

FIRST_HALF_OF_LONG = ("tests/whole_runs",)
"""The same for --long."""

LONG = {
    "BKSB_BACKFILL_DAYS": "60",
    "BKSB_BACKFILL_LEARNERS": "1000",
    "BKSB_FAULTY_LEARNERS": "10000",
    "BKSB_KILL_ALL": "1",
    "BKSB_MODEL_EXAMPLES": "300",
    "BKSB_WALK_STEPS": "1000",
}
"""Sizes of the long tests. The caller's environment overrides them."""


def run_suite(clone: Clone, arguments: Sequence[str]) -> int:
    """Runs the tests and returns the exit code. --long adds the tests marked long, at their full size."""
    chosen = [argument for argument in arguments if argument != "--long"]
    options: list[str] = []
    first_half: tuple[str, ...] = FIRST_HALF
    if "--long" in arguments:
        os.environ.update(LONG | os.environ)
        options = ["-m", ""]  # overrides "not long" in pyproject.toml
        first_half = FIRST_HALF_OF_LONG
    if chosen:
        return _run_here([*options, *chosen])
    return _run_side_by_side(clone, [*options, "--durations=10"], first_half)


def _run_here(arguments: list[str]) -> int:
    import pytest

    for number in interrupts.SIGNALS:
        signal.signal(number, signal.default_int_handler)  # acts like Ctrl-C, so that fixtures clean up
    return pytest.main(arguments)


def _run_side_by_side(clone: Clone, options: list[str], first_half: tuple[str, ...]) -> int:
    """Prints the output of the second process at the end. Tests wait a lot, so two processes keep two cores busy."""
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
        start_new_session=True,  # gets Ctrl-C from the caller only
        preexec_fn=die_with_parent(),
    )
