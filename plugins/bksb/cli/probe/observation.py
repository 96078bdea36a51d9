"""Describes the form of an answer (status, kind of body, formats of values), and never its content.

Shares no code with the client, so that the probe also notices answers that the client misreads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests


class Unreadable:
    """The type of UNREADABLE, the body of an answer that is neither JSON nor plain text."""


UNREADABLE = Unreadable()


@dataclass(frozen=True)
class Observation:
    """The form of one answer. `body` (decoded JSON, plain text or UNREADABLE) is examined but never shown."""

    status: int
    content_type: str
    kind: str
    body: Any = field(repr=False)
    asks_to_wait: str | None = None
    limit_headers: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """Status, content type and kind of body in one line."""
        return f"HTTP {self.status}, {self.content_type}, {self.kind}"


def observe_response(response: requests.Response) -> Observation:
    """Describe a response."""
    text = response.content.decode("utf-8-sig", errors="replace")
    body: Any
    try:
        body = json.loads(text)
        kind = "JSON " + describe_kind(body)
    except (ValueError, RecursionError):
        kind = _kind_of_text(text.lstrip()[:1])
        body = text if kind == PLAIN_TEXT else UNREADABLE
    wait = response.headers.get("Retry-After")
    return Observation(
        status=response.status_code,
        content_type=_media_type(response.headers.get("Content-Type")),
        kind=kind,
        body=body,
        asks_to_wait=None if wait is None else ("in seconds" if wait.strip().isdecimal() else "as a date"),
        limit_headers=tuple(
            name.lower()
            for name in response.headers
            if re.fullmatch(r"[a-z-]{1,40}", name.lower()) and re.search(r"rate|quota|throttl", name.lower())
        ),
    )


PLAIN_TEXT = "plain text"


def _kind_of_text(start: str) -> str:
    kinds = {"": "empty body", "<": "HTML or XML", "{": "broken JSON", "[": "broken JSON", '"': "broken JSON"}
    return kinds.get(start, PLAIN_TEXT)


def _media_type(header: str | None) -> str:
    if header is None:
        return "no content type"
    found = re.fullmatch(r"\s*([a-z]+/[a-z0-9.+-]{1,40})\s*(?:;\s*charset=([a-z0-9-]{1,20}))?\s*", header.lower())
    return "; ".join(part for part in found.groups() if part) if found else "an unusual content type"


def describe_kind(value: object) -> str:
    """Name the JSON type of a decoded value. Integers and decimals have different names."""
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "decimal", type(None): "null"}
    return names[type(value)]


def find_texts(body: object) -> Iterable[str]:
    """Yield every text in a body, in lower case."""
    if isinstance(body, str):
        yield body.lower()
    elif isinstance(body, Mapping):
        for value in body.values():
            yield from find_texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from find_texts(value)


def find_sentence(body: object) -> str:
    """Return the text of a body, or its field Message; '' if there is none."""
    if isinstance(body, Mapping):
        body = next((value for name, value in body.items() if str(name).lower() == "message"), "")
    return body if isinstance(body, str) else ""


def member(body: object, name: str) -> object:
    """Return a field of an object; None if it is not an object or has no such field."""
    return body.get(name) if isinstance(body, Mapping) else None


def to_whole_number(value: object) -> int | None:
    """Return a whole number, also if it is written as text; None for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def describe_emptiness(value: object) -> str:
    """Describe whether an array or object is empty; '' for other values."""
    return (", empty" if not value else ", not empty") if isinstance(value, (list, dict)) else ""


def describe_truth(seen: Observation) -> str:
    """Describe the form of the answer, and whether its body is true or false."""
    spelled = str(seen.body).strip().lower()
    return seen.form + (f" ({spelled})" if spelled in ("true", "false") else "")


def yes(fact: bool) -> str:
    """Return yes or no."""
    return "yes" if fact else "no"


def join_forms(found: Iterable[str]) -> str:
    """List each form once."""
    return " / ".join(sorted(set(found)))


_ISO = re.compile(r"(\d{4})-\d\d-\d\d(?:([T ])\d\d:\d\d:\d\d(?:\.(\d+))?\s*(Z|[+-]\d\d:?\d\d)?)?")


def describe_date(value: object) -> str:
    """Describe the format of a date, not its value."""
    if not isinstance(value, str):
        return describe_kind(value)
    found = _ISO.fullmatch(value.strip())
    if not found:
        return "a text of another form"
    year, parting, digits, zone = found.groups()
    if year == "0001":
        return "0001-01-01"
    if not parting:
        return "a day without time"
    zone_form = "no zone" if not zone else "Z" if zone == "Z" else "an offset"
    return f"{len(digits or '')} fractional digits, {zone_form}"


def is_known_date(value: object) -> bool:
    """Whether the project knows the format of a date."""
    return describe_date(value) in {f"{digits} fractional digits, no zone" for digits in (0, 3, 7)}


def order(dates: list[object]) -> str:
    """Describe how a list is sorted by its dates, compared to the second."""
    texts = [str(date)[:19] for date in dates]
    if len(set(texts)) < 2:
        return "too few results to tell"
    if texts == sorted(texts, reverse=True):
        return "newest first"
    return "oldest first" if texts == sorted(texts) else "neither newest nor oldest first"


def describe_result(value: object) -> str:
    """Describe the format of a result, not its value."""
    if not isinstance(value, str):
        return f"a JSON {describe_kind(value)}"
    text = value.strip()
    if re.fullmatch(r"\d+([.,]\d+)?", text):
        return "a text of digits"
    if re.fullmatch(r"\d+([.,]\d+)?\s*%", text):
        return "a text of digits with a percent sign"
    return "a text with words" if text else "an empty text"
