"""How people are shared out over tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.jobs.runs import CALLS_A_TASK, TASKS_AT_ONCE, share_out
from bksb.model import BUCKETS, bucket_of

BUCKET_OF_MANY = 1.6
"""The fullest of 64 buckets against the mean, with some thousand people."""


def people(number: int, calls: int = 2) -> dict[str, int]:
    return {f"P{one:06}": calls for one in range(number)}


@given(st.dictionaries(st.text(min_size=1), st.integers(min_value=1, max_value=5), max_size=700))
def test_everybodys_bucket_is_in_one_share_and_no_share_is_empty(calls):
    shares = share_out(calls)
    assert sorted(bucket for share in shares for bucket in share) == sorted({bucket_of(one) for one in calls})
    assert all(shares)


def test_nobody_needs_no_task_a_few_one_and_some_more_two():
    assert share_out({}) == []
    assert len(share_out(people(CALLS_A_TASK // 2))) == 1
    assert len(share_out(people(CALLS_A_TASK))) == 2


@pytest.mark.parametrize(("number", "calls"), [(2_100, 2), (3_600, 2), (9_000, 2), (1_200, 5), (9_000, 5)])
def test_the_tasks_are_alike_the_largest_first_and_end_together(number, calls):
    wanted = people(number, calls)
    shares = share_out(wanted)
    assert len(shares) % TASKS_AT_ONCE == 0
    work = [sum(of_one for one, of_one in wanted.items() if bucket_of(one) in share) for share in map(set, shares)]
    assert work == sorted(work, reverse=True)
    bucket = BUCKET_OF_MANY * number * calls / BUCKETS
    assert work[0] - work[-1] <= bucket
    assert work[0] <= CALLS_A_TASK + bucket


def test_who_takes_more_calls_weighs_more():
    wanted = people(2_000, 1)
    heavy = {one for one in wanted if bucket_of(one) % 2}
    wanted |= dict.fromkeys(heavy, 5)
    shares = share_out(wanted)
    work = [sum(of_one for one, of_one in wanted.items() if bucket_of(one) in share) for share in map(set, shares)]
    assert max(work) - min(work) <= BUCKET_OF_MANY * 2_000 * 5 / BUCKETS


def test_there_are_never_more_tasks_than_buckets():
    assert len(share_out(people(60_000))) == BUCKETS
