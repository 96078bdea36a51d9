"""Dates and times: bksb's zoneless text, the day of a run, and one calendar month back."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")


def read_bksb_time(raw: str, zone: ZoneInfo) -> datetime | None:
    """Read bksb's text (`2026-11-20T14:03:12`, 0 to 7 fractional digits, seldom a zone) as a moment (in UTC).

    A text without zone is local time in `zone`. In the hour that autumn repeats, the first of the
    two moments is meant; a time in the hour that spring leaves out is read with winter's offset.
    Returns None for a text that is no date, and for .NET's "never" (`0001-01-01T00:00:00`).
    """
    try:
        read = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", raw.strip()))
        moment = (read if read.tzinfo else read.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= 1900 else None


def months_before(day: date, months: int) -> date:
    """The same day of the month `months` earlier, clamped: 31 March less one month is 28 or 29 February."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of `day` in `zone` and the first of the next day: 23, 24 or 25 hours apart."""
    tomorrow = day + timedelta(days=1)
    return (
        datetime(day.year, day.month, day.day, tzinfo=zone),
        datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone),
    )


def today(zone: ZoneInfo) -> date:
    """The date it is now in `zone`."""
    return datetime.now(zone).date()
