"""What a result says: from bksb's own record of it to the row that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bksb.client import V5Component, V5Session, assessment_record, v5_component, v5_session
from bksb.levels import Reading, read_diagnostic, read_initial, read_v5
from bksb.model import AssessmentRecord, Source
from bksb.times import read_bksb_time

LATEST = timedelta(days=1)
"""A result dated further ahead than this has a wrong date."""

READERS: Mapping[str, Callable[[str, str, str], Reading]] = {
    "initial": read_initial,
    "diagnostic": read_diagnostic,
    "v5": read_v5,
}
"""How a source's results are read: from the result's text, the assessment's name and the course subject."""


def read_completion(raw: str, zone: ZoneInfo) -> datetime | None:
    """When a result was completed; None for a date that is none, or lies in the future by more than clocks differ."""
    moment = read_bksb_time(raw, zone)
    return moment if moment is not None and moment <= datetime.now(UTC) + LATEST else None


def row_of(bksb_user_id: int, source: Source, record: AssessmentRecord, zone: ZoneInfo) -> tuple[object, ...]:
    """The row of one result, in the order of `sql/results/copy_loaded_result.sql`."""
    reading = READERS[source](record.result, record.assessment_name, record.course_subject)
    return (
        bksb_user_id,
        source,
        record.session_id,
        record.component,
        record.assessment_kind or source,
        reading.subject,
        record.course_subject,
        record.course_name,
        record.assessment_id,
        record.assessment_name,
        record.result,
        reading.level_code,
        reading.level_order,
        reading.percent,
        read_completion(record.completed_raw, zone),
        record.completed_raw,
        record.raw,
    )


def v5_record(session: V5Session, subject: str, name: str, line: V5Component | None) -> AssessmentRecord:
    """The result of one line of a session's report, kept under `name`; of the session as such where there is none.

    `raw` holds both, so that the record can be made of it again.
    """
    return AssessmentRecord(
        session_id=session.session_id,
        course_subject=subject,
        course_name="",
        assessment_id=None,
        assessment_name=line.assessment_name if line else "",
        result=line.ability_raw if line else "",
        completed_raw=session.completed_raw,
        raw={"session": session.raw} | ({"component": line.raw} if line else {}),
        component=name,
        assessment_kind=session.assessment_kind,
    )


def record_again(source: Source, known: AssessmentRecord) -> AssessmentRecord:
    """The record as today's reading of bksb's raw answer has it; as it is known where that is not kept any more."""
    if not known.raw:
        return known
    if source != "v5":
        return assessment_record(known.session_id, known.raw)
    session, line = known.raw.get("session"), known.raw.get("component")
    if not isinstance(session, Mapping):
        return known
    again = replace(v5_session(session), session_id=known.session_id)
    component = v5_component(line) if isinstance(line, Mapping) else None
    record = v5_record(again, known.course_subject, known.component, component)
    return replace(record, assessment_kind=record.assessment_kind or known.assessment_kind)
