"""Whole runs in processes that kill themselves at a boundary. A server forks one process for each case.

The server has imported everything, so that a case starts in milliseconds. It has no threads, so that forking is safe.
`python -m tests.whole_runs.killing` is that server. It reads a case as a line of JSON, and writes its fate as another.
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
"""The runs that can be killed: functions of (deployment, run_id)."""


@dataclass(frozen=True)
class Case:
    """One process: what it runs, and the boundary at which it dies, if any.

    `dies_at` is the number of a boundary (from 0, in the order reached), or a name: the first boundary of that name.
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
        """Return a case on two databases, given by their DSNs, and a running sandbox."""
        return cls(work, reporting, mis, sandbox.url, sandbox.access_key, sandbox.secret_key, sandbox.smtp_port)

    def again(self, run_id: str) -> Case:
        """Return the same case, to be run to its end."""
        return replace(self, run_id=run_id, dies_at=None)


@dataclass(frozen=True)
class Fate:
    """How a process ended: the boundaries it reached, whether SIGKILL ended it, and its traceback if it failed."""

    reached: tuple[str, ...]
    killed: bool
    failure: str | None


def deployment_of(case: Case) -> Deployment:
    """Return the deployment for the tasks of a case."""
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
    """Several forking servers. Each runs one case at a time; threads wait for a free one."""

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
        """Run a case until its process has ended."""
        server = self._free.get()
        try:
            assert server.stdin and server.stdout
            server.stdin.write(json.dumps(asdict(case)) + "\n")
            server.stdin.flush()
            return _fate(json.loads(server.stdout.readline()))
        finally:
            self._free.put(server)


def _fate(answer: dict[str, Any]) -> Fate:
    return Fate(tuple(answer["reached"]), answer["status"] == -signal.SIGKILL, answer["failure"])


def serve() -> None:
    """Fork a process for each line of standard input, one at a time."""
    for line in sys.stdin:
        case = Case(**json.loads(line))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _run_and_exit(case, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            reports = [json.loads(line) for line in pipe]
        _, status = os.waitpid(child, 0)
        answer = {
            "status": os.waitstatus_to_exitcode(status),
            "reached": [report["reached"] for report in reports if "reached" in report],
            "failure": next((report["failure"] for report in reports if "failure" in report), None),
        }
        print(json.dumps(answer), flush=True)


def _run_and_exit(case: Case, pipe: int) -> None:
    """Run a case in a forked process. Does not return."""
    status = 1
    try:
        with watched(_Countdown(case.dies_at, pipe)):
            WORK[case.work](deployment_of(case), case.run_id)
        status = 0
    except BaseException:
        _report(pipe, failure=traceback.format_exc())
    finally:
        os._exit(status)


class _Countdown:
    """Counts the boundaries that any thread reaches, and kills the process at the given one."""

    def __init__(self, dies_at: int | str | None, pipe: int) -> None:
        self._dies_at = dies_at
        self._pipe = pipe
        self._reached = 0
        self._lock = threading.Lock()

    def __call__(self, boundary: str) -> None:
        with self._lock:
            _report(self._pipe, reached=boundary)
            if self._dies_at in (self._reached, boundary):
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()
            self._reached += 1


def _report(pipe: int, **report: str) -> None:
    os.write(pipe, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    serve()
