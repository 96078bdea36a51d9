"""Sends messages to the mail server one at a time, and reports the outcome of each."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from bksb.errors import (
    BksbSyncError,
    ConfigurationError,
    DeliveryUnknownError,
    MessageDeferredError,
    RejectedError,
    TransientError,
)

CONNECTION = "smtp_default"
"""The Airflow connection used for all e-mail."""

FINAL_REPLY_SECONDS = 120.0
"""Seconds to wait for the reply to a complete message. If we stop too early, an accepted message is sent twice."""

LOGIN_REQUIRED_CODES = (530, 535, 538)


class Mailer:
    """Sends messages through one SMTP session, which it reopens when the server ends it.

    `connect` returns a session that is encrypted and logged in, or raises one of our errors. `sender` is the From
    header. No error contains an address: of a server's reply, only the code is passed on.
    """

    def __init__(
        self,
        connect: Callable[[], smtplib.SMTP],
        sender: str,
        *,
        final_reply_seconds: float = FINAL_REPLY_SECONDS,
    ) -> None:
        self._connect = connect
        self._final_reply_seconds = final_reply_seconds
        self._smtp: smtplib.SMTP | None = None
        self.sender = sender
        self._sender = _parse_single_address(sender)
        if self._sender is None:
            raise ConfigurationError(
                f"The sender of connection '{CONNECTION}' is not an address: correct From email (extra from_email)."
            )

    @property
    def domain(self) -> str:
        """The part of the sender's address after the @."""
        return self._sender.domain if self._sender else ""

    def connect(self) -> smtplib.SMTP:
        """Return the open session, or open one. Raises TransientError or ConfigurationError if that fails."""
        if self._smtp is None:
            smtp = self._connect()
            try:
                smtp.ehlo_or_helo_if_needed()
            except (smtplib.SMTPException, OSError) as error:
                smtp.close()
                raise translate_connect_error(error) from None
            self._smtp = smtp
        return self._smtp

    def close(self) -> None:
        """End the session, and ignore the server's reply: messages that it accepted stay accepted."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def send(self, message: EmailMessage) -> None:
        """Send one message to the one person in its To header. Returns when the server has accepted it.

        Raises RejectedError if the server refuses this person or message permanently, TransientError if it did not
        accept the message now, DeliveryUnknownError if it may or may not have accepted it, and ConfigurationError if
        it would refuse every message.
        """
        recipient = _parse_single_address(message["To"])
        if recipient is None:
            raise RejectedError("the address is not valid in a message")
        international = not recipient.addr_spec.isascii()
        if international and not self.connect().has_extn("smtputf8"):
            raise RejectedError("the mail server accepts only addresses in ASCII letters")
        content = message.as_bytes(policy=SMTPUTF8 if international else SMTP)
        smtp = self._begin(["SMTPUTF8", "BODY=8BITMIME"] if international else [])
        code = self._ask(lambda: smtp.rcpt(recipient.addr_spec))
        if code in LOGIN_REQUIRED_CODES:
            raise self._reset_after(_login_error(code))
        self._expect(2, code)
        self._expect(3, self._ask(lambda: smtp.docmd("DATA")))
        self._expect(2, self._hand_over(smtp, content))

    def _begin(self, options: list[str]) -> smtplib.SMTP:
        """Name the sender, in a new session if the server has ended the old one since the last message."""
        reused = self._smtp is not None
        try:
            return self._name_sender(options)
        except TransientError:
            if not reused or self._smtp is not None:
                raise
        return self._name_sender(options)

    def _name_sender(self, options: list[str]) -> smtplib.SMTP:
        smtp = self.connect()
        address = self._sender.addr_spec if self._sender else ""
        code = self._ask(lambda: smtp.mail(address, options))
        if code in LOGIN_REQUIRED_CODES:
            raise self._reset_after(_login_error(code))
        if code // 100 == 5 and not options:
            raise self._reset_after(
                ConfigurationError(
                    f"The mail server refuses the sender (SMTP {code}): check From email (extra from_email) and "
                    f"the log-in of connection '{CONNECTION}'."
                )
            )
        self._expect(2, code)
        return smtp

    def _ask(self, step: Callable[[], tuple[int, bytes]]) -> int:
        """Run one step before the message itself; returns the reply code."""
        try:
            code, _ = step()
        except (smtplib.SMTPException, OSError):
            code = -1
        if code in (-1, 421):
            self.cut_off()
            raise TransientError("The mail server ended the connection before it accepted the message.")
        return code

    def _hand_over(self, smtp: smtplib.SMTP, content: bytes) -> int:
        """Send the message itself; returns the reply code."""
        dotted = re.sub(rb"(?m)^\.", b"..", content)
        try:
            if smtp.sock:
                waits = smtp.sock.gettimeout()
                smtp.sock.settimeout(self._final_reply_seconds)
            smtp.send(dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, _ = smtp.getreply()
            if smtp.sock:
                smtp.sock.settimeout(waits)
        except (smtplib.SMTPException, OSError):
            code = -1
        if code == -1:
            self.cut_off()
            raise DeliveryUnknownError("The mail server did not confirm the message: it may have accepted it.")
        if code == 421:
            self.cut_off()
        return code

    def _expect(self, kind: int, code: int) -> None:
        if code // 100 == kind:
            return
        if code // 100 == 5:
            raise self._reset_after(RejectedError(f"SMTP {code}"))
        raise self._reset_after(MessageDeferredError(f"The mail server deferred the message (SMTP {code})."))

    def _reset_after(self, error: BksbSyncError) -> BksbSyncError:
        """Reset the session for the next message; returns the error to raise."""
        if self._smtp is not None:
            try:
                self._smtp.rset()
            except (smtplib.SMTPException, OSError):
                self.cut_off()
        return error

    def cut_off(self) -> None:
        """End the session without a word to the server. It discards a message that is not complete."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


