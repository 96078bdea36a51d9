"""Lets several commands of one clone share a service: the first starts it, the last to leave stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from dev.services import interrupts
from dev.services.locks import FileLock

T = TypeVar("T")


class InUseError(Exception):
    """Another command of this clone still uses the service."""


@contextmanager
def shared(
    locks: Path, name: str, start: Callable[[], T], stop: Callable[[], None], *, first: bool = False
) -> Iterator[T]:
    """Gives what start() returns, in use by this process until the context is left.

    start() must also accept a service that already runs, stop() one that does not. A user that is killed
    is counted as gone; what it left running is taken over by the next user. Who has to be first gets
    InUseError if there is another user, and a service of its own making otherwise; later users may join.
    """
    gate, users = FileLock(locks / f"{name}.gate"), FileLock(locks / f"{name}.users")
    try:
        with gate.held():
            if first:
                if not users.try_exclusive():
                    raise InUseError(name)
                stop()
            users.share()
            service = start()
        yield service
    finally:
        with interrupts.held(), gate.held():
            if users.try_exclusive():
                stop()
            users.release()
        gate.close()
        users.close()


@contextmanager
def unused(locks: Path, name: str) -> Iterator[None]:
    """Keeps users of the service out for a while; raises InUseError if there is one."""
    gate, users = FileLock(locks / f"{name}.gate"), FileLock(locks / f"{name}.users")
    try:
        with gate.held():
            if not users.try_exclusive():
                raise InUseError(name)
            try:
                yield
            finally:
                users.release()
    finally:
        gate.close()
        users.close()
