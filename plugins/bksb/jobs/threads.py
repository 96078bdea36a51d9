"""Runs one function over many things in a few threads, handing back outcomes as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

Thing = TypeVar("Thing")
Outcome = TypeVar("Outcome")


def run_concurrently(
    function: Callable[[Thing], Outcome], things: Iterable[Thing], threads: int, ahead: int = 2
) -> Generator[tuple[Thing, Outcome], None, None]:
    """Yield (thing, outcome) in the order of completion; at most `threads` are under way at once.

    Only `ahead` things are handed out for each thread, so memory does not grow with their number: as many as may still
    begin after whoever takes the outcomes has seen enough. After an exception of `function` nothing more begins; it is
    raised when what was under way has ended. Close it (contextlib.closing) to have nothing under way afterwards.
    """
    failed = Event()

    def unless_failed(thing: Thing) -> Outcome:
        if failed.is_set():
            raise CancelledError
        try:
            return function(thing)
        except BaseException:
            failed.set()
            raise

    waiting: dict[Future[Outcome], Thing] = {}
    arrived: SimpleQueue[Future[Outcome]] = SimpleQueue()
    supply = iter(things)
    with ThreadPoolExecutor(threads, thread_name_prefix="bksb") as pool:
        try:
            while True:
                for thing in islice(supply, ahead * threads - len(waiting)):
                    future = pool.submit(unless_failed, thing)
                    waiting[future] = thing
                    future.add_done_callback(arrived.put)
                if not waiting:
                    return
                future = arrived.get()
                thing = waiting.pop(future)
                try:
                    outcome = future.result()
                except CancelledError:
                    continue  # the exception that stopped it is still to arrive
                yield thing, outcome
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of `size`, the last one shorter; takes no more from `things` than it hands out."""
    supply = iter(things)
    while batch := list(islice(supply, size)):
        yield batch
