"""Writes rows in the text format of PostgreSQL's COPY."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

NULL = "\\N"
"""How nothing is written in PostgreSQL's COPY text format."""


def encode_row(row: Sequence[object]) -> str:
    """One row in PostgreSQL's COPY text format, ending in a newline."""
    # by far the most fields are texts without anything to escape, of which a night writes millions
    fields = [
        value if value.__class__ is str and value.isprintable() and "\\" not in value else _encode_field(value)
        for value in row
    ]
    return "\t".join(fields) + "\n"


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape of a NUL character, and not a backslash that is followed by its letters."""

_to_json = msgspec.json.Encoder().encode


def encode_json(value: dict[str, Any]) -> str:
    """A JSON object as a field of PostgreSQL's COPY text format, without the NUL characters that jsonb cannot hold."""
    text = _to_json(value).decode()
    if "\\" in text:
        # what needs escaping here, JSON has escaped by a backslash already
        text = _NUL_IN_JSON.sub(r"\1", text).replace("\\", "\\\\")
    return text


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: NULL,
    bool: {True: "t", False: "f"}.__getitem__,
    int: int.__repr__,
    float: float.__repr__,
    datetime: datetime.isoformat,
    date: date.isoformat,
    dict: encode_json,
    str: lambda value: value.translate(_ESCAPES),
}
"""How values of these types are written; of all others, their text."""


def _encode_field(value: object) -> str:
    writer = _WRITERS.get(value.__class__)
    return str(value).translate(_ESCAPES) if writer is None else writer(value)
