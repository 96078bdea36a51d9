"""Finds a port for the Airflow UI, so that several clones can start at the same time."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dev.services.errors import RunError

HOST = "127.0.0.1"
FIRST, LAST = 8080, 8179


class PortError(RunError):
    """There is no such port to be had."""


@contextmanager
def reserved_port(asked: int | None) -> Iterator[int]:
    """The port asked for, or the first free one from 8080; no other clone takes it inside the context."""
    with ExitStack() as stack:
        for port in [asked] if asked is not None else range(FIRST, LAST + 1):
            if _is_free(port) and _reserve(port, stack):
                yield port
                return
    if asked is not None:
        raise PortError(f"port {asked} is taken. Stop what listens there, or choose another --port.")
    raise PortError(f"no port from {FIRST} to {LAST} is free. Choose one with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _reserve(port: int, stack: ExitStack) -> bool:
    """Marks a port that Airflow will only listen on in some seconds. Linux knows sockets that are mere names,
    seen by every user and gone with their owner; elsewhere nothing is marked."""
    if not sys.platform.startswith("linux"):
        return True
    mark = stack.enter_context(socket.socket(socket.AF_UNIX))
    try:
        mark.bind(f"\0bksb-sync-port-{port}")
    except OSError:
        return False
    return True
