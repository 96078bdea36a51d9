"""What came back from bksb, recognised by the type and content of the body and never by the status alone."""

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
"""`A user with username 'x' not found.` [C]; a bare "not found" may be a web server's and says nothing of a user."""

_NO_SUCH_ROUTE = re.compile(r"\bno (http resource|action|type) was found\b", re.IGNORECASE)
"""What ASP.NET Web API, which bksb looks like, says of a path it does not serve."""


class NoJson:
    """Stands for a body that is neither JSON nor a plain sentence: HTML, a broken-off answer, nothing."""


NO_JSON = NoJson()

KEY_LENGTH_LIMIT = 200
"""Characters. What is part of a primary key has to find room in an index."""


@dataclass(frozen=True)
class Response:
    """One answer. `value` is the decoded JSON, or a str where the body is a plain sentence, or NO_JSON."""

    call: str
    status: int
    content_type: str
    value: Any = field(repr=False)
    is_json: bool = True

    @classmethod
    def of(cls, call: str, response: requests.Response) -> Response:
        """Read a response of HTTP status 200 to 499."""
        text = response.content.decode("utf-8-sig", errors="replace")
        value, is_json = _decode(text)
        return cls(call, response.status_code, response.headers.get("Content-Type", "none"), value, is_json)

    @property
    def text(self) -> str:
        """The sentence of the answer, bare or in {"Message": …}; '' where it is none."""
        if isinstance(self.value, Mapping):
            message = get_field(self.value, "Message")
            return message if isinstance(message, str) else ""
        return self.value if isinstance(self.value, str) else ""

    @property
    def says_no_such_user(self) -> bool:
        """Whether it is bksb's sentence for a username that nobody has, whatever the status."""
        return bool(_NOBODY.search(self.text))

    def unexpected(self) -> BksbSyncError:
        """The error for a body that is not what the call returns; it says the shape, never the content.

        Only an answer in bksb's own words under 4xx refuses this one learner. A web page, an empty body, a
        broken one or a 404 may come from something in between, or from a bksb that is not well: later, then.
        """
        if _NO_SUCH_ROUTE.search(self.text):
            return UnexpectedResponseError(
                f"bksb has no call {self.call} at this address (HTTP {self.status}): check the API URL of the "
                f"bksb connection; it is the root, such as {API_ROOTS['UK']}."
            )
        if self.text and 400 <= self.status < 500 and self.status != 404:
            return RejectedError(f"bksb refused {self.call} (HTTP {self.status})")
        return UnexpectedResponseError(
            f"bksb's answer to {self.call} was {self.shape} under HTTP {self.status} ({self.content_type}), "
            "which is not what this call returns."
        )

    @property
    def shape(self) -> str:
        """What sort of body it was, in words."""
        if self.value is NO_JSON:
            return "no JSON"
        names = {dict: "a JSON object", list: "a JSON array", str: "a text", bool: "true or false", type(None): "null"}
        return names.get(type(self.value), "a number")


def get_field(record: Mapping[str, Any], name: str) -> Any:
    """A field by its name, whatever its case: evidence of bksb's spelling is second-hand. None if absent."""
    if name in record:
        return record[name]
    return next((value for key, value in record.items() if str(key).lower() == name.lower()), None)


def has_field(record: Mapping[str, Any], name: str) -> bool:
    """Whether the field is there, whatever its case and value."""
    return any(str(key).lower() == name.lower() for key in record)


def make_storable(value: Any) -> Any:
    """A JSON value without what PostgreSQL cannot hold: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {make_storable(str(key)): make_storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [make_storable(item) for item in value]
    return value


def to_text(value: object) -> str:
    """A field as text that can be stored; '' for null."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return str(make_storable(text))


def to_key(value: object) -> str:
    """A session's id as text; '' for what can be no id, such as a list, true, a fraction or a long text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    key = to_text(str(value)).strip()
    return key if len(key) <= KEY_LENGTH_LIMIT else ""


def to_whole_number(value: object) -> int | None:
    """A whole number, given as such or as digits in a text; None for anything else. 64 bits at most."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,19}\s*", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    return None


@dataclass(frozen=True)
class Claims:
    """What a page's `Pagination` says: how many records there are, and how many a page holds; None: nothing."""

    total: int | None
    size: int | None


NO_CLAIMS = Claims(None, None)


def read_claims(value: Any) -> Claims:
    """The claims of a body, whatever it is."""
    pagination = get_field(value, "Pagination") if isinstance(value, Mapping) else None
    claims = pagination if isinstance(pagination, Mapping) else {}
    return Claims(
        to_whole_number(get_field(claims, "TotalRecords")), to_whole_number(get_field(claims, "RecordsPerPage"))
    )


def find_rows(value: Any, list_name: str) -> list[Mapping[str, Any]] | None:
    """The records of a body: its list, or the body itself where that is one; None where there is neither.

    Where the list bears another name than evidence says, the only list of the body is taken for it. A list that
    is null, or absent beside a `Pagination` with a total or a size, is empty; an object with neither may be anything.
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
    """The decoded body, and whether it was JSON."""
    try:
        # NaN and Infinity are no JSON, and jsonb refuses them
        return json.loads(text, parse_constant=str), True
    except (ValueError, RecursionError):
        # a sentence is an answer of bksb's; what begins like markup or JSON is a page, or broke off
        sentence = text.strip()
        return (sentence if sentence and sentence[0] not in '<{["' else NO_JSON), False
