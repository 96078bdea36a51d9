"""./run airflow: any Airflow command, in the same surroundings as the demo's."""

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
from dev.connections import has_own_connections, sandbox_variables
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.databases import prepare_databases, prepare_everything
from dev.services.errors import RunError
from dev.services.locks import FileLock
from dev.services.processes import Programs, die_with_parent, end
from dev.services.sharing import SharedServices

WITHOUT_SCHEDULER = (("dags", "test"), ("tasks", "test"))
"""Commands that carry out a run themselves."""

DEFAULT_PORT = 8080
SECONDS_TO_OBEY = 10.0


def run_airflow(clone: Clone, arguments: Sequence[str]) -> int:
    """Runs the command to its end; its exit code, its terminal and its signals are the caller's own.

    RunError if it would carry out a run while the scheduler of a demo does the same.
    """
    with closing(FileLock(clone.scheduler_lock)) as scheduler, SharedServices(clone) as services:
        if tuple(arguments[:2]) in WITHOUT_SCHEDULER and not scheduler.try_share():
            raise RunError(
                "./run demo is running in this folder, and its scheduler would carry out the same run at the same "
                "time. End the demo first, or trigger the run in the demo's Airflow."
            )
        server = services.postgres()
        variables: Mapping[str, str] = {}
        if has_own_connections():
            prepare_databases(server, clone)
        else:
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
        with _passing_on_signals(process) as told_to_end:
            while (code := _ended_within(process, 0.5)) is None:
                # `airflow dags test` is deaf to SIGTERM once a task has run in its process
                if told_to_end and time.monotonic() > told_to_end[0] + SECONDS_TO_OBEY:
                    end([psutil.Process(process.pid)])
    return code if code >= 0 else 128 - code


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def _passing_on_signals(process: subprocess.Popen[bytes]) -> Iterator[list[float]]:
    """A signal to this process is meant for the command; Ctrl-C on a terminal reaches it without us.

    Gives a list that holds the times (monotonic) at which the command was told to end.
    """
    on_terminal = sys.stdin.isatty()
    told_to_end: list[float] = []

    def pass_on(number: int, _frame: object) -> None:
        told_to_end.append(time.monotonic())
        if number != signal.SIGINT or not on_terminal:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in interrupts.SIGNALS}
    try:
        yield told_to_end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
