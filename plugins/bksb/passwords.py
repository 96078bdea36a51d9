"""Derives a person's first password from a secret, so that it can be told again without being stored anywhere."""

from __future__ import annotations

import hashlib
import hmac

SHORTEST_SECRET = 16
"""With fewer characters, whoever has one password might find the secret, and with it everybody's."""

LETTERS = "cdghjkmnpqrtvwx"
"""None that looks like a digit or another letter when copied by hand, and no vowel, so that no word comes about."""

DIGITS = "2346789"

PURPOSE = b"bksb first password 1:"
"""Sets these derivations apart from any other use of the same secret."""


def derived_password(secret: str, username: str) -> str:
    """Three groups like `Gkt4`, joined by hyphens: the same for the same secret and username, whatever its case.

    About 43 bits, in characters that every keyboard has; upper case, lower case and a digit are always among them.
    """
    digest = hmac.new(secret.encode(), PURPOSE + username.casefold().encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest)
    groups = []
    for _ in range(3):
        group = ""
        for _ in range(3):
            number, place = divmod(number, len(LETTERS))
            group += LETTERS[place]
        number, place = divmod(number, len(DIGITS))
        groups.append(group.capitalize() + DIGITS[place])
    return "-".join(groups)
