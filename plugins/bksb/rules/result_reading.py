"""Reads the subject, level, percentage and date of completion from the texts of a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bksb.model import AssessmentResult, Source
from bksb.rules.levels import Reading, Vocabulary, read_diagnostic, read_initial, read_v5
from bksb.rules.times import parse_bksb_time

FUTURE_LIMIT = timedelta(days=1)
"""How far in the future a date may be. A later one is wrong: differences between clocks and time zones are smaller
than that."""

READERS: Mapping[Source, Callable[[str, str, str, Vocabulary], Reading]] = {
    "initial": read_initial,
    "diagnostic": read_diagnostic,
    "v5": read_v5,
}
"""The function for each source. Its arguments: result text, assessment name, course subject, level words."""


class ResultReader:
    """Reads results. Caches the readings, because the same few texts occur again and again."""

    def __init__(self, zone: ZoneInfo, vocabulary: Vocabulary, now: datetime) -> None:
        """`zone` is the time zone of bksb's dates. Dates later than `now` plus FUTURE_LIMIT are not used."""
        self._zone = zone
        self._vocabulary = vocabulary
        self._latest = now + FUTURE_LIMIT
        self._readings: dict[tuple[str, ...], Reading] = {}

    def read(self, source: Source, result: AssessmentResult) -> tuple[Reading, datetime | None]:
        """Return the reading of a result's texts, and when it was completed (None without a usable date)."""
        texts = (result.result, result.assessment_name, result.course_subject)
        reading = self._readings.get((source, *texts))
        if reading is None:
            reading = self._readings[source, *texts] = READERS[source](*texts, self._vocabulary)
        completed_at = parse_bksb_time(result.completed_raw, self._zone)
        is_usable = completed_at is not None and completed_at <= self._latest
        return reading, completed_at if is_usable else None
