"""Runs one function over many things in a few threads, handing back outcomes as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")
Outcome = TypeVar("Outcome")


def run_concurrently(
    function: Callable[[Thing], Outcome], things: Iterable[Thing], threads: int
) -> Iterator[tuple[Thing, Outcome]]:
    """Yield (thing, outcome) in the order of completion; at most `threads` are under way at once.

    Only a few things are queued ahead, so memory does not grow with their number. The first exception
    is raised at once: what has not begun is dropped, what is under way is waited for.
    """
    waiting: dict[Future[Outcome], Thing] = {}
    supply = iter(things)
    with ThreadPoolExecutor(threads, thread_name_prefix="bksb") as pool:
        try:
            while True:
                for thing in islice(supply, 2 * threads - len(waiting)):
                    waiting[pool.submit(function, thing)] = thing
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of `size`, the last one shorter; takes no more from `things` than it hands out."""
    supply = iter(things)
    while batch := list(islice(supply, size)):
        yield batch
