"""Distributes people over buckets, and buckets over tasks."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush

BUCKETS = 64
"""Number of buckets. Never change it: all runs must agree on which people share a lock."""

PARALLEL_TASKS = 4
"""Tasks that run at once in a pool of 32 slots, with 8 threads each. The default pool of 16 slots runs two."""

CALLS_PER_TASK = 1400
"""Calls to bksb in one task. Enough to make the cost of starting a task small; few enough that a run for one learner
soon gets a slot."""


def bucket_of(person_id: str) -> int:
    """Return a person's bucket (0 to 63). It is the same in every run, on every machine and Python version."""
    return zlib.crc32(person_id.encode()) % BUCKETS


def split_into_tasks(calls: Mapping[str, int]) -> list[list[int]]:
    """Return the buckets of these people, one list per task; [] without people.

    `calls`: the approximate number of calls to bksb by person_id. Uses as few tasks as the work needs, of about equal
    size, the largest first. More than two tasks are rounded up to a multiple of PARALLEL_TASKS, so that they end at
    about the same time and no slot of the pool stays idle.
    """
    work: Counter[int] = Counter()
    for person_id, number in calls.items():
        work[bucket_of(person_id)] += number
    tasks = -(-work.total() // CALLS_PER_TASK)
    if tasks > PARALLEL_TASKS // 2:
        tasks = min(-(-tasks // PARALLEL_TASKS) * PARALLEL_TASKS, BUCKETS)
    shares: list[tuple[int, int, list[int]]] = [(0, number, []) for number in range(tasks)]
    for bucket, number in work.most_common():
        held, place, buckets = heappop(shares)
        heappush(shares, (held + number, place, [*buckets, bucket]))
    return [sorted(buckets) for _, _, buckets in sorted(shares, reverse=True) if buckets]
