"""Processes that run the steps of a run like Airflow's workers, and measure their memory."""

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

from bench.environment import Environment
from bksb.deployment import Deployment
from bksb.errors import MisContractError
from bksb.jobs import accounts, results
from bksb.model import Run

START_SECONDS = 120
KIB = 1024
LONG_AGO = date(1901, 1, 1)

STEPS: dict[str, Callable[..., Any]] = {name: getattr(job, name) for job in (accounts, results) for name in job.__all__}


class Workers:
    """A pool of processes that have imported everything and opened their connections once."""

    def __init__(self, environment: Environment, processes: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(processes + 1)
        self._pool = spawn.Pool(processes, _prepare, (environment, ready))
        try:
            ready.wait(START_SECONDS)
        except BaseException:
            self._pool.terminate()
            raise
        self.peak_bytes = 0
        """Maximum memory of any process, above what it used when idle."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def run(self, step: str, *arguments: object) -> Any:
        """Run one of STEPS, and return its result."""
        return self._run_all(step, [arguments])[0]

    def plan_fetches(self, run: Run) -> list[list[int]]:
        """Run a results run up to its plan. Returns the buckets of each task."""
        self.run_in_parallel("link_people", run, self.run("list_people", run))
        plan: list[list[int]] = self.run("plan_fetches", run)
        return plan

    def run_in_parallel(self, step: str, run: Run, parts: Sequence[Sequence[int]]) -> float:
        """Run a step for each part, one part per process at a time. Returns the total seconds."""
        began = time.perf_counter()
        self._run_all(step, [(run, part) for part in parts])
        return time.perf_counter() - began

    def _run_all(self, step: str, calls: Sequence[tuple[object, ...]]) -> list[Any]:
        outcomes = self._pool.starmap(_run_step, [(step, arguments) for arguments in calls], chunksize=1)
        self.peak_bytes = max(self.peak_bytes, *(peak for _, peak in outcomes)) if outcomes else self.peak_bytes
        return [outcome for outcome, _ in outcomes]


_deployment: Deployment | None = None
_idle_bytes = 0


def _prepare(environment: Environment, ready: Barrier) -> None:
    global _deployment, _idle_bytes
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends it
    try:
        _deployment = environment.deployment()
        _deployment.make_client()
        with _deployment.open_store() as store, store.transaction():
            store.run("schema/list_migrations")
        with suppress(MisContractError):  # no one was eligible on that day
            _deployment.mis.read_people(LONG_AGO)
    except BaseException:
        ready.abort()  # otherwise the pool starts another process, without end
        raise
    _idle_bytes = _read_memory("VmRSS")
    ready.wait(START_SECONDS)


def _run_step(step: str, arguments: tuple[object, ...]) -> tuple[Any, int]:
    """Return the result of the step, and the peak memory of this process above its idle memory, in bytes."""
    if _deployment is None:
        raise RuntimeError("_prepare has not run in this process.")
    outcome = STEPS[step](_deployment, *arguments)
    return outcome, _read_memory("VmHWM") - _idle_bytes


def _read_memory(name: str) -> int:
    """Return a memory figure of this process in bytes, from /proc. 0 on other systems than Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) * KIB for line in status.read_text().splitlines() if line.startswith(name))
