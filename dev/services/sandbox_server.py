"""Runs the simulated bksb and mailbox (sandbox.server) in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import requests

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import end, is_alive, tail

MODULE = "sandbox.server"
START_SECONDS = 300


class SandboxError(RunError):
    """The sandbox server did not start, or stopped. The text says why, or includes the end of its log."""


@dataclass(frozen=True)
class SandboxServer:
    """The addresses of the running sandbox, and the keys that its bksb accepts."""

    url: str
    smtp_port: int
    access_key: str
    secret_key: str

    @property
    def mailbox_url(self) -> str:
        return f"{self.url}/mailbox"


def start_sandbox(clone: Clone, api_port: int | None) -> SandboxServer:
    """The clone's running sandbox, or a new one on the given or any free port. Only one caller at a time.

    Raises SandboxError if a sandbox already runs on another port.
    """
    process = sandbox_process(clone)
    if process is None:
        process = _launch(clone, api_port)
    server = _await(clone, process)
    if api_port and not server.url.endswith(f":{api_port}"):
        raise SandboxError(
            f"a sandbox of this folder already runs at {server.url}. Use it, or stop the command that runs it."
        )
    return server


def stop_sandbox(clone: Clone) -> None:
    """Stops the sandbox if it runs."""
    process = sandbox_process(clone)
    if process:
        end([process])


def sandbox_process(clone: Clone) -> psutil.Process | None:
    """The sandbox process of this clone, if it runs."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []  # a zombie has none
        if MODULE in command and str(clone.sandbox) in command:
            return process
    return None


def _launch(clone: Clone, api_port: int | None) -> psutil.Process:
    (clone.sandbox / "server.json").unlink(missing_ok=True)
    clone.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with interrupts.held(), (clone.logs / "sandbox.log").open("wb") as output:
        # may outlive this process, because another command may still use it
        return psutil.Popen(
            [clone.python, "-m", MODULE, "--data", clone.sandbox, "--api-port", str(api_port or 0)],
            cwd=clone.root,
            env=dict(os.environ) | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await(clone: Clone, process: psutil.Process) -> SandboxServer:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and is_alive(process):
        server = _read(clone)
        if server and _answers(server):
            return server
        time.sleep(0.02)
    log = clone.logs / "sandbox.log"
    raise SandboxError(f"the sandbox server did not start. Its log {log} ends with:\n{tail(log)}")


def _read(clone: Clone) -> SandboxServer | None:
    try:
        fields = json.loads((clone.sandbox / "server.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return SandboxServer(fields["url"], fields["smtp_port"], fields["access_key"], fields["secret_key"])


def _answers(server: SandboxServer) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(f"{server.url}/_sandbox/state", timeout=10).ok
    except requests.RequestException:
        return False
