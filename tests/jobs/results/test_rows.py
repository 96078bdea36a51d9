"""Rows of results have the order of the COPY statement and can be turned back into results."""

from __future__ import annotations

import re
from datetime import UTC
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bksb.jobs.results.rows import ResultRow, make_row
from bksb.model import AssessmentResult
from bksb.rules.levels import SCALE, Reading
from tests.conftest import repository

TEXT = st.text(max_size=12)
MAYBE_INTEGER = st.none() | st.integers(0, 9_999)

RESULTS = st.builds(
    AssessmentResult,
    session_id=TEXT,
    course_subject=TEXT,
    course_name=TEXT,
    assessment_id=MAYBE_INTEGER,
    assessment_name=TEXT,
    result=TEXT,
    completed_raw=TEXT,
    raw=st.dictionaries(TEXT, TEXT | MAYBE_INTEGER, max_size=3),
    component=TEXT,
    assessment_kind=st.sampled_from(["initial", "diagnostic"]),
)
READINGS = st.builds(
    Reading,
    subject=TEXT,
    level_code=st.none() | st.sampled_from(SCALE),
    percent=st.none() | st.integers(0, 10_000).map(lambda number: number / 100),
    recognised=st.booleans(),
)
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))


def test_a_row_has_the_columns_of_the_copy_statement_in_its_order():
    statement = (repository() / "sql/results/copy_loaded_result.sql").read_text()
    columns = re.search(r"\((.*)\)", statement, re.DOTALL)
    assert columns is not None
    assert tuple(name.strip() for name in columns.group(1).split(",")) == ResultRow._fields


@given(RESULTS, READINGS, MOMENTS)
def test_a_row_can_be_turned_back_into_its_result(result, reading, completed_at):
    assert make_row(7, "v5", result, reading, completed_at).result == result


@given(RESULTS, READINGS, MOMENTS)
def test_a_row_equals_the_stored_one_although_the_stored_percentage_is_a_decimal(result, reading, completed_at):
    row = make_row(7, "initial", result, reading, completed_at)
    stored = row._replace(percent=None if row.percent is None else Decimal(str(row.percent)), raw={})
    assert row.equals_apart_from_raw(stored)
    assert not row.equals_apart_from_raw(stored._replace(subject=f"not {row.subject}"))
