"""How people are shared out over tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bksb.jobs.runs import PEOPLE_A_TASK, TASKS_AT_ONCE, share_out
from bksb.model import BUCKETS, bucket_of

BUCKET_OF_MANY = 1.6
"""The fullest of 64 buckets against the mean, with some thousand people."""


def people(number: int) -> list[str]:
    return [f"P{one:06}" for one in range(number)]


@given(st.lists(st.text(min_size=1), max_size=700))
def test_everybodys_bucket_is_in_one_share_and_no_share_is_empty(ids):
    shares = share_out(ids)
    assert sorted(bucket for share in shares for bucket in share) == sorted({bucket_of(one) for one in ids})
    assert all(shares)


def test_nobody_needs_no_task_and_a_few_one():
    assert share_out([]) == []
    assert len(share_out(people(PEOPLE_A_TASK))) == 1


@pytest.mark.parametrize("number", [1_000, 3_600, 9_000])
def test_the_tasks_are_alike_the_largest_first_and_end_together(number):
    ids = people(number)
    shares = share_out(ids)
    assert len(shares) % TASKS_AT_ONCE == 0
    sizes = [sum(bucket_of(one) in share for one in ids) for share in map(set, shares)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] - sizes[-1] <= BUCKET_OF_MANY * number / BUCKETS
    assert sizes[0] <= PEOPLE_A_TASK + BUCKET_OF_MANY * number / BUCKETS


def test_there_are_never_more_tasks_than_buckets():
    assert len(share_out(people(60_000))) == BUCKETS
