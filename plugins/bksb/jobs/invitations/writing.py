"""Writes the message to one person from a template."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage

from bksb.errors import RejectedError
from bksb.jobs.invitations.due import DueMessage
from bksb.mail.messages import compose
from bksb.mail.smtp import Mailer, find_recipient
from bksb.mail.templates import TemplateKind, Templates, make_words
from bksb.model import Person
from bksb.settings import Settings


def write_message(
    settings: Settings,
    templates: Templates,
    mailer: Mailer,
    due: DueMessage,
    message_id: str,
    person: Person,
    now: datetime,
) -> EmailMessage | RejectedError:
    """Return the message, or why this person's address cannot be used. ConfigurationError if a template fails."""
    kind: TemplateKind = "reminder" if due.kind == "reminder" else "invitation"
    words = make_words(settings, kind, due.username, person.given_names or "", person.family_name or "")
    try:
        message = compose(
            templates.write(kind, words),
            sender=mailer.sender,
            to=person.email or "",
            message_id=message_id,
            now=now.astimezone(settings.timezone),
        )
    except RejectedError as error:
        return error
    if find_recipient(message) != person.email:
        return RejectedError("the address in the MIS is not valid in a message")
    return message
