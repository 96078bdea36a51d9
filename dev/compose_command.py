"""./run compose: docker compose for the deployment, or for the whole product with invented people."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dev.connections import bksb_connection, mis_connection, reporting_connection, smtp_connection
from dev.services import ports
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.sandbox_server import SandboxServer

UP = ("up", "--detach", "--wait", "--build", "--scale", "worker=2")
"""What ./run compose sandbox does without arguments."""

PORTS = ("PORT", "SANDBOX_PORT")

POSTGRES_PORT = 5432
SMTP_PORT = 2525


def run_compose(clone: Clone, arguments: Sequence[str]) -> int:
    """Pass the arguments to docker compose, and return its exit code."""
    if not shutil.which("docker"):
        raise RunError("docker is not installed. Install Docker Engine with its compose plugin, then try again.")
    if arguments[:1] != ["sandbox"]:
        return _docker_compose(clone, arguments, {})
    variables = prepare_sandbox(clone)
    code = _docker_compose(
        clone, ["-f", "docker-compose.yml", "-f", "deploy/sandbox.yml", *(arguments[1:] or UP)], variables
    )
    if not arguments[1:] and code == 0:
        folder = Path(variables["SECRETS_FOLDER"])
        print(
            f"Airflow         http://127.0.0.1:{variables['PORT']}",
            f"user            admin, with the password in {folder / 'admin_password'}",
            f"simulated bksb  http://127.0.0.1:{variables['SANDBOX_PORT']}",
            "stop            ./run compose sandbox down",
            sep="\n",
        )
    return code


def _docker_compose(clone: Clone, arguments: Sequence[str], variables: dict[str, str]) -> int:
    # the .env file is about the deployment, not about the sandbox
    no_file = ["--env-file", os.devnull] if variables else []
    command = ["docker", "compose", *no_file, *arguments]
    return subprocess.run(command, cwd=clone.root, env=os.environ | variables, check=False).returncode


def prepare_sandbox(clone: Clone) -> dict[str, str]:
    """Make what the sandbox needs below .run/, unless it exists, and return the variables that lead there."""
    folder = clone.run / "compose"
    # containers read the configuration as a user of their own; .run/ is closed to other users of this machine
    for part, mode in (("files", 0o700), ("config", 0o755)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part).chmod(mode)
    name = f"bksb-sandbox-{hashlib.sha256(str(clone.root).encode()).hexdigest()[:8]}"
    chosen = _ports(folder / "ports.json")
    _make_secrets(clone, folder / "secrets")
    return {
        **chosen,
        "COMPOSE_PROJECT_NAME": name,
        "IMAGE_TAG": name,
        "BASE_URL": f"http://127.0.0.1:{chosen['PORT']}",
        "CONFIG_FOLDER": str(folder / "config"),
        "FILES_FOLDER": str(folder / "files"),
        "FILES_USER": str(os.getuid()),
        "SECRETS_FOLDER": str(folder / "secrets"),
        "TASK_HEARTBEAT_TIMEOUT": "30",
    }


def _ports(path: Path) -> dict[str, str]:
    """The ports of this clone on 127.0.0.1: free when they are chosen, and kept from then on."""
    if not path.exists():
        path.write_text(json.dumps(dict(zip(PORTS, map(str, ports.free_ports(len(PORTS))), strict=True))))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _make_secrets(clone: Clone, folder: Path) -> None:
    if subprocess.run(
        [clone.root / "deploy" / "make-secrets", folder], check=False, stdout=subprocess.DEVNULL
    ).returncode:
        raise RunError("the secrets could not be made. The reason is above.")
    _write_once(folder / "sandbox_mis_password", secrets.token_hex(24))
    _write_once(folder / "sandbox_keys", json.dumps([secrets.token_hex(16), secrets.token_urlsafe(32)]))
    access_key, secret_key = json.loads((folder / "sandbox_keys").read_text())
    server = SandboxServer("http://sandbox:8000", SMTP_PORT, access_key, secret_key)
    connections = {
        "bksb": bksb_connection(clone, server),
        "mis": mis_connection("mis-db", POSTGRES_PORT, "mis", (folder / "sandbox_mis_password").read_text()),
        "reporting": reporting_connection(
            "reporting-db", POSTGRES_PORT, "bksb_writer", (folder / "reporting_writer_password").read_text()
        ),
        "smtp_default": smtp_connection("sandbox", SMTP_PORT),
    }
    # JSON is YAML, too
    (folder / "connections.yaml").write_text(json.dumps(connections, indent=1))


def _write_once(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text)
        path.chmod(0o644)
