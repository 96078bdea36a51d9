"""A mail server that delivers nothing. The mailbox keeps every message, to be read on its pages or by a test.

It refuses addresses at refused.example with 550, accepts all others, and plays faults (see MailFault).
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
    """Receives messages for a mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._controller: _SocketController | None = None

    def start(self, listener: socket.socket) -> None:
        """Serve SMTP on a bound socket until `stop`."""
        self._controller = _SocketController(_SmtpHandler(self._mailbox), listener)
        self._controller.start()

    def stop(self) -> None:
        """Stop serving. A second call does nothing."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None


class _SmtpHandler:
    """Answers the steps of an SMTP session. aiosmtpd finds the `handle_` methods by name."""

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
        """Accept any log-in, unless a fault refuses it."""
        return AuthResult(success=not self._mailbox.faults.strikes("refuses_login"), handled=False)

    def is_down(self) -> bool:
        """Return whether to cut a new connection."""
        return self._mailbox.faults.strikes("down")


async def _cut(server: SMTP) -> str:
    """Cut the connection. aiosmtpd cancels the session while this waits, so this never returns."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    await asyncio.Event().wait()
    return "421 Gone"


def _close(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


class _ConnectionCutter(asyncio.Protocol):
    """Closes a connection before the greeting."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class _SocketController(Controller):
    """Listens on a socket that is already bound, so that no other program can take the port in between."""

    def __init__(self, handler: _SmtpHandler, listener: socket.socket) -> None:
        # Messages of this logger contain addresses.
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
