"""A mail server that delivers nothing: it keeps every message, to be read on a page or by a test.

It goes wrong on request: `mailbox.faults.add(MailFault("dies_after_data", times=1))`.
"""

import asyncio
import json
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import partial
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from aiosmtpd.smtp import Session as SmtpSession

REFUSED = re.compile(r"@refused\.example>?$", re.IGNORECASE)
ENVELOPE_HEADER = b"X-Sandbox-Envelope: "

MAIL_FAULTS = {
    "down": "Every connection is cut before a word is said.",
    "refuses_login": "Status 535 to every log-in; otherwise any is accepted, and none is needed.",
    "refuses_sender": "Status 550 to the sender.",
    "ends_session": "Status 421 to the sender, and the session ends: so many messages and no more.",
    "later": "Status 451 to the recipient: not now.",
    "refuses": "Status 550 to the recipient, whoever it is.",
    "dies_before_data": "The connection is cut when the recipient is named; nothing is kept.",
    "refuses_message": "Status 554 to the message, once it is there.",
    "message_later": "Status 452 to the message, once it is there: not now.",
    "dies_in_data": "The connection is cut once the message is there; it is not kept.",
    "dies_after_data": "The message is kept, then the connection is cut without an answer.",
    "silent_after_data": "The message is kept, and no answer comes.",
}
"""What can go wrong with the mail server, and what it plays."""


class MailFaultError(ValueError):
    """There is no such fault; the text says what there is."""


@dataclass(frozen=True, slots=True)
class MailFault:
    """Something that goes wrong with the mail server. MailFaultError for a kind that is not in MAIL_FAULTS."""

    kind: str
    to: str | None = None
    """Only for this recipient, in any case; `down`, `refuses_login` and those about the sender know none."""
    after: int = 0
    """So many times all goes well first."""
    times: int | None = None
    """So often it is played; for ever if left out."""

    def __post_init__(self) -> None:
        if self.kind not in MAIL_FAULTS:
            raise MailFaultError(f"There is no mail fault {self.kind!r}. There are: {', '.join(MAIL_FAULTS)}.")


