"""./run sandbox: the pretend bksb and its mailbox without Airflow, for a person with a client to try."""

from __future__ import annotations

import json
import shlex
import time

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.sandbox_server import SandboxError, SandboxServer, first_sandbox, is_running
from dev.stage import bksb_connection
from sandbox.world import storage as world

LOOK_SECONDS = 0.5


def serve_alone(clone: Clone, learners: int | None, api_port: int | None) -> None:
    """Serves the sandbox until Ctrl-C, and says where it is. RunError if one of this clone runs already."""
    try:
        with first_sandbox(clone, api_port, learners) as sandbox:
            _announce(clone, sandbox)
            while is_running(sandbox, clone):
                time.sleep(LOOK_SECONDS)
            raise SandboxError(f"the sandbox server has ended. Its log is {clone.logs / 'sandbox.log'}.")
    except world.WorldMismatchError as error:
        raise RunError(str(error)) from None
    except interrupts.Interrupted:
        print("\nStopped.", flush=True)


def _announce(clone: Clone, sandbox: SandboxServer) -> None:
    connection = json.dumps(bksb_connection(clone, sandbox))
    print(
        f"pretend bksb  {sandbox.url}",
        f"faults        {sandbox.url}/faults",
        f"mailbox       {sandbox.mailbox_url} (SMTP on port {sandbox.smtp_port})",
        f"access key    {sandbox.access_key}",
        f"secret key    {sandbox.secret_key}",
        "\nFor Airflow:\n",
        f"AIRFLOW_CONN_BKSB={shlex.quote(connection)}",
        "\nServing until Ctrl-C.",
        sep="\n",
        flush=True,
    )
