"""Calls a function on many inputs with a few threads, and yields the outcomes as they complete."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

Input = TypeVar("Input")
Outcome = TypeVar("Outcome")

THREADS = 8
"""Concurrent calls to bksb in one task. The task takes as many pool slots."""


def run_concurrently(
    function: Callable[[Input], Outcome], inputs: Iterable[Input], *, threads: int = THREADS, prefetch: int = 2
) -> Generator[tuple[Input, Outcome], None, None]:
    """Yield (input, outcome) in order of completion; at most `threads` calls run at once.

    At most `prefetch` inputs per thread are queued, which limits memory. That many may still start after the consumer
    stops. Once `function` has raised, no further call starts; the exception is raised here when the running calls have
    ended. Close the generator (contextlib.closing) to be sure that no call is running afterwards.
    """
    failed = Event()

    def call_unless_failed(value: Input) -> Outcome:
        if failed.is_set():
            raise CancelledError
        try:
            return function(value)
        except BaseException:
            failed.set()
            raise

    waiting: dict[Future[Outcome], Input] = {}
    arrived: SimpleQueue[Future[Outcome]] = SimpleQueue()
    supply = iter(inputs)
    with ThreadPoolExecutor(threads, thread_name_prefix="bksb") as pool:
        try:
            while True:
                for value in islice(supply, prefetch * threads - len(waiting)):
                    future = pool.submit(call_unless_failed, value)
                    waiting[future] = value
                    future.add_done_callback(arrived.put)
                if not waiting:
                    return
                future = arrived.get()
                value = waiting.pop(future)
                try:
                    outcome = future.result()
                except CancelledError:
                    continue  # the exception that cancelled this call arrives later
                yield value, outcome
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def split_into_batches(values: Iterable[Input], size: int) -> Iterator[list[Input]]:
    """Yield the values in lists of `size`; the last one may be shorter. Reads no more values than it yields."""
    supply = iter(values)
    while batch := list(islice(supply, size)):
        yield batch
