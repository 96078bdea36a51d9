"""Locks between the ./run commands of one clone. The kernel releases them when their holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An advisory lock on a file: shared by several holders, or exclusive to one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a")

    def share(self) -> None:
        """Takes a shared lock. Waits while another holder has an exclusive one."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_share(self) -> bool:
        """Takes a shared lock if that needs no waiting. Returns whether it did."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Takes an exclusive lock if that needs no waiting. Returns whether it did; if not, a shared lock is lost."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Releases the lock."""
        self._file.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for an exclusive lock, and holds it inside the context."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
