"""Checks e-mail addresses."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"(?!.*=\?)[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\.]+(\.[^@\s<>,;:\"()\[\]\\.]+)+")
"""Deliberately strict: rejects comments, groups, quoted strings and encoded words, which header parsers rewrite into a
different address."""


def is_email(text: str | None) -> bool:
    """Return whether `text` can be used as an address: one @, a domain with a dot, no blanks."""
    return text is not None and _EMAIL.fullmatch(text) is not None
