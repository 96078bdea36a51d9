"""Processes that carry out the steps of a run as Airflow's workers would, and say how much memory it took them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.place import Place
from bksb.deployment import Deployment
from bksb.errors import MisContractError
from bksb.jobs import accounts, results
from bksb.model import Run

START_SECONDS = 120
KIB = 1024
LONG_AGO = date(1901, 1, 1)

STEPS: dict[str, Callable[..., Any]] = {name: getattr(job, name) for job in (accounts, results) for name in job.__all__}


class Workers:
    """Processes that have imported everything and opened their connections once, from `with` to its end."""

    def __init__(self, place: Place, processes: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(processes + 1)
        self._pool = spawn.Pool(processes, _begin, (place, ready))
        try:
            ready.wait(START_SECONDS)
        except BaseException:
            self._pool.terminate()
            raise
        self.peak_bytes = 0
        """The most memory that any process has had above what it had when idle."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def run(self, step: str, *arguments: object) -> Any:
        """Carry out one of STEPS; what it returns."""
        return self._together(step, [arguments])[0]

    def plan_fetches(self, run: Run) -> list[list[int]]:
        """Carry out a results run up to its plan; which buckets each of its tasks is to fetch."""
        self.share("link_people", run, self.run("list_people", run))
        plan: list[list[int]] = self.run("plan_fetches", run)
        return plan

    def share(self, step: str, run: Run, parts: Sequence[Sequence[int]]) -> float:
        """Carry out a step for each part, as many at a time as there are processes; seconds in all."""
        began = time.perf_counter()
        self._together(step, [(run, part) for part in parts])
        return time.perf_counter() - began

    def _together(self, step: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        outcomes = self._pool.starmap(_carry_out, [(step, arguments) for arguments in calls], chunksize=1)
        self.peak_bytes = max(self.peak_bytes, *(peak for _, peak in outcomes)) if outcomes else self.peak_bytes
        return [outcome for outcome, _ in outcomes]


_deployment: Deployment | None = None
_idle_bytes = 0


def _begin(place: Place, ready: Barrier) -> None:
    global _deployment, _idle_bytes
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it ends it
    try:
        _deployment = place.deployment()
        _deployment.make_client()
        with _deployment.open_store() as store, store.transaction():
            store.run("schema/list_migrations")
        with suppress(MisContractError):  # no one was eligible then
            _deployment.mis.read_people(LONG_AGO)
    except BaseException:
        ready.abort()  # else the pool would begin another in its place, again and again
        raise
    _idle_bytes = _memory("VmRSS")
    ready.wait(START_SECONDS)


def _carry_out(step: str, arguments: tuple[object, ...]) -> tuple[Any, int]:
    """What the step returns, and the most this process has ever had above what it had when idle, in bytes."""
    if _deployment is None:
        raise RuntimeError("This process has not begun.")
    outcome = STEPS[step](_deployment, *arguments)
    return outcome, _memory("VmHWM") - _idle_bytes


def _memory(name: str) -> int:
    """A figure of this process in bytes, as Linux keeps it; 0 on another system."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) * KIB for line in status.read_text().splitlines() if line.startswith(name))
