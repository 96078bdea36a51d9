"""Composes e-mails to learners and staff."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from bksb.errors import RejectedError


@dataclass(frozen=True)
class Letter:
    """The subject and text of a message. `repr` shows neither, because most are about one person."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)


def compose(letter: Letter, *, sender: str, to: str, message_id: str, now: datetime) -> EmailMessage:
    """Make an e-mail from the letter, as text and, if the letter has it, HTML.

    RejectedError if the address is not valid in a header.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id
        # prevents out-of-office replies to the sender
        message["Auto-Submitted"] = "auto-generated"
        # 7-bit and short lines, so that no mail server has to re-encode it
        message.set_content(_make_encodable(letter.text), cte="quoted-printable")
        if letter.html is not None:
            message.add_alternative(_make_encodable(letter.html), subtype="html", cte="quoted-printable")
    except (ValueError, IndexError, MessageError):
        raise RejectedError("the address is not valid in a message") from None
    return message


def _make_encodable(text: str) -> str:
    """Remove what an e-mail cannot contain: NUL and lone surrogates."""
    return re.sub(r"[\0\ud800-\udfff]", "", text)
