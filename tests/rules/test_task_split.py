"""The distribution of people over tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.rules.task_split import BUCKETS, CALLS_PER_TASK, PARALLEL_TASKS, bucket_of, split_into_tasks

BUCKET_OF_MANY = 1.6
"""How much fuller than the mean the fullest of 64 buckets may be, with a few thousand people."""


def people(number: int, calls: int = 2) -> dict[str, int]:
    return {f"P{one:06}": calls for one in range(number)}


@given(st.dictionaries(st.text(min_size=1), st.integers(min_value=1, max_value=5), max_size=700))
def test_every_bucket_is_in_one_task_and_no_task_is_empty(calls):
    shares = split_into_tasks(calls)
    assert sorted(bucket for share in shares for bucket in share) == sorted({bucket_of(one) for one in calls})
    assert all(shares)


def test_no_one_needs_no_task_a_few_people_one_and_more_people_two():
    assert split_into_tasks({}) == []
    assert len(split_into_tasks(people(CALLS_PER_TASK // 2))) == 1
    assert len(split_into_tasks(people(CALLS_PER_TASK))) == 2


@pytest.mark.parametrize(("number", "calls"), [(2_100, 2), (3_600, 2), (9_000, 2), (1_200, 5), (9_000, 5)])
def test_tasks_are_of_equal_size_with_the_largest_first(number, calls):
    wanted = people(number, calls)
    shares = split_into_tasks(wanted)
    assert len(shares) % PARALLEL_TASKS == 0
    work = [sum(of_one for one, of_one in wanted.items() if bucket_of(one) in share) for share in map(set, shares)]
    assert work == sorted(work, reverse=True)
    bucket = BUCKET_OF_MANY * number * calls / BUCKETS
    assert work[0] - work[-1] <= bucket
    assert work[0] <= CALLS_PER_TASK + bucket


def test_people_who_take_more_calls_weigh_more():
    wanted = people(2_000, 1)
    heavy = {one for one in wanted if bucket_of(one) % 2}
    wanted |= dict.fromkeys(heavy, 5)
    shares = split_into_tasks(wanted)
    work = [sum(of_one for one, of_one in wanted.items() if bucket_of(one) in share) for share in map(set, shares)]
    assert max(work) - min(work) <= BUCKET_OF_MANY * 2_000 * 5 / BUCKETS


def test_there_are_never_more_tasks_than_buckets():
    assert len(split_into_tasks(people(60_000))) == BUCKETS
