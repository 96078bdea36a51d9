"""Derives a person's initial password from a secret, so that it can be sent again without being stored."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

SHORTEST_SECRET = 16
"""Minimum characters of the secret. From one password, an attacker could work out a shorter secret, and with it every
other password."""

LETTERS = "cdghjkmnpqrtvwx"
"""No letter that can be mistaken for a digit or another letter, and no vowels, so that no words appear."""

DIGITS = "2346789"

PURPOSE = b"bksb first password 1:"
"""Separates these passwords from any other use of the same secret."""

DIGEST_PURPOSE = b"bksb password setting 1"

DIGEST_ROUNDS = 200_000
"""Rounds of PBKDF2. They make each guess at the setting cost some tenths of a second."""

DIGEST_BYTES = 2
"""16 bits: one change in 65,536 is missed. In return, many wrong guesses match too, so none can be confirmed."""


def derive_password(secret: str, username: str) -> str:
    """Return three groups like `Gkt4`, joined by hyphens. They depend on the secret and the case-folded username.

    About 43 bits, in characters that every keyboard has, always with upper case, lower case and a digit.
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
    """Return four hexadecimal digits that show whether the password setting changed, without revealing it."""
    return hashlib.pbkdf2_hmac("sha256", setting.encode(), DIGEST_PURPOSE, DIGEST_ROUNDS, DIGEST_BYTES).hex()
