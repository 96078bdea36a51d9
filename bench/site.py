"""Runs the simulated bksb in a separate process, so that it does not share an interpreter lock with its callers."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from sandbox.bksb.site import BksbSite
from sandbox.server import Sandbox
from sandbox.world.population import World

START_SECONDS = 120
END_SECONDS = 30


@dataclass(frozen=True)
class Address:
    """Where a site listens, and its keys."""

    url: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


class Site:
    """A running site, controlled through a pipe."""

    def __init__(self, address: Address, pipe: Connection) -> None:
        self.address = address
        self._pipe = pipe

    def invent_histories(self) -> dict[str, int]:
        """Invent the results of all users now, not on first access. Returns their number by source."""
        return dict(self._ask("counts"))

    def start_counting(self, latency: float) -> None:
        """Reset the call counters. From now on, every call takes `latency` seconds."""
        self._ask("start_counting", latency)

    def calls(self) -> dict[str, int]:
        """Return the number of times each call was made since `start_counting`."""
        return dict(self._ask("calls"))

    def _ask(self, command: str, *arguments: object) -> Any:
        self._pipe.send((command, arguments))
        return self._pipe.recv()


@contextmanager
def serve_site(world: World) -> Iterator[Site]:
    """Serve the site of this world from a separate process until the block ends."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(world, there), name="bksb site", daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(START_SECONDS):
            raise TimeoutError(f"The simulated bksb did not start within {START_SECONDS} s.")
        yield Site(here.recv(), here)
    finally:
        here.close()
        process.join(END_SECONDS)
        if process.is_alive():
            process.terminate()
            process.join()


def _serve(world: World, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ends when the owner closes the pipe
    with Sandbox(world) as sandbox:
        pipe.send(Address(sandbox.url, sandbox.access_key, sandbox.secret_key))
        while True:
            try:
                command, arguments = pipe.recv()
            except EOFError:
                return
            pipe.send(_COMMANDS[command](sandbox.site, *arguments))


def _start_counting(site: BksbSite, latency: float) -> None:
    site.reset_counters()
    site.latency = latency


_COMMANDS: dict[str, Callable[..., object]] = {
    "counts": BksbSite.counts,
    "start_counting": _start_counting,
    "calls": lambda site: site.calls,
}
