"""What an answer looks like from outside: status, kind of body, forms of values, and never what it says.

It shares nothing with the client's reading of answers, so that `bksb.probe` sees what the client may misread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests


class Unreadable:
    """Stands for a body that is neither JSON nor a sentence."""


UNREADABLE = Unreadable()


@dataclass(frozen=True)
class Observation:
    """One answer's outside; `body` (decoded JSON, a sentence, or UNREADABLE) is looked at and never shown."""

    status: int
    content_type: str
    kind: str
    body: Any = field(repr=False)
    asks_to_wait: str | None = None
    limit_headers: tuple[str, ...] = ()

    @property
    def outside(self) -> str:
        """Status, content type and kind of body in one line."""
        return f"HTTP {self.status}, {self.content_type}, {self.kind}"


def observe_response(response: requests.Response) -> Observation:
    """The outside of an answer that `requests` brought."""
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
    """The JSON type of a decoded value; an integer and a decimal are told apart."""
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "decimal", type(None): "null"}
    return names[type(value)]


def find_texts(body: object) -> Iterable[str]:
    """Every text in a body, in small letters."""
    if isinstance(body, str):
        yield body.lower()
    elif isinstance(body, Mapping):
        for value in body.values():
            yield from find_texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from find_texts(value)


def find_sentence(body: object) -> str:
    """The text that a body is, or that it holds as Message; '' where there is none."""
    if isinstance(body, Mapping):
        body = next((value for name, value in body.items() if str(name).lower() == "message"), "")
    return body if isinstance(body, str) else ""


def member(body: object, name: str) -> object:
    """A field of an object; None where there is no object or no such field."""
    return body.get(name) if isinstance(body, Mapping) else None


def to_whole_number(value: object) -> int | None:
    """A whole number, also one written as text."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def describe_emptiness(value: object) -> str:
    """Whether an array or object holds anything."""
    return (", empty" if not value else ", not empty") if isinstance(value, (list, dict)) else ""


def describe_truth(seen: Observation) -> str:
    """The outside, and which of true and false the body is or spells."""
    spelled = str(seen.body).strip().lower()
    return seen.outside + (f" ({spelled})" if spelled in ("true", "false") else "")


def yes(fact: bool) -> str:
    """A fact in a word."""
    return "yes" if fact else "no"


def join_forms(found: Iterable[str]) -> str:
    """Every form that occurs, once."""
    return " / ".join(sorted(set(found)))


_ISO = re.compile(r"(\d{4})-\d\d-\d\d(?:([T ])\d\d:\d\d:\d\d(?:\.(\d+))?\s*(Z|[+-]\d\d:?\d\d)?)?")


def describe_date(value: object) -> str:
    """How a date is written, not which it is."""
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
    """Whether a date is written as the evidence says."""
    return describe_date(value) in {f"{digits} fractional digits, no zone" for digits in (0, 3, 7)}


def order(dates: list[object]) -> str:
    """How a list is sorted by its dates, as far as seconds tell."""
    texts = [str(date)[:19] for date in dates]
    if len(set(texts)) < 2:
        return "too few results to tell"
    if texts == sorted(texts, reverse=True):
        return "newest first"
    return "oldest first" if texts == sorted(texts) else "neither newest nor oldest first"


def describe_result(value: object) -> str:
    """How a result is written, not what it says."""
    if not isinstance(value, str):
        return f"a JSON {describe_kind(value)}"
    text = value.strip()
    if re.fullmatch(r"\d+([.,]\d+)?", text):
        return "a text of digits"
    if re.fullmatch(r"\d+([.,]\d+)?\s*%", text):
        return "a text of digits with a percent sign"
    return "a text with words" if text else "an empty text"
