"""Validates the form of createUser."""

from collections.abc import Mapping
from datetime import date

LONGEST_USERNAME = 256
SHORTEST_PASSWORD = 8


def find_reason_to_refuse(form: Mapping[str, str]) -> str | None:
    """Return the reason why bksb refuses to create this user, or None."""
    for name in ("Username", "Firstname", "Lastname", "Password"):
        if not form.get(name, "").strip():
            return f"{name} is required."
    if len(form["Username"]) > LONGEST_USERNAME:
        return f"Username must be {LONGEST_USERNAME} characters or fewer."
    if len(form["Password"]) < SHORTEST_PASSWORD:
        return f"Password must be at least {SHORTEST_PASSWORD} characters."
    if form.get("AutoEnrolCourses", "false").lower() not in ("true", "false"):
        return "AutoEnrolCourses must be true or false."
    try:
        read_date_of_birth(form)
    except ValueError:
        return "DateOfBirth is not valid."
    return None


def read_date_of_birth(form: Mapping[str, str]) -> date | None:
    """Read the fields DateOfBirth[Year], DateOfBirth[Month] … Returns None if there are none of them.

    Year, month and day are required; the fields of the time are optional. Raises ValueError if they make no date.
    """
    if not any(name.startswith("DateOfBirth") for name in form):
        return None
    year, month, day = (int(form.get(f"DateOfBirth[{part}]", "")) for part in ("Year", "Month", "Day"))
    for part, limit in (("Hour", 24), ("Minute", 60), ("Second", 60), ("Millisecond", 1000)):
        if int(form.get(f"DateOfBirth[{part}]", "0")) not in range(limit):
            raise ValueError
    return date(year, month, day)
