"""Reads a CSV file of person_id and username, and explains which lines cannot be used."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from bksb.errors import ConfigurationError

PERSON_ID, USERNAME = "person_id", "username"

SURPLUS = "it has more fields than the header: put a value that contains a comma in quotes"

_LOOKS_LIKE_AN_ID = re.compile(r"(?=.*\d)[\w./-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class AccountLine:
    """One line: this person has the bksb account with this username. Line numbers start at 1."""

    number: int
    person_id: str
    username: str = field(repr=False)

    def rejected(self, reason: str) -> RejectedLine:
        """Return this line as a RejectedLine."""
        return RejectedLine(self.number, self.person_id, reason)


@dataclass(frozen=True)
class RejectedLine:
    """A line that is not imported, and why. `reason` contains only ids and line numbers."""

    number: int
    person_id: str = field(repr=False)
    reason: str

    def __str__(self) -> str:
        # a wrong file may have anything in this column, such as names: show only what looks like an id
        shown = f", {self.person_id}" if _LOOKS_LIKE_AN_ID.fullmatch(self.person_id) else ""
        return f"line {self.number}{shown}: {self.reason}"


def read_account_file(content: bytes) -> tuple[list[AccountLine], list[RejectedLine]]:
    """Return the usable lines, with each person and each username once, and the rejected lines.

    The file is CSV in UTF-8, with or without BOM, and its header names person_id and username. Other columns, blank
    lines and blanks around values are ignored. Raises ConfigurationError if the whole file cannot be read.
    """
    read: list[AccountLine] = []
    rejected: list[RejectedLine] = []
    for number, person_id, username, surplus in _read_rows(_decode(content)):
        reason = SURPLUS if surplus else find_fault(person_id, username)
        if reason:
            rejected.append(RejectedLine(number, person_id, reason))
        else:
            read.append(AccountLine(number, person_id, username))
    if not read and not rejected:
        raise _file_error("has no lines below a header: add a line for each account, such as P000123,ada.lovelace")
    distinct: dict[tuple[str, str], AccountLine] = {}
    for line in read:
        distinct.setdefault((line.person_id, line.username.casefold()), line)
    contradictions = _find_contradictions(list(distinct.values()))
    contradicted = {rejected_line.number for rejected_line in contradictions}
    return [line for line in distinct.values() if line.number not in contradicted], rejected + contradictions


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _file_error(f"is not UTF-8 text (line {number}): save it as CSV in UTF-8") from None
    if "\0" in text:
        raise _file_error("is not text: save it as CSV in UTF-8")
    if not text.strip():
        raise _file_error("is empty")
    return text


def _read_rows(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Yield the number, person_id and username of each line, and whether it has more fields than the header."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    places: dict[str, int] | None = None
    columns = 0
    last = 0
    try:
        for row in reader:
            number, last = last + 1, reader.line_num
            values = [value.strip() for value in row]
            if not any(values):
                continue
            if places is None:
                places, columns = _find_columns(values), len(values)
                continue
            values += [""] * (columns - len(values))
            yield number, values[places[PERSON_ID]], values[places[USERNAME]], any(values[columns:])
    except csv.Error:
        raise _file_error(f"is not valid CSV in line {last + 1}: check its quotes") from None


def _find_columns(header: Sequence[str]) -> dict[str, int]:
    names = [name.lower() for name in header]
    for name in (PERSON_ID, USERNAME):
        if names.count(name) != 1:
            what = "has no column" if name not in names else "has more than one column"
            raise _file_error(f"{what} {name}: its first line must be a header such as person_id,username")
    return {name: names.index(name) for name in (PERSON_ID, USERNAME)}


def find_fault(person_id: str, username: str) -> str | None:
    """Return why these two values cannot be used, or None if they can."""
    if not person_id or not username:
        return f"the {PERSON_ID if not person_id else USERNAME} is missing"
    if any(ord(character) < 32 or ord(character) == 127 for character in person_id + username):
        return "a value contains a line break or another control character: check the quotes"
    return None


def _find_contradictions(lines: Sequence[AccountLine]) -> list[RejectedLine]:
    """Return the lines that contradict each other. All of them are rejected, because any could be wrong."""
    of_person: dict[str, list[int]] = defaultdict(list)
    of_username: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        of_person[line.person_id].append(line.number)
        of_username[line.username.casefold()].append(line.number)
    rejected: list[RejectedLine] = []
    for line in lines:
        if others := _name_others(of_person[line.person_id], line):
            reason = f"{others} another username for this person: keep the right one"
            rejected.append(RejectedLine(line.number, line.person_id, reason))
        elif others := _name_others(of_username[line.username.casefold()], line):
            reason = f"{others} this username for another person: keep the right one"
            rejected.append(RejectedLine(line.number, line.person_id, reason))
    return rejected


def _name_others(numbers: Sequence[int], line: AccountLine) -> str:
    others = [str(number) for number in numbers if number != line.number]
    if not others:
        return ""
    return f"line {others[0]} has" if len(others) == 1 else f"lines {', '.join(others[:5])} have"


def _file_error(what: str) -> ConfigurationError:
    return ConfigurationError(f"The file {what}. Nothing was changed.")
