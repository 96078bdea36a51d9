"""What a result says: from bksb's own record of it to the row that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bksb.api.client import V5Component, V5Session, assessment_record, v5_component, v5_session
from bksb.model import AssessmentRecord, Source
from bksb.reporting.store import NULL, copy_json, copy_line
from bksb.rules.levels import Reading, Vocabulary, read_diagnostic, read_initial, read_v5
from bksb.rules.times import read_bksb_time

LATEST = timedelta(days=1)
"""A result dated further ahead than this has a wrong date."""

READERS: Mapping[str, Callable[[str, str, str, Vocabulary], Reading]] = {
    "initial": read_initial,
    "diagnostic": read_diagnostic,
    "v5": read_v5,
}
"""How a source's results are read: from the result's text, the assessment's name, the course subject and our words."""


def read_completion(raw: str, zone: ZoneInfo) -> datetime | None:
    """When a result was completed; None for a date that is none, or lies in the future by more than clocks differ."""
    moment = read_bksb_time(raw, zone)
    return moment if moment is not None and moment <= datetime.now(UTC) + LATEST else None


class Reader:
    """Reads records, and remembers how: the same few texts come again and again."""

    def __init__(self, zone: ZoneInfo, vocabulary: Vocabulary) -> None:
        self._zone = zone
        self._vocabulary = vocabulary
        self._known: dict[tuple[str, ...], Reading] = {}

    def read(self, source: Source, record: AssessmentRecord) -> tuple[Reading, datetime | None]:
        """What a record's texts say, and when it was completed."""
        texts = (record.result, record.assessment_name, record.course_subject)
        reading = self._known.get((source, *texts))
        if reading is None:
            reading = self._known[source, *texts] = READERS[source](*texts, self._vocabulary)
        return reading, read_completion(record.completed_raw, self._zone)


def row_of(
    bksb_user_id: int, source: Source, record: AssessmentRecord, reading: Reading, completed_at: datetime | None
) -> tuple[object, ...]:
    """The row of one result, in the order of `sql/results/copy_loaded_result.sql`."""
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
        completed_at,
        record.completed_raw,
        record.raw,
    )


def written(row: tuple[Any, ...]) -> str:
    """A row of `row_of` in PostgreSQL's COPY text format: what `copy_line` makes of it, in two thirds of the time.

    A night writes them by the hundred thousand, and hardly one has a text with anything to escape.
    """
    (
        bksb_user_id, source, session_id, component, kind, subject, course_subject, course_name, assessment_id, name,
        result, level_code, level_order, percent, completed_at, completed_raw, raw,
    ) = row  # fmt: skip
    texts = f"{session_id}{component}{subject}{course_subject}{course_name}{name}{result}{completed_raw}"
    if "\\" in texts or not texts.isprintable():
        return copy_line(row)
    return (
        f"{bksb_user_id}\t{source}\t{session_id}\t{component}\t{kind}\t{subject}\t{course_subject}\t{course_name}\t"
        f"{NULL if assessment_id is None else assessment_id}\t{name}\t{result}\t"
        f"{NULL if level_code is None else level_code}\t{NULL if level_order is None else level_order}\t"
        f"{NULL if percent is None else percent}\t{NULL if completed_at is None else completed_at.isoformat()}\t"
        f"{completed_raw}\t{copy_json(raw)}\n"
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
