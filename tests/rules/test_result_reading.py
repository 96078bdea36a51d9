"""Reading the texts and the date of a result."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bksb.level_words import load_vocabulary
from bksb.model import AssessmentResult
from bksb.rules.result_reading import ResultReader

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def a_result(text: str = "English Level 1", completed: str = "2026-07-01T10:00:00") -> AssessmentResult:
    return AssessmentResult(
        session_id="1",
        course_subject="ENGLISH",
        course_name="English",
        assessment_id=None,
        assessment_name="English Level 2",
        result=text,
        completed_raw=completed,
        raw={},
    )


def test_texts_are_read_by_the_rules_of_their_source_and_the_date_in_the_time_zone():
    reader = ResultReader(LONDON, load_vocabulary(), NOW)
    reading, completed_at = reader.read("initial", a_result())
    assert (reading.subject, reading.level_code, reading.recognised) == ("English", "L1", True)
    assert completed_at == datetime(2026, 7, 1, 9, tzinfo=UTC)
    reading, _ = reader.read("diagnostic", a_result("62"))
    assert (reading.level_code, reading.percent) == ("L2", 62)


def test_the_same_texts_are_read_once_for_each_source():
    reader = ResultReader(LONDON, load_vocabulary(), NOW)
    first, _ = reader.read("initial", a_result())
    again, _ = reader.read("initial", a_result(completed="2026-07-02T10:00:00"))
    other, _ = reader.read("v5", a_result())
    assert again is first
    assert other is not first


@pytest.mark.parametrize("raw", ["", "30 February", (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")])
def test_an_unusable_date_does_not_affect_the_level(raw):
    reading, completed_at = ResultReader(LONDON, load_vocabulary(), NOW).read("initial", a_result(completed=raw))
    assert completed_at is None
    assert reading.level_code == "L1"
