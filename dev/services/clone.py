"""The folders of this clone, and its random passwords and keys."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.services.locks import FileLock
from sandbox.files import write_private

ROOT = Path(__file__).resolve().parents[2]


def random_password() -> str:
    return secrets.token_urlsafe(18)


def random_signing_key() -> str:
    return secrets.token_urlsafe(64)


def random_fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Clone:
    """The folders of one clone. Everything that is created at run time is under .run/."""

    root: Path = ROOT

    @property
    def run(self) -> Path:
        return self.root / ".run"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def locks(self) -> Path:
        return self.run / "locks"

    @property
    def scheduler_lock(self) -> Path:
        """Held exclusively by a demo, or shared by commands that execute tasks without a scheduler."""
        return self.locks / "scheduler"

    @property
    def postgres(self) -> Path:
        return self.run / "postgres"

    @property
    def airflow(self) -> Path:
        return self.run / "airflow"

    @property
    def sandbox(self) -> Path:
        return self.run / "sandbox"

    @property
    def no_config(self) -> Path:
        """An empty folder for BKSB_CONFIG, so that a site's own files are not used."""
        folder = self.run / "no-config"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def secrets_file(self) -> Path:
        return self.run / "secrets.json"

    @property
    def python(self) -> Path:
        return self.run / "venv" / "bin" / "python"

    def secret(self, name: str, make: Callable[[], str] = random_password) -> str:
        """The secret of that name. It is created at random on first use and kept in a file with mode 0600."""
        with FileLock(self.locks / "secrets").held():
            kept: dict[str, str] = {}
            if self.secrets_file.exists():
                kept = json.loads(self.secrets_file.read_text())
            if name not in kept:
                kept[name] = make()
                write_private(self.secrets_file, json.dumps(kept, indent=1))
            return kept[name]
