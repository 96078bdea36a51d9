"""The pretend bksb in a process of its own, so that it shares no interpreter lock with those who call it."""

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
    """A running site, and what may be asked of it beside its calls."""

    def __init__(self, address: Address, line: Connection) -> None:
        self.address = address
        self._line = line

    def invent_histories(self) -> dict[str, int]:
        """Have everybody's results invented now, not at the first look; how many there are, by source."""
        return dict(self._ask("counts"))

    def begin(self, latency: float) -> None:
        """Count from here on; every call takes `latency` seconds from here on."""
        self._ask("begin", latency)

    def calls(self) -> dict[str, int]:
        """How often each call was made since `begin`."""
        return dict(self._ask("calls"))

    def _ask(self, what: str, *arguments: object) -> Any:
        self._line.send((what, arguments))
        return self._line.recv()


@contextmanager
def serving(world: World) -> Iterator[Site]:
    """The site of this world, in a process of its own, for as long as the block lasts."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(world, there), name="bksb site", daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(START_SECONDS):
            raise TimeoutError(f"The pretend bksb did not start within {START_SECONDS} s.")
        yield Site(here.recv(), here)
    finally:
        here.close()
        process.join(END_SECONDS)
        if process.is_alive():
            process.terminate()
            process.join()


def _serve(world: World, line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its owner closes the line
    with Sandbox(world) as sandbox:
        line.send(Address(sandbox.url, sandbox.access_key, sandbox.secret_key))
        while True:
            try:
                what, arguments = line.recv()
            except EOFError:
                return
            line.send(_ANSWERS[what](sandbox.site, *arguments))


def _begin(site: BksbSite, latency: float) -> None:
    site.reset_counters()
    site.latency = latency


_ANSWERS: dict[str, Callable[..., object]] = {
    "counts": BksbSite.counts,
    "begin": _begin,
    "calls": lambda site: site.calls,
}
