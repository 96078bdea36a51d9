"""Locks between the ./run commands of one clone; the kernel gives them back when their holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """One advisory lock on one file: shared by many holders, or exclusive to one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a")

    def share(self) -> None:
        """Waits while it is held exclusively, then holds it together with others."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_share(self) -> bool:
        """Holds it together with others, and says whether that was possible at once."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Holds it alone, and says whether that was possible at once. If not, a share of it is lost too."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Lets go of it."""
        self._file.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, and holds it exclusively inside the context."""
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
