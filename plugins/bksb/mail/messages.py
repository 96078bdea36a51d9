"""Composes e-mails, for learners and for staff."""

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
    """What a message says. Most are about one person, so nothing is in `repr`."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)


def compose(letter: Letter, *, sender: str, to: str, message_id: str, now: datetime) -> EmailMessage:
    """The letter as a message, in text and, where it has any, in HTML.

    RejectedError if the address cannot stand in a header.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id
        # keeps out-of-office replies away from the sender
        message["Auto-Submitted"] = "auto-generated"
        # in seven bits and short lines, so that no server on the way has to change it
        message.set_content(_make_encodable(letter.text), cte="quoted-printable")
        if letter.html is not None:
            message.add_alternative(_make_encodable(letter.html), subtype="html", cte="quoted-printable")
    except (ValueError, IndexError, MessageError):
        raise RejectedError("the address cannot be written into a message") from None
    return message


def _make_encodable(text: str) -> str:
    """The text without what no e-mail can carry: NUL, and halves of characters."""
    return re.sub(r"[\0\ud800-\udfff]", "", text)
