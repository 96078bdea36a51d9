"""Spreads people over buckets, and buckets over tasks."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from heapq import heappop, heappush

BUCKETS = 64
"""Buckets that people are spread over. It never changes: two runs must agree on which people share a lock."""

PARALLEL_TASKS = 4
"""Tasks of 8 threads that a pool of 32 slots runs at once; the default pool of 16 runs two."""

CALLS_PER_TASK = 1400
"""Calls to bksb in one task. Enough that starting the task costs little in comparison; few enough that a person who
waits for one learner's results gets a slot soon."""


def bucket_of(person_id: str) -> int:
    """The bucket (0 to 63) of a person: the same in every run, on every machine and Python."""
    return zlib.crc32(person_id.encode()) % BUCKETS


def split_into_tasks(calls: Mapping[str, int]) -> list[list[int]]:
    """The buckets of these people, one list a task, for as few tasks as the work needs; [] without people.

    `calls`: for each person_id, about how many calls to bksb the work takes. The tasks have about equal work, the
    largest first. More than two tasks are a multiple of PARALLEL_TASKS, so that parallel tasks end at about the same
    time and no slot of the pool stays idle.
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
