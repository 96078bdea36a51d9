"""Finds free ports, so that several clones can start at the same time."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dev.services.errors import RunError

HOST = "127.0.0.1"
FIRST, LAST = 8080, 8179


class PortError(RunError):
    """The port is taken, or no port is free."""


def free_port() -> int:
    """A free port. Another program may take it at any time."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Different free ports. Other programs may take them at any time."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in sockets]


@contextmanager
def reserved_port(asked: int | None) -> Iterator[int]:
    """The given port, or the first free one from 8080. No other clone takes it inside the context."""
    for port in [asked] if asked is not None else range(FIRST, LAST + 1):
        with socket.socket(socket.AF_UNIX) as mark:
            try:
                _refuse_taken(port)
                if sys.platform.startswith("linux"):
                    # Airflow listens only seconds later. Until then, this abstract socket reserves the port: all users
                    # see it, and Linux removes it with its owner.
                    mark.bind(f"\0bksb-sync-port-{port}")
            except OSError:
                continue
            yield port
            return
    if asked is not None:
        raise PortError(f"port {asked} is taken. Stop the program that uses it, or choose another --port.")
    raise PortError(f"no port from {FIRST} to {LAST} is free. Choose one with --port.")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
