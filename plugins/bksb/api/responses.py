"""Recognises a response of bksb by the type and content of its body, never by its status alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from bksb.addresses import API_ROOTS
from bksb.errors import BksbSyncError, RejectedError, UnexpectedResponseError

_NOBODY = re.compile(r"\buser(name)?\b.*\bnot found\b", re.IGNORECASE | re.DOTALL)
"""Matches `A user with username 'x' not found.` [C]. A bare "not found" may come from a web server."""

_NO_SUCH_ROUTE = re.compile(r"\bno (http resource|action|type) was found\b", re.IGNORECASE)
"""Matches the text of ASP.NET Web API, which bksb looks like, for a path that it does not serve."""


class NoJson:
    """The value of a body that is neither JSON nor a plain sentence: HTML, half a response, or nothing."""


NO_JSON = NoJson()

KEY_LENGTH_LIMIT = 200
"""Longest session id, in characters. It is part of a primary key, so it has to fit into an index."""


@dataclass(frozen=True)
class Response:
    """One response. `value` is the decoded JSON, a str if the body is a plain sentence, or NO_JSON."""

    call: str
    status: int
    content_type: str
    value: Any = field(repr=False)
    is_json: bool = True

    @classmethod
    def of(cls, call: str, response: requests.Response) -> Response:
        """Read a response with HTTP status 200 to 499."""
        text = response.content.decode("utf-8-sig", errors="replace")
        value, is_json = _decode(text)
        return cls(call, response.status_code, response.headers.get("Content-Type", "none"), value, is_json)

    @property
    def text(self) -> str:
        """The sentence in the body, bare or in {"Message": …}, or ''."""
        if isinstance(self.value, Mapping):
            message = get_field(self.value, "Message")
            return message if isinstance(message, str) else ""
        return self.value if isinstance(self.value, str) else ""

    @property
    def says_no_such_user(self) -> bool:
        """Whether it is bksb's sentence for a username that no user has. Its status varies."""
        return bool(_NOBODY.search(self.text))

    def unexpected(self) -> BksbSyncError:
        """Return the error for a body that the call does not return. It names the shape, never the content.

        Only a 4xx with a sentence from bksb means that this one learner is refused. A web page, an empty or broken
        body, or a 404 may come from a proxy or from a bksb in trouble, so it is worth another try.
        """
        if _NO_SUCH_ROUTE.search(self.text):
            return UnexpectedResponseError(
                f"bksb has no call {self.call} at this address (HTTP {self.status}): check the API URL of the "
                f"bksb connection. It has to be the root, such as {API_ROOTS['UK']}."
            )
        if self.text and 400 <= self.status < 500 and self.status != 404:
            return RejectedError(f"bksb refused {self.call} (HTTP {self.status})")
        return UnexpectedResponseError(
            f"bksb's answer to {self.call} was {self.shape} with HTTP {self.status} ({self.content_type}), "
            "which is not what this call returns."
        )

    @property
    def shape(self) -> str:
        """The type of the body, in words."""
        if self.value is NO_JSON:
            return "no JSON"
        names = {dict: "a JSON object", list: "a JSON array", str: "a text", bool: "true or false", type(None): "null"}
        return names.get(type(self.value), "a number")


def get_field(record: Mapping[str, Any], name: str) -> Any:
    """Return a field, or None if absent. Ignores the case of its name: bksb's spelling is not known for sure."""
    if name in record:
        return record[name]
    return next((value for key, value in record.items() if str(key).lower() == name.lower()), None)


def has_field(record: Mapping[str, Any], name: str) -> bool:
    """Return whether the field is present, with any value. Ignores the case of its name."""
    return any(str(key).lower() == name.lower() for key in record)


def make_storable(value: Any) -> Any:
    """Return the JSON value without what PostgreSQL cannot store: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {make_storable(str(key)): make_storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [make_storable(item) for item in value]
    return value


def to_text(value: object) -> str:
    """Return a field as text that can be stored, '' for null."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return str(make_storable(text))


def to_key(value: object) -> str:
    """Return a session id as text, '' for a value that is not an id: a list, a boolean, a fraction, a long text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    key = to_text(str(value)).strip()
    return key if len(key) <= KEY_LENGTH_LIMIT else ""


def to_whole_number(value: object) -> int | None:
    """Return a whole number of up to 64 bits, given as a number or as digits in a text. None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,19}\s*", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    return None


@dataclass(frozen=True)
class Claims:
    """What a page's `Pagination` claims: the number of records, and the size of a page. None if not claimed."""

    total: int | None
    size: int | None


NO_CLAIMS = Claims(None, None)


def read_claims(value: Any) -> Claims:
    """Return the claims of a body of any type."""
    pagination = get_field(value, "Pagination") if isinstance(value, Mapping) else None
    claims = pagination if isinstance(pagination, Mapping) else {}
    return Claims(
        to_whole_number(get_field(claims, "TotalRecords")), to_whole_number(get_field(claims, "RecordsPerPage"))
    )


def find_rows(value: Any, list_name: str) -> list[Mapping[str, Any]] | None:
    """Return the rows of a body: its list, or the body itself if it is a list. None if there is neither.

    If no list has the expected name, the only list of the body is used. A list that is null, or absent beside a
    `Pagination` with a total or a size, is empty. An object without either may be anything, so it has no rows.
    """
    found = value
    if isinstance(value, Mapping):
        found = get_field(value, list_name)
        if found is None:
            lists = [item for item in value.values() if isinstance(item, list)]
            if len(lists) == 1:
                found = lists[0]
            elif not lists and (has_field(value, list_name) or read_claims(value) != NO_CLAIMS):
                found = []
    if isinstance(found, list) and all(isinstance(record, Mapping) for record in found):
        return found
    return None


def _decode(text: str) -> tuple[Any, bool]:
    """Return the decoded body, and whether it was JSON."""
    try:
        # NaN and Infinity are not JSON, and jsonb rejects them
        return json.loads(text, parse_constant=str), True
    except (ValueError, RecursionError):
        # a body that begins like markup or JSON is a web page, or was cut off
        sentence = text.strip()
        return (sentence if sentence and sentence[0] not in '<{["' else NO_JSON), False
