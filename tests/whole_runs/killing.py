"""Runs whole runs in processes that kill themselves at a boundary: a server forks one process for each case.

The server has imported everything, so that a case begins in milliseconds; it has no threads, so that forking is safe.
`python -m tests.whole_runs.killing` is that server: a case comes in as a line of JSON, what became of it goes out as
one.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from sandbox.server import Sandbox
from tests.conftest import SETTINGS, client_of, fields_of, mailer_of, repository
from tests.runs import run_accounts, run_results
from tests.whole_runs.edges import watched

WORK: dict[str, Callable[..., Any]] = {"accounts": run_accounts, "results": run_results}
"""The work that can be killed: functions of (deployment, run_id)."""


@dataclass(frozen=True)
class Case:
    """One process: what it works on, and at which boundary it dies, if at all.

    A boundary is given by its number (from 0, in the order of arrival), or by its name: the first so named.
    """

    work: str
    reporting: str
    mis: str
    url: str
    access_key: str
    secret_key: str
    smtp_port: int
    run_id: str = "manual__1"
    dies_at: int | str | None = None

    @classmethod
    def of(cls, work: str, reporting: str, mis: str, sandbox: Sandbox) -> Self:
        """A case on two databases, given by their DSNs, and a running sandbox."""
        return cls(work, reporting, mis, sandbox.url, sandbox.access_key, sandbox.secret_key, sandbox.smtp_port)

    def again(self, run_id: str) -> Case:
        """The same work once more, and this time to its end."""
        return replace(self, run_id=run_id, dies_at=None)


@dataclass(frozen=True)
class Fate:
    """What became of a process: the boundaries it reached, whether SIGKILL ended it, and its traceback if it failed."""

    reached: tuple[str, ...]
    killed: bool
    failure: str | None


def deployment_of(case: Case) -> Deployment:
    """What the tasks of this case get: the one place to change when a deployment gets a further neighbour."""
    return Deployment(
        settings=replace(SETTINGS, sources=("initial", "diagnostic", "v5")),
        mis=Mis(
            fields_of(case.mis, "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"}),
            SQL_FOLDER / "mis" / "eligible_learners.sql",
        ),
        reporting=fields_of(case.reporting, "reporting"),
        make_client=lambda: client_of(case),
        open_mailer=lambda: mailer_of(case),
    )


class KillingServers:
    """A few forking servers, for as many threads as there are servers; more threads wait for one that is free."""

    def __init__(self, servers: int) -> None:
        self._count = servers
        self._free: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        for _ in range(self._count):
            server = subprocess.Popen(
                [sys.executable, "-m", "tests.whole_runs.killing"],
                cwd=repository(),
                env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._started.append(server)
            self._free.put(server)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._started:
            server.communicate()

    def run(self, case: Case) -> Fate:
        """Runs a case until its process has ended."""
        server = self._free.get()
        try:
            assert server.stdin and server.stdout
            server.stdin.write(json.dumps(asdict(case)) + "\n")
            server.stdin.flush()
            return _fate(json.loads(server.stdout.readline()))
        finally:
            self._free.put(server)


def _fate(told: dict[str, Any]) -> Fate:
    return Fate(tuple(told["reached"]), told["status"] == -signal.SIGKILL, told["failure"])


def serve() -> None:
    """Forks a process for each line of standard input, one at a time."""
    for line in sys.stdin:
        case = Case(**json.loads(line))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _live(case, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = [json.loads(word) for word in pipe]
        _, status = os.waitpid(child, 0)
        answer = {
            "status": os.waitstatus_to_exitcode(status),
            "reached": [word["reached"] for word in told if "reached" in word],
            "failure": next((word["failure"] for word in told if "failure" in word), None),
        }
        print(json.dumps(answer), flush=True)


def _live(case: Case, pipe: int) -> None:
    """The life of one forked process; does not return."""
    status = 1
    try:
        with watched(_Countdown(case.dies_at, pipe)):
            WORK[case.work](deployment_of(case), case.run_id)
        status = 0
    except BaseException:
        _tell(pipe, failure=traceback.format_exc())
    finally:
        os._exit(status)


class _Countdown:
    """Numbers the boundaries as they are reached, from whichever thread, and ends the process at the given one."""

    def __init__(self, dies_at: int | str | None, pipe: int) -> None:
        self._dies_at = dies_at
        self._pipe = pipe
        self._reached = 0
        self._lock = threading.Lock()

    def __call__(self, boundary: str) -> None:
        with self._lock:
            _tell(self._pipe, reached=boundary)
            if self._dies_at in (self._reached, boundary):
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()
            self._reached += 1


def _tell(pipe: int, **word: str) -> None:
    os.write(pipe, json.dumps(word).encode() + b"\n")


if __name__ == "__main__":
    serve()
