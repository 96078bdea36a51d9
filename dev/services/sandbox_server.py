"""Runs the pretend bksb and mailbox (sandbox.server) for as long as some ./run command of this clone needs them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import requests

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import end, tail
from dev.services.sharing import InUseError, shared
from sandbox.files import write_private
from sandbox.world.storage import load_or_create

START_SECONDS = 60


class SandboxError(RunError):
    """The sandbox server did not start, or ended; the text says why, or has the end of its log."""


@dataclass(frozen=True)
class SandboxServer:
    """Where the running sandbox listens, and the keys that its bksb accepts."""

    url: str
    smtp_port: int
    access_key: str
    secret_key: str

    @property
    def mailbox_url(self) -> str:
        return f"{self.url}/mailbox"


@contextmanager
def first_sandbox(clone: Clone, api_port: int | None, learners: int | None) -> Iterator[SandboxServer]:
    """The sandbox server of the clone, on that port or a free one; refused if one runs already. Others may join.

    WorldMismatchError if the clone holds another number of learners.
    """

    def start() -> SandboxServer:
        load_or_create(clone.sandbox, learners)
        return _start(clone, api_port)

    with ExitStack() as stack:
        try:
            server = stack.enter_context(shared(clone.locks, "sandbox", start, lambda: stop_sandbox(clone), first=True))
        except InUseError:
            running = _read(clone)
            where = f" at {running.url}" if running else ""
            raise SandboxError(
                f"a sandbox of this folder is running already{where}: use that one, or end the command that runs it."
            ) from None
        yield server


@contextmanager
def shared_sandbox(clone: Clone) -> Iterator[SandboxServer]:
    """The sandbox server of the clone: the first user starts it, the last one to leave stops it."""
    with shared(clone.locks, "sandbox", lambda: _start(clone), lambda: stop_sandbox(clone)) as server:
        yield server


def is_running(server: SandboxServer, clone: Clone) -> bool:
    """Whether this server, and not a later one, is still there."""
    return _running(clone) is not None and _read(clone) == server


def _start(clone: Clone, api_port: int | None = None) -> SandboxServer:
    process = _running(clone)
    if process:
        server = _read(clone)
        if server and _answers(server):
            return server
        end([process])
    told = clone.sandbox / "server.json"
    told.unlink(missing_ok=True)
    clone.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = clone.logs / "sandbox.log"
    with interrupts.held(), log.open("wb") as output:
        # no tie to this process's life: a second user may need the server after this one has left
        started = subprocess.Popen(
            [clone.python, "-m", "sandbox.server", "--data", clone.sandbox, "--api-port", str(api_port or 0)],
            cwd=clone.root,
            env=dict(os.environ) | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        identity = {"pid": started.pid, "created": psutil.Process(started.pid).create_time()}
        write_private(clone.locks / "sandbox.pid", json.dumps(identity))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        server = _read(clone)
        if server and _answers(server):
            return server
        time.sleep(0.02)
    raise SandboxError(f"the sandbox server did not start. Its log {log} ends with:\n{tail(log)}")


def stop_sandbox(clone: Clone) -> None:
    """Stops the server if it runs, whoever started it."""
    process = _running(clone)
    if process:
        end([process])
    (clone.locks / "sandbox.pid").unlink(missing_ok=True)


def _running(clone: Clone) -> psutil.Process | None:
    try:
        identity = json.loads((clone.locks / "sandbox.pid").read_text())
        process = psutil.Process(identity["pid"])
        same = abs(process.create_time() - identity["created"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def _read(clone: Clone) -> SandboxServer | None:
    try:
        told = json.loads((clone.sandbox / "server.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return SandboxServer(told["url"], told["smtp_port"], told["access_key"], told["secret_key"])


def _answers(server: SandboxServer) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(f"{server.url}/_sandbox/state", timeout=10).ok
    except requests.RequestException:
        return False
