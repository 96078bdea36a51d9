"""A mail server that delivers nothing: the mailbox keeps every message, for a page or a test to read.

It refuses addresses at refused.example with 550 and accepts every other one. It goes wrong on request: see MailFault.
"""

import asyncio
import logging
import re
import socket
from collections.abc import Coroutine
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from sandbox.mailbox.messages import Mailbox

REFUSED = re.compile(r"@refused\.example>?$", re.IGNORECASE)


class MailServer:
    """Takes messages in for a mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._controller: _SocketController | None = None

    def start(self, listener: socket.socket) -> None:
        """Serves SMTP on a bound socket until `stop`."""
        self._controller = _SocketController(_SmtpHandler(self._mailbox), listener)
        self._controller.start()

    def stop(self) -> None:
        """Stops serving; may be called again."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None


class _SmtpHandler:
    """What the SMTP server asks when mail comes in. aiosmtpd finds the `handle_` methods by their names."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(
        self, server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailbox.faults.strikes("refuses_sender"):
            return f"550 5.7.1 Not from {address}"
        if self._mailbox.faults.strikes("ends_session"):
            asyncio.get_running_loop().call_soon(_close, server)
            return "421 4.7.0 That was enough for one session"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        faults = self._mailbox.faults
        if faults.strikes("dies_before_data", [address]):
            return await _cut(server)
        if faults.strikes("later", [address]):
            return f"451 4.7.1 Come back later with {address}"
        if REFUSED.search(address) or faults.strikes("refuses", [address]):
            return f"550 5.1.1 No such mailbox here: {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: SmtpSession, envelope: Envelope) -> str:
        faults, recipients = self._mailbox.faults, envelope.rcpt_tos
        if faults.strikes("refuses_message", recipients):
            return f"554 5.6.0 Not this message to {', '.join(recipients)}"
        if faults.strikes("message_later", recipients):
            return f"452 4.3.1 No room for {', '.join(recipients)}"
        if faults.strikes("dies_in_data", recipients):
            return await _cut(server)
        self._mailbox.keep(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        if faults.strikes("dies_after_data", recipients):
            return await _cut(server)
        if faults.strikes("silent_after_data", recipients):
            await asyncio.Event().wait()
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: SmtpSession, _envelope: Envelope, _mechanism: str, _login: object
    ) -> AuthResult:
        """Any log-in will do, unless a fault says otherwise."""
        return AuthResult(success=not self._mailbox.faults.strikes("refuses_login"), handled=False)

    def is_down(self) -> bool:
        """Whether the connection that comes in is cut."""
        return self._mailbox.faults.strikes("down")


async def _cut(server: SMTP) -> str:
    """Ends the connection at once; the session is cancelled while it waits here."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    await asyncio.Event().wait()
    return "421 Gone"


def _close(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


class _ConnectionCutter(asyncio.Protocol):
    """Cuts a connection before a word is said."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _SocketController(Controller):
    """Listens on a socket that is already bound, so that no port is picked first and lost before it is used."""

    def __init__(self, handler: _SmtpHandler, listener: socket.socket) -> None:
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
        self._smtp_handler = handler

    def factory(self) -> SMTP:
        served: SMTP = super().factory()  # type: ignore[no-untyped-call]
        return _ConnectionCutter() if self._smtp_handler.is_down() else served  # type: ignore[return-value]

    def _create_server(self) -> Coroutine[Any, Any, asyncio.Server]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)
