"""The messages in the mailbox, kept in memory or in a folder."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import partial
from pathlib import Path
from typing import Literal

from sandbox.mailbox.faults import MailFaults

ENVELOPE_HEADER = b"X-Sandbox-Envelope: "


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted message. Sender and recipients come from the SMTP envelope, the other fields from the headers."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    message_id: str
    read: Callable[[], bytes]
    """Returns the whole message as it arrived."""

    @property
    def email(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.read(), policy=policy.default)

    def body(self, kind: Literal["plain", "html"]) -> str | None:
        """Return the text or HTML body, with plain line ends, or None if there is none."""
        part = self.email.get_body((kind,))
        if part is None:
            return None
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        try:
            text = content.decode(part.get_content_charset("utf-8"), "replace")
        except LookupError:
            text = content.decode("utf-8", "replace")
        return text.replace("\r\n", "\n")


class Mailbox:
    """All messages, as .eml files in a folder if one is given, otherwise in memory. Thread-safe."""

    def __init__(self, folder: Path | None = None) -> None:
        self.faults = MailFaults()
        """Faults of the mail server. None is on at first."""
        self._folder = folder
        self._arrived = threading.Condition()
        self._messages: dict[int, Message] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.eml")):
                self._messages[int(path.stem)] = _read_message(path)

    def messages(self, to: str | None = None) -> list[Message]:
        """Return the messages, newest first. `to`: only those to this address, in any case."""
        with self._arrived:
            found = list(self._messages.values())[::-1]
        return [one for one in found if to is None or to.lower() in (each.lower() for each in one.recipients)]

    def message(self, number: int) -> Message | None:
        """Return a message by its number."""
        with self._arrived:
            return self._messages.get(number)

    def wait_for(self, count: int, seconds: float = 10) -> list[Message]:
        """Wait until there are `count` messages, and return all of them, newest first. Raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._messages) >= count, seconds):
                raise TimeoutError(f"{len(self._messages)} messages after {seconds} s, not {count}.")
            return self.messages()

    def keep(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Add a message. With a folder, the whole message is on disk when this returns."""
        with self._arrived:
            number = next(reversed(self._messages), 0) + 1
            read: Callable[[], bytes]
            if self._folder is None:
                read = partial(bytes, content)
            else:
                path = self._folder / f"{number:08d}.eml"
                _write_whole(path, _encode_envelope(sender, recipients) + content)
                read = partial(_read_content, path)
            self._messages[number] = _parse_message(number, sender, recipients, content, read)
            self._arrived.notify_all()


def _parse_message(
    number: int, sender: str, recipients: list[str], content: bytes, read: Callable[[], bytes]
) -> Message:
    headers = BytesHeaderParser(policy=policy.default).parsebytes(content)
    raw = {name.lower(): _clean_header(value) for name, value in headers.raw_items()}
    return Message(
        number=number,
        sender=sender,
        recipients=tuple(recipients),
        subject=_clean_header(headers["Subject"] or ""),
        date=raw.get("date", ""),
        message_id=raw.get("message-id", ""),
        read=read,
    )


def _clean_header(header: object) -> str:
    """Return a header as valid Unicode, whatever bytes arrived."""
    return str(header).strip().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _encode_envelope(sender: str, recipients: list[str]) -> bytes:
    """Return the first line of a stored file: sender and recipients, which can differ from those in the headers."""
    return ENVELOPE_HEADER + json.dumps({"from": sender, "to": recipients}).encode() + b"\r\n"


def _read_message(path: Path) -> Message:
    envelope, content = path.read_bytes().split(b"\r\n", 1)
    kept = json.loads(envelope.removeprefix(ENVELOPE_HEADER))
    return _parse_message(int(path.stem), kept["from"], kept["to"], content, partial(_read_content, path))


def _read_content(path: Path) -> bytes:
    return path.read_bytes().split(b"\r\n", 1)[1]


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
