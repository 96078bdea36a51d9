"""./run airflow: runs an Airflow command with the settings and connections of the demo, or on your own connections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import psutil  # type: ignore[import-untyped]

from dev.airflow.processes import (
    airflow_environment,
    finish_metadata,
    metadata_is_ready,
    start_metadata,
)
from dev.connections import announce_sandbox, has_own_connections, sandbox_variables
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.databases import prepare_databases, prepare_everything
from dev.services.errors import RunError
from dev.services.locks import FileLock
from dev.services.processes import Programs, die_with_parent, end
from dev.services.sharing import SharedServices

COMMANDS_WITHOUT_SCHEDULER = (("dags", "test"), ("tasks", "test"))
"""Commands that execute tasks themselves."""

DEFAULT_PORT = 8080
SECONDS_TO_STOP = 10.0
"""Seconds that the command gets to stop after a signal, before it is killed."""


def run_airflow(clone: Clone, arguments: Sequence[str]) -> int:
    """Runs the command in the foreground, on the caller's terminal, and returns its exit code.

    Raises RunError if the command executes tasks while a demo is running.
    """
    with closing(FileLock(clone.scheduler_lock)) as scheduler, SharedServices(clone) as services:
        if tuple(arguments[:2]) in COMMANDS_WITHOUT_SCHEDULER and not scheduler.try_share():
            raise RunError(
                "./run demo is running in this folder, and its scheduler would execute the same run. "
                "Stop the demo first, or trigger the run in the demo's Airflow."
            )
        server = services.postgres()
        variables: Mapping[str, str] = {}
        if has_own_connections():
            prepare_databases(server, clone)
        else:
            announce_sandbox()
            prepare_everything(server, clone)
            variables = sandbox_variables(server, clone, services.sandbox())
        environment = airflow_environment(clone, server, DEFAULT_PORT, variables)
        if not metadata_is_ready(server):
            with Programs(clone.logs) as programs:
                finish_metadata(programs, start_metadata(programs, clone, environment), server)
        return _run_in_foreground([str(clone.python), "-m", "airflow", *arguments], environment)


def _run_in_foreground(command: Sequence[str], environment: Mapping[str, str]) -> int:
    with interrupts.held():
        process = subprocess.Popen(
            command, env=dict(environment), cwd=os.environ["RUN_CALLED_FROM"], preexec_fn=die_with_parent()
        )
        with _forwarded_signals(process) as signalled_at:
            while (code := _ended_within(process, 0.5)) is None:
                # `airflow dags test` ignores SIGTERM once a task has run in its process
                if signalled_at and time.monotonic() > signalled_at[0] + SECONDS_TO_STOP:
                    end([psutil.Process(process.pid)])
    return code if code >= 0 else 128 - code


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def _forwarded_signals(process: subprocess.Popen[bytes]) -> Iterator[list[float]]:
    """Forwards signals to the command. Ctrl-C on a terminal is not forwarded, because the command receives it anyway.

    Yields a list of the times (monotonic) of the signals.
    """
    on_terminal = sys.stdin.isatty()
    signalled_at: list[float] = []

    def forward(number: int, _frame: object) -> None:
        signalled_at.append(time.monotonic())
        if number != signal.SIGINT or not on_terminal:
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in interrupts.SIGNALS}
    try:
        yield signalled_at
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
