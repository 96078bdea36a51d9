"""Dates and times: bksb's local times, the bounds of a day, calendar months back, and the hours for mail."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True)
class MailHours:
    """The hours for mail, in minutes after local midnight. `opens` is included, `closes` is not."""

    opens: int
    closes: int

    @classmethod
    def from_text(cls, text: str) -> MailHours:
        """Parse `07:00-21:00`; `00:00-24:00` means always. Raises ValueError for other texts."""
        read = _HOURS.fullmatch(text.strip())
        if read is None:
            raise ValueError("mail hours look like 07:00-21:00")
        hours = cls(int(read[1]) * 60 + int(read[2]), int(read[3]) * 60 + int(read[4]))
        if not hours.opens < hours.closes <= 24 * 60:
            raise ValueError("mail hours look like 07:00-21:00")
        return hours

    def include(self, moment: datetime) -> bool:
        """Return whether mail may be sent at this moment, given in local time."""
        return self.opens <= moment.hour * 60 + moment.minute < self.closes

    def __str__(self) -> str:
        """As `from_text` reads it."""
        return f"{self.opening}-{self.closing}"

    @property
    def opening(self) -> str:
        """The time when the hours begin, like `07:00`."""
        return f"{self.opens // 60:02}:{self.opens % 60:02}"

    @property
    def closing(self) -> str:
        """The time when the hours end, like `21:00`."""
        return f"{self.closes // 60:02}:{self.closes % 60:02}"


def parse_bksb_time(raw: str, zone: ZoneInfo) -> datetime | None:
    """Parse a time from bksb (`2026-11-20T14:03:12`, 0 to 7 fractional digits, rarely a zone), and return it in UTC.

    A text without a zone is local time in `zone`. When the clocks go back, the first of two possible moments is
    returned; a time that is skipped when they go forward gets the winter offset. Returns None for a text that is not a
    date, and for .NET's "never" (`0001-01-01T00:00:00`).
    """
    try:
        read = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", raw.strip()))
        moment = (read if read.tzinfo else read.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= 1900 else None


def months_before(day: date, months: int) -> date:
    """Return the same day `months` earlier. One month before 31 March is the last day of February."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def find_day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moments of `day` and of the next day in `zone`. They are 23, 24 or 25 hours apart."""
    tomorrow = day + timedelta(days=1)
    return (
        datetime(day.year, day.month, day.day, tzinfo=zone),
        datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone),
    )
