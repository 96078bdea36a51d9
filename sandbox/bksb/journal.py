"""Stores created users of the simulated bksb on disk, so that the next start finds them."""

import fcntl
import json
import os
import threading
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.bksb.users import User


class FolderInUseError(Exception):
    """Another sandbox uses this folder."""


class UserJournal:
    """A file with one user per line, as JSON. Concurrent writers share one fsync, as in a database's log.

    The file is locked while it is open. Raises FolderInUseError if another site has it open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise FolderInUseError(f"Another sandbox uses {path.parent}. Stop that one first.") from None
        self._written = 0
        self._synced = 0
        self._syncing = threading.Lock()

    def read(self) -> list[User]:
        """Return the stored users. A last line that a crash cut short is dropped: its call was never answered."""
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        return [_decode_user(line) for line in whole.splitlines()]

    def append(self, user: User) -> int:
        """Write a user and return the number of the entry. Callers hold a lock. Call `sync` to make it durable."""
        self._file.write(_encode_user(user) + b"\n")
        self._file.flush()
        self._written += 1
        return self._written

    def sync(self, entry: int) -> None:
        """Return once that entry is on disk."""
        with self._syncing:
            if self._synced < entry:
                upto = self._written
                os.fsync(self._file.fileno())
                self._synced = upto

    def close(self) -> None:
        self._file.close()


def _encode_user(user: User) -> bytes:
    fields = asdict(user)
    fields["date_of_birth"] = user.date_of_birth and user.date_of_birth.isoformat()
    return json.dumps(fields, ensure_ascii=False).encode()


def _decode_user(line: bytes) -> User:
    fields: dict[str, Any] = json.loads(line)
    born = fields["date_of_birth"]
    return User(**{**fields, "date_of_birth": date.fromisoformat(born) if born else None})
