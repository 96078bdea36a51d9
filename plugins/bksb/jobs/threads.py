"""Runs one function over many inputs in a few threads, and yields the outcomes as they arrive."""

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
"""Calls to bksb in flight in one task: as many as the pool slots that the task takes."""


def run_concurrently(
    function: Callable[[Input], Outcome], inputs: Iterable[Input], *, threads: int = THREADS, prefetch: int = 2
) -> Generator[tuple[Input, Outcome], None, None]:
    """Yield (input, outcome) in the order of completion; at most `threads` calls run at once.

    At most `prefetch` inputs a thread are queued, so memory does not grow with their number; that many may still start
    after the consumer stops. After an exception of `function` no further call starts; the exception is raised once the
    running calls have ended. Close the generator (contextlib.closing) to have no call running afterwards.
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
                    continue  # the exception that stopped it is still to arrive
                yield value, outcome
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def split_into_batches(values: Iterable[Input], size: int) -> Iterator[list[Input]]:
    """The values in lists of `size`, the last one shorter; takes no more from `values` than it hands out."""
    supply = iter(values)
    while batch := list(islice(supply, size)):
        yield batch
