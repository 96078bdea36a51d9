"""PostgreSQL and the simulated bksb of one clone, shared by its ./run commands."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import Self

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.locks import FileLock
from dev.services.postgres.server import Postgres
from dev.services.sandbox_server import SandboxServer, start_sandbox, stop_sandbox


class SharedServices:
    """The services of a clone, as a context manager for each command. The last command to leave stops them.

    Every command holds a shared lock, and only one that gets it exclusively stops the services. The kernel releases
    the lock of a killed command, so the next command stops what that one left running.
    """

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._users = FileLock(clone.locks / "services")
        self._starting = FileLock(clone.locks / "starting")

    def __enter__(self) -> Self:
        if self._users.try_exclusive():
            _stop(self._clone)
        self._users.share()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with interrupts.held():
            if self._users.try_exclusive():
                _stop(self._clone)
            self._users.close()
            self._starting.close()

    def postgres(self) -> Postgres:
        """The running server. Starts it if necessary."""
        with self._starting.held():
            return Postgres(self._clone.postgres).start()

    def sandbox(self, api_port: int | None = None) -> SandboxServer:
        """The running sandbox. Starts it if necessary, on the given or any free port."""
        with self._starting.held():
            return start_sandbox(self._clone, api_port)


def erase(clone: Clone) -> None:
    """Deletes the data of this clone, not its environment. Raises RunError if another command uses the services."""
    users = FileLock(clone.locks / "services")
    if not users.try_exclusive():
        raise RunError("another ./run command of this clone is using the services. Stop it, then use --reset again.")
    _stop(clone)
    for folder in (clone.postgres, clone.airflow, clone.sandbox, clone.logs):
        shutil.rmtree(folder, ignore_errors=True)
    clone.secrets_file.unlink(missing_ok=True)
    users.close()


def _stop(clone: Clone) -> None:
    stop_sandbox(clone)
    Postgres(clone.postgres).stop()
