"""bksb's local times, days of 23 and 25 hours, calendar months, and mail hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bksb.rules.times import MailHours, find_day_bounds, months_before, parse_bksb_time

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-20T14:03:12", datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC)),
        ("2026-11-20T14:03:12.5", datetime(2026, 11, 20, 14, 3, 12, 500_000, tzinfo=UTC)),
        ("2026-11-20T14:03:12.123", datetime(2026, 11, 20, 14, 3, 12, 123_000, tzinfo=UTC)),
        ("2026-11-20T14:03:12.1234567", datetime(2026, 11, 20, 14, 3, 12, 123_456, tzinfo=UTC)),
        ("2026-07-20T14:03:12", datetime(2026, 7, 20, 13, 3, 12, tzinfo=UTC)),
        ("2026-07-20T14:03:12Z", datetime(2026, 7, 20, 14, 3, 12, tzinfo=UTC)),
        (" 2026-07-20T14:03:12+02:00 ", datetime(2026, 7, 20, 12, 3, 12, tzinfo=UTC)),
    ],
)
def test_a_time_from_bksb_is_in_the_time_zone_of_the_site(raw, moment):
    assert parse_bksb_time(raw, LONDON) == moment


def test_a_time_that_occurs_twice_means_the_first_moment():
    assert parse_bksb_time("2026-10-25T01:30:00", LONDON) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_gets_the_winter_offset():
    assert parse_bksb_time("2026-03-29T01:30:00", LONDON) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("raw", ["", "yesterday", "2026-02-30T10:00:00", "0001-01-01T00:00:00", "2026-13-01"])
def test_a_text_that_is_not_a_date_gives_none(raw):
    assert parse_bksb_time(raw, LONDON) is None


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 5, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
    ],
)
def test_a_calendar_month_before_is_clamped_to_the_end_of_the_month(day, months, before):
    assert months_before(day, months) == before


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 23), 24)]
)
def test_a_day_ends_when_the_next_begins_even_if_the_clocks_change(day, hours):
    start, end = find_day_bounds(day, LONDON)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)
    assert find_day_bounds(day + timedelta(days=1), LONDON)[0] == end


@pytest.mark.parametrize(
    ("text", "at", "within"),
    [
        ("07:00-21:00", (6, 59, 59), False),
        ("07:00-21:00", (7, 0, 0), True),
        ("07:00-21:00", (20, 59, 59), True),
        ("07:00-21:00", (21, 0, 0), False),
        ("00:00-24:00", (0, 0, 0), True),
        ("00:00-24:00", (23, 59, 59), True),
    ],
)
def test_mail_hours_begin_with_their_first_minute_and_end_before_their_last(text, at, within):
    assert MailHours.from_text(text).include(datetime(2026, 11, 23, *at, tzinfo=LONDON)) is within


@pytest.mark.parametrize("text", ["", "7-21", "07:00", "21:00-07:00", "07:00-07:00", "07:60-21:00", "07:00-24:01"])
def test_texts_that_are_not_mail_hours_are_rejected(text):
    with pytest.raises(ValueError, match="look like 07:00-21:00"):
        MailHours.from_text(text)


def test_mail_hours_are_shown_with_their_beginning_and_end():
    hours = MailHours.from_text("09:05 - 24:00")
    assert (hours.opening, hours.closing) == ("09:05", "24:00")
    assert str(hours) == "09:05-24:00"
