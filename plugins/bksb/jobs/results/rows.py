"""Turns a result as bksb sends it into the row that is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from bksb.api.parsing import V5Component, V5Session, parse_assessment, parse_v5_component, parse_v5_session
from bksb.model import AssessmentKind, AssessmentResult, Source
from bksb.rules.levels import Reading


class ResultRow(NamedTuple):
    """One row of `assessment_result`, with columns in the order of `sql/results/copy_loaded_result.sql`."""

    bksb_user_id: int
    source: Source
    session_id: str
    component: str
    assessment_kind: AssessmentKind
    subject: str
    course_subject_raw: str
    course_name: str
    assessment_id: int | None
    assessment_name: str
    result_raw: str
    level_code: str | None
    level_order: int | None
    percent: float | None
    completed_at: datetime | None
    completed_raw: str
    raw: dict[str, Any]

    @property
    def result(self) -> AssessmentResult:
        """The result that this row was made from."""
        return AssessmentResult(
            session_id=self.session_id,
            course_subject=self.course_subject_raw,
            course_name=self.course_name,
            assessment_id=self.assessment_id,
            assessment_name=self.assessment_name,
            result=self.result_raw,
            completed_raw=self.completed_raw,
            raw=self.raw,
            component=self.component,
            assessment_kind=self.assessment_kind,
        )

    def equals_apart_from_raw(self, other: ResultRow) -> bool:
        """Whether both rows are equal apart from `raw`. A stored percentage is a Decimal, a new one a float."""
        return self._without_raw() == other._without_raw()

    def _without_raw(self) -> ResultRow:
        return self._replace(raw={}, percent=None if self.percent is None else float(self.percent))


DEFAULT_KIND: Mapping[Source, AssessmentKind] = {"initial": "initial", "diagnostic": "diagnostic"}
"""The kind of a source's results. A V5 result has its own."""


def make_row(
    bksb_user_id: int, source: Source, result: AssessmentResult, reading: Reading, completed_at: datetime | None
) -> ResultRow:
    """Make the row of one result, with the reading and date from a ResultReader."""
    return ResultRow(
        bksb_user_id=bksb_user_id,
        source=source,
        session_id=result.session_id,
        component=result.component,
        assessment_kind=result.assessment_kind or DEFAULT_KIND[source],
        subject=reading.subject,
        course_subject_raw=result.course_subject,
        course_name=result.course_name,
        assessment_id=result.assessment_id,
        assessment_name=result.assessment_name,
        result_raw=result.result,
        level_code=reading.level_code,
        level_order=reading.level_order,
        percent=reading.percent,
        completed_at=completed_at,
        completed_raw=result.completed_raw,
        raw=result.raw,
    )


def make_v5_result(session: V5Session, subject: str, name: str, component: V5Component | None) -> AssessmentResult:
    """Make the result of one component of a session's report, or of the whole session if it has no component.

    `name` is the component's name, made unique. `raw` holds session and component, so that both can be parsed again.
    """
    return AssessmentResult(
        session_id=session.session_id,
        course_subject=subject,
        course_name="",
        assessment_id=None,
        assessment_name=component.assessment_name if component else "",
        result=component.ability_raw if component else "",
        completed_raw=session.completed_raw,
        raw={"session": session.raw} | ({"component": component.raw} if component else {}),
        component=name,
        assessment_kind=session.assessment_kind,
    )


def parse_again(source: Source, known: AssessmentResult) -> AssessmentResult:
    """Parse bksb's raw answer with the current parser. Returns `known` if the raw answer is no longer kept."""
    if not known.raw:
        return known
    if source != "v5":
        return parse_assessment(known.session_id, known.raw)
    session, component = known.raw.get("session"), known.raw.get("component")
    if not isinstance(session, Mapping):
        return known
    parsed = make_v5_result(
        replace(parse_v5_session(session), session_id=known.session_id),
        known.course_subject,
        known.component,
        parse_v5_component(component) if isinstance(component, Mapping) else None,
    )
    return replace(parsed, assessment_kind=parsed.assessment_kind or known.assessment_kind)
