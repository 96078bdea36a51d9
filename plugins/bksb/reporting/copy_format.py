"""Writes rows in the text format of PostgreSQL's COPY."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

NULL = "\\N"
"""How null is written in PostgreSQL's COPY text format."""


def encode_row(row: Sequence[object]) -> str:
    """Return one row in PostgreSQL's COPY text format, ending in a newline."""
    # a fast path, because a night writes millions of fields, most of them texts with nothing to escape
    fields = [
        value if value.__class__ is str and value.isprintable() and "\\" not in value else _encode_field(value)
        for value in row
    ]
    return "\t".join(fields) + "\n"


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The JSON escape of a NUL character, but not an escaped backslash before the letters u0000."""

_to_json = msgspec.json.Encoder().encode


def encode_json(value: dict[str, Any]) -> str:
    """Return a JSON object as a field in COPY text format, without NUL characters, which jsonb cannot hold."""
    text = _to_json(value).decode()
    if "\\" in text:
        # JSON has escaped everything else that COPY needs escaped, so only its backslashes are left
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
"""How values of these types are written. Values of other types are written as text."""


def _encode_field(value: object) -> str:
    writer = _WRITERS.get(value.__class__)
    return str(value).translate(_ESCAPES) if writer is None else writer(value)
