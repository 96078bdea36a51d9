"""Starts programs for one command. Ends them and their children, however the command ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil  # type: ignore[import-untyped]

from dev.services import interrupts
from dev.services.clone import ROOT
from dev.services.errors import RunError

GRACE_SECONDS = 5.0
"""Seconds that a program gets to end after SIGTERM, before SIGKILL."""

TAIL_LINES = 25
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class ProcessError(RunError):
    """A program failed, or ended too early. The text includes the end of its log."""


@dataclass(frozen=True)
class Program:
    """A started program. `name` is for messages."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or an empty string without the file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def die_with_parent() -> Callable[[], None] | None:
    """Makes Linux end a child process when its parent is killed. Other systems cannot do that."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def adopt_orphans() -> None:
    """Makes this process the parent of its orphaned descendants, on Linux.

    Then they can be ended and reaped, even if the container's init process does not reap.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end(processes: Sequence[psutil.Process], grace: float = GRACE_SECONDS) -> None:
    """Ends processes and all their descendants: SIGTERM for the processes, then SIGKILL for the rest."""
    family: dict[int, psutil.Process] = {}

    def note_descendants() -> None:
        for process in (*processes, *family.values()):
            try:
                family.update((child.pid, child) for child in process.children(recursive=True))
            except psutil.NoSuchProcess:
                continue

    note_descendants()
    for process in processes:
        _send(process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    living = await_end(processes, grace)
    note_descendants()
    living += await_end(list(family.values()), max(0.0, min(1.0, deadline - time.monotonic())))
    for process in living:
        _send(process, signal.SIGKILL)
    await_end(living, 5)


def await_end(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Waits up to `seconds` for processes to end, children or not. Returns those that still run."""
    deadline = time.monotonic() + seconds
    while (living := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return living


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs. A zombie does not: it has ended, and its parent has yet to notice."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)  # psutil checks that it is still the same process


class Programs:
    """The programs of one command, as a context manager that ends them."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[Program] = []
        self._before_exec = die_with_parent()

    def __enter__(self) -> Programs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with interrupts.held():
            end([*self._living(), *self._orphans()])
            for program in self._running:
                program.process.wait()
            self._running.clear()

    def _living(self) -> list[psutil.Process]:
        return [psutil.Process(program.process.pid) for program in self._running if program.process.poll() is None]

    def _orphans(self) -> list[psutil.Process]:
        """Processes that ended programs left running (see adopt_orphans)."""
        ended = {program.process.pid for program in self._running if program.process.poll() is not None}
        return [child for child in psutil.Process().children(recursive=True) if _group_of(child) in ended]

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> Program:
        """Starts a program in the repository's folder, in its own session, with a new log."""
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        with interrupts.held(), log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self._before_exec,
            )
            program = Program(name, process, log)
            self._running.append(program)
        return program

    def finish(self, program: Program) -> None:
        """Waits for a program to end. Raises ProcessError if it failed."""
        code = program.process.wait()
        self._running.remove(program)
        if code:
            raise _error_for(program, code)

    def check(self) -> None:
        """Raises ProcessError if a program has ended."""
        for program in self._running:
            code = program.process.poll()
            if code is not None:
                raise _error_for(program, code)


def _group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None


def _error_for(program: Program, code: int) -> ProcessError:
    return ProcessError(
        f"{program.name} ended with exit code {code}. Its log {program.log} ends with:\n{tail(program.log)}"
    )
