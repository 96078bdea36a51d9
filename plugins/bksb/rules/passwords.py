"""Derives a person's first password from a secret, so that it can be told again without being stored anywhere."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

SHORTEST_SECRET = 16
"""With fewer characters, whoever has one password might find the secret, and with it everybody's."""

LETTERS = "cdghjkmnpqrtvwx"
"""None that looks like a digit or another letter when copied by hand, and no vowel, so that no word comes about."""

DIGITS = "2346789"

PURPOSE = b"bksb first password 1:"
"""Sets these derivations apart from any other use of the same secret."""

DIGEST_PURPOSE = b"bksb password setting 1"

DIGEST_ROUNDS = 200_000
"""Some tenths of a second for whoever guesses, once."""

DIGEST_BYTES = 2
"""One change in 65,536 goes unnoticed; and of all passwords that somebody guesses, so many fit that none is proven."""


def derive_password(secret: str, username: str) -> str:
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


@lru_cache(maxsize=4)
def setting_digest(setting: str) -> str:
    """Four hexadecimal digits by which a changed password setting is noticed, and which tell nobody what it is."""
    return hashlib.pbkdf2_hmac("sha256", setting.encode(), DIGEST_PURPOSE, DIGEST_ROUNDS, DIGEST_BYTES).hex()
