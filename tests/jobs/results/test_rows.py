"""How rows of results are written out."""

from __future__ import annotations

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from bksb.jobs.results.rows import row_of, written
from bksb.model import AssessmentRecord
from bksb.reporting.store import copy_line
from bksb.rules.levels import SCALE, Reading

ODD = st.text(st.one_of(st.sampled_from("\\\t\n\r\v\0N,'\"\u2028\u00a0é"), st.characters(codec="utf-8")), max_size=12)
MAYBE_INTEGER = st.none() | st.integers(0, 9_999)

RECORDS = st.builds(
    AssessmentRecord,
    session_id=ODD,
    course_subject=ODD,
    course_name=ODD,
    assessment_id=MAYBE_INTEGER,
    assessment_name=ODD,
    result=ODD,
    completed_raw=ODD,
    raw=st.dictionaries(ODD, ODD | MAYBE_INTEGER, max_size=3),
    component=ODD,
    assessment_kind=st.sampled_from([None, "initial", "diagnostic"]),
)
READINGS = st.builds(
    Reading,
    subject=ODD,
    level_code=st.none() | st.sampled_from(SCALE),
    percent=st.none() | st.floats(0, 100),
    recognised=st.booleans(),
)


@given(RECORDS, READINGS, st.none() | st.datetimes(timezones=st.just(UTC)))
def test_the_quick_way_to_write_a_row_writes_what_the_general_one_does(record, reading, completed_at):
    row = row_of(7, "initial", record, reading, completed_at)
    assert written(row) == copy_line(row)