@contextmanager
def open_mailer(connect: Callable[[], smtplib.SMTP], sender: str) -> Iterator[Mailer]:
    """Open a Mailer for a `with` block. Connects at once, so that a server that is down is noticed early.

    An exception cuts the session off: in the middle of a message, a server answers nothing, not even QUIT.
    """
    mailer = Mailer(connect, sender)
    try:
        mailer.connect()
        yield mailer
    except BaseException:
        mailer.cut_off()
        raise
    mailer.close()


def translate_connect_error(error: Exception) -> BksbSyncError:
    """Turn an error of a connection attempt into ours, which says what to correct. Drops the original text."""
    where = f"connection '{CONNECTION}'"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ConfigurationError(
            f"The mail server does not offer what {where} asks for: without STARTTLS set extra disable_tls, without "
            "a log-in leave login and password empty."
        )
    if isinstance(error, ssl.SSLError):
        return ConfigurationError(
            f"No encryption could be agreed on with the mail server: check port, disable_ssl and disable_tls of {where}"
            " (465 is SSL; 587 and 25 are not, and need disable_ssl), and that its certificate is valid."
        )
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code // 100 != 5:
            return TransientError(f"The mail server accepts no connections now (SMTP {error.smtp_code}).")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return _login_error(error.smtp_code)
        return ConfigurationError(
            f"The mail server refuses connections from this machine (SMTP {error.smtp_code}): check host and port of "
            f"{where}, and which machines the server accepts."
        )
    # the Airflow provider wraps a lost connection in its own exception
    if isinstance(error, OSError) or isinstance(error.__context__, OSError):
        return TransientError(f"The mail server of {where} did not answer: check host, port and that it runs.")
    return ConfigurationError(
        f"The session with the mail server could not be opened ({type(error).__name__}): check {where}; with OAuth2, "
        "also auth_type, access_token, client_id, client_secret, tenant_id and scope."
    )


def _login_error(code: int) -> ConfigurationError:
    return ConfigurationError(
        f"The mail server does not accept the log-in (SMTP {code}): check login and password of connection "
        f"'{CONNECTION}'."
    )


def find_recipient(message: EmailMessage) -> str | None:
    """Return the one address that a message goes to, as sent to the mail server; None if it has none or several."""
    address = _parse_single_address(message["To"])
    return address.addr_spec if address else None


def _parse_single_address(header: object) -> Address | None:
    """Return the one address in the text of a header; None if it has none or several."""
    try:
        parsed = EmailMessage(policy=SMTP)
        parsed["To"] = str(header or "")
        (address,) = parsed["To"].addresses
    except (ValueError, IndexError, MessageError):
        return None
    return address if address.username and address.domain else None
