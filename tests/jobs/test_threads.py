"""Work in threads: everything is done once, little is handed out ahead, and nothing begins after a failure."""

from __future__ import annotations

import threading

import pytest

from bksb.jobs.threads import run_concurrently

PREFETCH = 5


def test_everything_is_done_once_and_handed_back_with_what_it_was_done_to():
    assert sorted(run_concurrently(lambda n: n * n, range(500), threads=4)) == [(n, n * n) for n in range(500)]


def test_threads_go_on_while_whoever_takes_the_outcomes_is_busy():
    done = threading.Semaphore(0)

    def work(number: int) -> int:
        done.release()
        return number

    outcomes = run_concurrently(work, range(1000), threads=2, prefetch=PREFETCH)
    next(outcomes)
    for _ in range(2 * PREFETCH):
        assert done.acquire(timeout=10), "the next ones are done although nobody has asked for them"
    outcomes.close()


def test_no_more_is_taken_than_is_handed_out_ahead():
    taken = []
    outcomes = run_concurrently(lambda n: n, (taken.append(n) or n for n in range(1000)), threads=2, prefetch=PREFETCH)
    next(outcomes)
    assert len(taken) == 2 * PREFETCH
    outcomes.close()


def test_after_a_failure_nothing_more_begins_and_it_is_raised():
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
    assert len(begun) <= 2 * 4, "no more than was under way, and what took its place in the same moment"