class MailFaults:
    """The faults that are on. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: list[tuple[MailFault, list[int]]] = []

    def add(self, *faults: MailFault) -> None:
        """Switches faults on, from the next step of a session on."""
        with self._lock:
            self._met += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """Switches all of them off."""
        with self._lock:
            self._met.clear()

    def play(self, kind: str, recipients: list[str] | None = None) -> bool:
        """Whether a fault of this kind is to be played here; counts that it was met."""
        with self._lock:
            for fault, met in self._met:
                named = fault.to is None or fault.to.lower() in (one.lower() for one in recipients or ())
                if fault.kind == kind and named:
                    met[0] += 1
                    if met[0] > fault.after and (fault.times is None or met[0] <= fault.after + fault.times):
                        return True
            return False


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted message. Sender and recipients are those of the envelope, the rest comes from the headers."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    message_id: str
    read: Callable[[], bytes]
    """The message as it arrived."""

    @property
    def email(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.read(), policy=policy.default)

    def body(self, kind: Literal["plain", "html"]) -> str | None:
        """Its text of that kind, with plain line ends; None if it has none."""
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
    """The messages so far: .eml files of the folder if one is given, else in memory. Safe to use from many threads.

    Addresses at refused.example are refused with 550, every other one is accepted.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.faults = MailFaults()
        """What goes wrong; nothing at first."""
        self._folder = folder
        self._arrived = threading.Condition()
        self._messages: dict[int, Message] = {}
        self._controller: _SocketController | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.eml")):
                self._messages[int(path.stem)] = _stored(path)

    def messages(self, to: str | None = None) -> list[Message]:
        """Newest first; only those to one address, in any case, if it is given."""
        with self._arrived:
            found = list(self._messages.values())[::-1]
        return [one for one in found if to is None or to.lower() in (each.lower() for each in one.recipients)]

    def message(self, number: int) -> Message | None:
        """One message by its number."""
        with self._arrived:
            return self._messages.get(number)

    def wait_for(self, count: int, seconds: float = 10) -> list[Message]:
        """The messages, newest first, as soon as there are `count`; TimeoutError after so many seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._messages) >= count, seconds):
                raise TimeoutError(f"{len(self._messages)} messages after {seconds} s, not {count}.")
            return self.messages()

    def keep(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Takes a message in; with a folder it is on disk, whole, when this returns."""
        with self._arrived:
            number = next(reversed(self._messages), 0) + 1
            read: Callable[[], bytes]
            if self._folder is None:
                read = partial(bytes, content)
            else:
                path = self._folder / f"{number:08d}.eml"
                _write_whole(path, _envelope(sender, recipients) + content)
                read = partial(_read_content, path)
            self._messages[number] = _message(number, sender, recipients, content, read)
            self._arrived.notify_all()

    def start(self, listener: socket.socket) -> None:
        """Serves SMTP on a bound socket until `stop`."""
        self._controller = _SocketController(_Reception(self), listener)
        self._controller.start()

    def stop(self) -> None:
        """Stops serving; the messages stay readable."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None


def _message(number: int, sender: str, recipients: list[str], content: bytes, read: Callable[[], bytes]) -> Message:
    headers = BytesHeaderParser(policy=policy.default).parsebytes(content)
    raw = {name.lower(): _clean(value) for name, value in headers.raw_items()}
    return Message(
        number=number,
        sender=sender,
        recipients=tuple(recipients),
        subject=_clean(headers["Subject"] or ""),
        date=raw.get("date", ""),
        message_id=raw.get("message-id", ""),
        read=read,
    )


def _clean(header: object) -> str:
    """A header as text that can be written anywhere, whatever bytes came in."""
    return str(header).strip().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _envelope(sender: str, recipients: list[str]) -> bytes:
    """A first line for the stored file, as the recipients need not be those of the headers."""
    return ENVELOPE_HEADER + json.dumps({"from": sender, "to": recipients}).encode() + b"\r\n"


def _stored(path: Path) -> Message:
    envelope, content = path.read_bytes().split(b"\r\n", 1)
    kept = json.loads(envelope.removeprefix(ENVELOPE_HEADER))
    return _message(int(path.stem), kept["from"], kept["to"], content, partial(_read_content, path))


def _read_content(path: Path) -> bytes:
    return path.read_bytes().split(b"\r\n", 1)[1]


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


class _Reception:
    """What the SMTP server asks when mail comes in."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(
        self, server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailbox.faults.play("refuses_sender"):
            return f"550 5.7.1 Not from {address}"
        if self._mailbox.faults.play("ends_session"):
            asyncio.get_running_loop().call_soon(_close, server)
            return "421 4.7.0 That was enough for one session"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        faults = self._mailbox.faults
        if faults.play("dies_before_data", [address]):
            return await _cut(server)
        if faults.play("later", [address]):
            return f"451 4.7.1 Come back later with {address}"
        if REFUSED.search(address) or faults.play("refuses", [address]):
            return f"550 5.1.1 No such mailbox here: {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: SmtpSession, envelope: Envelope) -> str:
        faults, recipients = self._mailbox.faults, envelope.rcpt_tos
        if faults.play("refuses_message", recipients):
            return f"554 5.6.0 Not this message to {', '.join(recipients)}"
        if faults.play("message_later", recipients):
            return f"452 4.3.1 No room for {', '.join(recipients)}"
        if faults.play("dies_in_data", recipients):
            return await _cut(server)
        self._mailbox.keep(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        if faults.play("dies_after_data", recipients):
            return await _cut(server)
        if faults.play("silent_after_data", recipients):
            await asyncio.Event().wait()
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: SmtpSession, _envelope: Envelope, _mechanism: str, _login: object
    ) -> AuthResult:
        """Any log-in will do."""
        return AuthResult(success=not self._mailbox.faults.play("refuses_login"), handled=False)

    def is_down(self) -> bool:
        """Whether the connection that comes in is to be cut."""
        return self._mailbox.faults.play("down")


async def _cut(server: SMTP) -> str:
    """Ends the connection at once; the session is cancelled while it waits here."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    await asyncio.Event().wait()
    return "421 Gone"


def _close(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


class _Nobody(asyncio.Protocol):
    """Cuts a connection before a word is said."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _SocketController(Controller):
    """Listens on a socket that is already bound, so that no port is picked first and lost before it is used."""

    def __init__(self, handler: _Reception, listener: socket.socket) -> None:
        # This log names addresses.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        host, port = listener.getsockname()
        super().__init__(
            handler,
            hostname=host,
            port=port,
            enable_SMTPUTF8=True,
            server_hostname="sandbox.example",
            authenticator=handler.authenticate,
            auth_require_tls=False,
        )
        self._listener = listener
        self._reception = handler

    def factory(self) -> SMTP:
        served: SMTP = super().factory()  # type: ignore[no-untyped-call]
        return _Nobody() if self._reception.is_down() else served  # type: ignore[return-value]

    def _create_server(self) -> Coroutine[Any, Any, asyncio.Server]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)
