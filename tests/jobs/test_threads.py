"""Calls in threads: each input is processed once, few are prefetched, and no call starts after an exception."""

from __future__ import annotations

import threading

import pytest

from bksb.jobs.threads import run_concurrently

PREFETCH = 5


def test_every_input_is_processed_once_and_yielded_with_its_outcome():
    assert sorted(run_concurrently(lambda n: n * n, range(500), threads=4)) == [(n, n * n) for n in range(500)]


def test_threads_go_on_while_the_consumer_is_busy():
    done = threading.Semaphore(0)

    def work(number: int) -> int:
        done.release()
        return number

    outcomes = run_concurrently(work, range(1000), threads=2, prefetch=PREFETCH)
    next(outcomes)
    for _ in range(2 * PREFETCH):
        assert done.acquire(timeout=10), "the next calls run although their outcomes were not asked for"
    outcomes.close()


def test_no_more_inputs_are_read_than_are_prefetched():
    taken = []
    outcomes = run_concurrently(lambda n: n, (taken.append(n) or n for n in range(1000)), threads=2, prefetch=PREFETCH)
    next(outcomes)
    assert len(taken) == 2 * PREFETCH
    outcomes.close()


def test_after_an_exception_no_call_starts_and_the_exception_is_raised():
    begun = []
    failed = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            failed.set()
            raise ValueError("no")
        failed.wait(10)
        return number

    with pytest.raises(ValueError, match="no"):
        list(run_concurrently(work, range(1000), threads=4))
    assert len(begun) <= 2 * 4, "only calls that were running, and one more for each thread"
