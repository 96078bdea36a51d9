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
        """Waits until nobody holds it exclusively, then holds it together with others."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Takes it for this process alone, and says whether that was possible at once."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, and holds it exclusively inside the context."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            self.release()
