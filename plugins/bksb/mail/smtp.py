"""The window on the mail server: hands over one message at a time, and knows what became of it."""

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
"""The Airflow connection that all mail goes through."""

FINAL_REPLY_SECONDS = 120.0
"""So long may the server look at a whole message before it answers; given up too soon, it would be sent again."""

ASKS_FOR_A_LOGIN = (530, 535, 538)


class Mailer:
    """Hands messages over to a mail server, through one SMTP session that is renewed when the server ends it.

    `connect` returns a session that is ready (encrypted, logged in) or raises an error of ours. `sender` is what
    stands in From, with or without a name. Addresses are in no error of this class: of what the server says, only
    its number is passed on.
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
                f"The sender of connection '{CONNECTION}' is no e-mail address: mend From email (extra from_email)."
            )

    @property
    def domain(self) -> str:
        """The part of the sender's address after the @."""
        return self._sender.domain if self._sender else ""

    def connect(self) -> smtplib.SMTP:
        """The session that is open, or a new one; TransientError or ConfigurationError when there is none to be had."""
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
        """End the session; messages handed over stay so, whatever the server says to that."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def send(self, message: EmailMessage) -> None:
        """Hand over one message to the one person in its To.

        Returns when the server has accepted it. Raises RejectedError when it refuses this person or message for
        good, TransientError when it did not take it now, DeliveryUnknownError when nobody can tell, ConfigurationError
        when it would take no message at all.
        """
        recipient = _parse_single_address(message["To"])
        if recipient is None:
            raise RejectedError("the address cannot be written into a message")
        international = not recipient.addr_spec.isascii()
        if international and not self.connect().has_extn("smtputf8"):
            raise RejectedError("the mail server takes no address with such letters")
        content = message.as_bytes(policy=SMTPUTF8 if international else SMTP)
        smtp = self._begin(["SMTPUTF8", "BODY=8BITMIME"] if international else [])
        code = self._ask(lambda: smtp.rcpt(recipient.addr_spec))
        if code in ASKS_FOR_A_LOGIN:
            raise self._reset_after(_login_error(code))
        self._expect(2, code)
        self._expect(3, self._ask(lambda: smtp.docmd("DATA")))
        self._expect(2, self._hand_over(smtp, content))

    def _begin(self, options: list[str]) -> smtplib.SMTP:
        """Name the sender; on a new session where the server has ended the old one since the last message."""
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
        if code in ASKS_FOR_A_LOGIN:
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
        """What the server answers to a step before the message itself."""
        try:
            code, _ = step()
        except (smtplib.SMTPException, OSError):
            code = -1
        if code in (-1, 421):
            self._drop()
            raise TransientError("The mail server ended the connection before it took the message.")
        return code

    def _hand_over(self, smtp: smtplib.SMTP, content: bytes) -> int:
        """Hand over the message itself; what the server says to it."""
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
            self._drop()
            raise DeliveryUnknownError("The mail server did not say whether it took the message.")
        if code == 421:
            self._drop()
        return code

    def _expect(self, kind: int, code: int) -> None:
        if code // 100 == kind:
            return
        if code // 100 == 5:
            raise self._reset_after(RejectedError(f"SMTP {code}"))
        raise self._reset_after(MessageDeferredError(f"The mail server did not take the message now (SMTP {code})."))

    def _reset_after(self, error: BksbSyncError) -> BksbSyncError:
        """The error to raise, once the session is ready for the next message."""
        if self._smtp is not None:
            try:
                self._smtp.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()
        return error

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


@contextmanager
def open_mailer(connect: Callable[[], smtplib.SMTP], sender: str) -> Iterator[Mailer]:
    """A Mailer for as long as the block lasts; it is connected at once, so that a server that is down shows."""
    mailer = Mailer(connect, sender)
    try:
        mailer.connect()
        yield mailer
    finally:
        mailer.close()


def translate_connect_error(error: Exception) -> BksbSyncError:
    """Our error for one that a connection attempt ended in, named by what to mend; its own text is dropped."""
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
            return TransientError(f"The mail server does not want to talk just now (SMTP {error.smtp_code}).")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return _login_error(error.smtp_code)
        return ConfigurationError(
            f"The mail server refuses to talk to this machine (SMTP {error.smtp_code}): check host and port of {where}."
        )
    # the provider hides a connection that was cut behind an exception of its own
    if isinstance(error, OSError) or isinstance(error.__context__, OSError):
        return TransientError(f"The mail server of {where} did not answer: check host, port and that it runs.")
    return ConfigurationError(
        f"No session with the mail server could be opened ({type(error).__name__}): check {where}, with OAuth2 its "
        "auth_type, access_token, client_id, client_secret, tenant_id and scope."
    )


def _login_error(code: int) -> ConfigurationError:
    return ConfigurationError(
        f"The mail server does not accept the log-in (SMTP {code}): check login and password of connection "
        f"'{CONNECTION}'."
    )


def find_recipient(message: EmailMessage) -> str | None:
    """The one address that a message goes to, as a mail server is told it; None where there is none, or several."""
    address = _parse_single_address(message["To"])
    return address.addr_spec if address else None


def _parse_single_address(header: object) -> Address | None:
    """The one address that a header's text amounts to; None where it is none, or several."""
    try:
        parsed = EmailMessage(policy=SMTP)
        parsed["To"] = str(header or "")
        (address,) = parsed["To"].addresses
    except (ValueError, IndexError, MessageError):
        return None
    return address if address.username and address.domain else None
