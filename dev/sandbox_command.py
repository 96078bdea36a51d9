"""./run sandbox: serves the simulated bksb and its mailbox, without Airflow."""

from __future__ import annotations

import json
import shlex
import time

from dev.connections import bksb_connection
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import is_alive
from dev.services.sandbox_server import SandboxError, SandboxServer, sandbox_process
from dev.services.sharing import SharedServices
from sandbox.world import storage as world

POLL_SECONDS = 0.5


def serve_sandbox(clone: Clone, learners: int | None, api_port: int | None) -> None:
    """Prints the addresses and keys of the sandbox, and serves it until Ctrl-C. Joins a sandbox that already runs.

    Raises RunError if that one has another number of learners or another port.
    """
    try:
        world.load_or_create(clone.sandbox, learners)
    except world.WorldMismatchError as error:
        raise RunError(str(error)) from None
    try:
        with SharedServices(clone) as services:
            sandbox = services.sandbox(api_port)
            process = sandbox_process(clone)
            _announce(clone, sandbox)
            while process and is_alive(process):
                time.sleep(POLL_SECONDS)
            raise SandboxError(f"the sandbox server has stopped. See its log: {clone.logs / 'sandbox.log'}")
    except interrupts.Interrupted:
        print("\nStopped.", flush=True)


def _announce(clone: Clone, sandbox: SandboxServer) -> None:
    connection = json.dumps(bksb_connection(clone, sandbox))
    print(
        f"simulated bksb  {sandbox.url}",
        f"faults          {sandbox.url}/faults",
        f"mailbox         {sandbox.mailbox_url} (SMTP on port {sandbox.smtp_port})",
        f"access key      {sandbox.access_key}",
        f"secret key      {sandbox.secret_key}",
        "\nFor Airflow:\n",
        f"export AIRFLOW_CONN_BKSB={shlex.quote(connection)}",
        "\nServing until Ctrl-C.",
        sep="\n",
        flush=True,
    )
