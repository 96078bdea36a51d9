"""The mailer over real SMTP: it reports each outcome, including an unknown one, and names no person."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from datetime import UTC, datetime

import pytest

from bksb.errors import ConfigurationError, DeliveryUnknownError, MessageDeferredError, RejectedError, TransientError
from bksb.mail.messages import Letter, compose
from bksb.mail.smtp import Mailer, open_mailer, translate_connect_error
from sandbox.mailbox.faults import MailFault, MailFaultError
from tests.conftest import SENDER, mailer_of, smtp_of

WHO = "unmistakeable.zebedee@learner.example"


def letter_to(to: str = WHO, *, message_id: str = "<1@college.example>", text: str = "Hello Zebedee\n"):
    letter = Letter("Zebedee, your account", text, "<p>Hello Zebedee</p>")
    return compose(letter, sender=SENDER, to=to, message_id=message_id, now=datetime(2026, 11, 23, 8, 0, tzinfo=UTC))


@pytest.fixture
def mailer(sandbox):
    with mailer_of(sandbox) as opened:
        yield opened


@pytest.fixture(autouse=True)
def require_no_name_in_logs(caplog):
    caplog.set_level(logging.DEBUG, logger="bksb")
    yield
    assert "zebedee" not in caplog.text.lower()


def fails(mailer, kind, message=None):
    """Send, and check that the error is of this kind and does not name the person."""
    with pytest.raises(kind) as caught:
        mailer.send(message or letter_to())
    assert type(caught.value) is kind
    assert "zebedee" not in f"{caught.value!r} {caught.value}".lower()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def test_an_accepted_message_arrives_complete_in_text_and_html(sandbox, mailer):
    mailer.send(letter_to(text=".leading dot\n..two\nlong " + "x" * 2000 + "\n"))
    (message,) = sandbox.mailbox.messages()
    assert (message.sender, message.recipients) == ("skills@college.example", (WHO,))
    assert message.email["From"] == SENDER
    assert message.email["Auto-Submitted"] == "auto-generated"
    assert message.message_id == "<1@college.example>"
    assert message.email.get_content_type() == "multipart/alternative"
    assert message.body("plain") == ".leading dot\n..two\nlong " + "x" * 2000 + "\n"
    assert message.body("html") == "<p>Hello Zebedee</p>\n"
    assert all(len(line) < 998 for line in message.read().split(b"\r\n"))


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [("refuses", RejectedError, "SMTP 550"), ("refuses_message", RejectedError, "SMTP 554")],
)
def test_a_refused_message_does_not_end_the_session(sandbox, mailer, kind, error, reason):
    sandbox.mailbox.faults.add(MailFault(kind, to=WHO))
    assert fails(mailer, error).reason == reason
    mailer.send(letter_to("next@learner.example"))
    assert [message.recipients for message in sandbox.mailbox.messages()] == [("next@learner.example",)]


@pytest.mark.parametrize(("kind", "code"), [("later", 451), ("message_later", 452)])
def test_a_deferred_message_can_be_sent_later_in_the_same_session(sandbox, mailer, kind, code):
    sandbox.mailbox.faults.add(MailFault(kind, times=1))
    assert str(code) in str(fails(mailer, MessageDeferredError))
    mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == 1


def test_a_connection_lost_before_the_message_means_that_it_was_not_sent(sandbox, mailer):
    sandbox.mailbox.faults.add(MailFault("dies_before_data", times=1))
    fails(mailer, TransientError)
    assert sandbox.mailbox.messages() == []
    mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == 1


@pytest.mark.parametrize(("kind", "kept"), [("dies_in_data", 0), ("dies_after_data", 1)])
def test_a_connection_lost_after_the_message_means_unknown_delivery(sandbox, mailer, kind, kept):
    sandbox.mailbox.faults.add(MailFault(kind, times=1))
    fails(mailer, DeliveryUnknownError)
    assert len(sandbox.mailbox.messages()) == kept
    mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == kept + 1


def test_a_server_that_does_not_reply_to_a_message_means_unknown_delivery(sandbox):
    sandbox.mailbox.faults.add(MailFault("silent_after_data"))
    mailer = Mailer(lambda: smtp_of(sandbox), SENDER, final_reply_seconds=0.2)
    fails(mailer, DeliveryUnknownError)
    assert len(sandbox.mailbox.messages()) == 1


def test_the_mailer_reconnects_when_the_server_has_ended_the_session(sandbox, mailer):
    mailer.send(letter_to())
    sandbox.mailbox.faults.add(MailFault("ends_session", times=1))
    mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == 2


def test_the_mailer_does_not_reconnect_endlessly(sandbox, mailer):
    sandbox.mailbox.faults.add(MailFault("ends_session"))
    fails(mailer, TransientError)


def test_a_refused_sender_is_a_configuration_error(sandbox, mailer):
    sandbox.mailbox.faults.add(MailFault("refuses_sender"))
    assert "from_email" in str(fails(mailer, ConfigurationError))


def test_a_server_that_is_down_or_unreachable_is_a_transient_error(sandbox):
    sandbox.mailbox.faults.add(MailFault("down"))
    with pytest.raises(TransientError, match="did not answer"), mailer_of(sandbox):
        pytest.fail("opened")
    sandbox.mail_server.stop()
    with pytest.raises(TransientError, match="did not answer"), mailer_of(sandbox):
        pytest.fail("opened")


def test_a_server_that_goes_down_between_messages_can_be_tried_later(sandbox, mailer):
    mailer.send(letter_to())
    sandbox.mailbox.faults.add(MailFault("down"), MailFault("ends_session", times=1))
    fails(mailer, TransientError)
    sandbox.mailbox.faults.clear()
    mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == 2


def test_a_non_ascii_address_is_used_if_the_server_supports_it(sandbox, mailer):
    mailer.send(letter_to("zoë@lärner.example"))
    (message,) = sandbox.mailbox.messages()
    assert message.recipients == ("zoë@lärner.example",)


def test_a_non_ascii_address_is_rejected_if_the_server_does_not_support_it(sandbox):
    def without_utf8() -> smtplib.SMTP:
        smtp = smtp_of(sandbox)
        smtp.ehlo()
        del smtp.esmtp_features["smtputf8"]
        return smtp

    with open_mailer(without_utf8, SENDER) as mailer:
        fails(mailer, RejectedError, letter_to("zebedee.zoë@learner.example"))
        mailer.send(letter_to())
    assert len(sandbox.mailbox.messages()) == 1


@pytest.mark.parametrize(
    "address",
    [
        "zebedee@learner.example\r\nBcc: everybody@learner.example",
        "zebedee@learner.example, everybody@learner.example",
        "zebedee@learner.example\r\n.\r\nMAIL FROM:<x@y.example>",
        "zebedee",
        "@learner.example",
        "",
    ],
)
def test_no_address_adds_a_header_a_command_or_a_recipient(sandbox, mailer, address):
    with pytest.raises(RejectedError) as caught:
        mailer.send(letter_to(address))
    assert "zebedee" not in str(caught.value)
    assert sandbox.mailbox.messages() == []


@pytest.mark.parametrize("sender", ["", "no address", "a@b.example, c@d.example", "a@b.example\nBcc: x@y.example"])
def test_a_sender_that_is_not_an_address_is_a_configuration_error(sandbox, sender):
    with pytest.raises(ConfigurationError, match="from_email"), open_mailer(lambda: smtp_of(sandbox), sender):
        pytest.fail("opened")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (smtplib.SMTPAuthenticationError(535, b"zebedee"), ConfigurationError, "login and password"),
        (smtplib.SMTPAuthenticationError(454, b"zebedee"), TransientError, "454"),
        (smtplib.SMTPNotSupportedError("zebedee"), ConfigurationError, "disable_tls"),
        (smtplib.SMTPConnectError(421, b"zebedee"), TransientError, "421"),
        (smtplib.SMTPConnectError(554, b"zebedee"), ConfigurationError, "host and port"),
        (smtplib.SMTPServerDisconnected("zebedee"), TransientError, "did not answer"),
        (ssl.SSLError("zebedee"), ConfigurationError, "disable_ssl"),
        (ConnectionRefusedError("zebedee"), TransientError, "did not answer"),
        (socket.gaierror("zebedee"), TransientError, "did not answer"),
        (TimeoutError("zebedee"), TransientError, "did not answer"),
        (RuntimeError("zebedee"), ConfigurationError, "OAuth2"),
    ],
)
def test_a_failed_connection_names_what_to_correct(error, kind, says):
    ours = translate_connect_error(error)
    assert type(ours) is kind and says in str(ours) and "zebedee" not in str(ours)


def test_an_error_of_the_airflow_provider_is_translated_by_its_cause():
    with pytest.raises(RuntimeError) as caught:
        try:
            raise smtplib.SMTPServerDisconnected
        except smtplib.SMTPServerDisconnected:
            raise RuntimeError("Unable to connect to smtp server")  # noqa: B904 - like the provider
    assert type(translate_connect_error(caught.value)) is TransientError


def test_the_sandbox_rejects_an_unknown_fault():
    with pytest.raises(MailFaultError, match="dies_after_data"):
        MailFault("explodes")


def test_a_task_that_is_stopped_in_the_middle_of_a_message_does_not_wait_for_the_server(sandbox):
    commands: list[bytes] = []

    class Stopped(smtplib.SMTP):
        def send(self, s):
            content = s if isinstance(s, bytes) else s.encode()
            if content.endswith(b"\r\n.\r\n"):
                raise KeyboardInterrupt
            commands.append(content)
            super().send(s)

    def connect() -> smtplib.SMTP:
        return Stopped("127.0.0.1", sandbox.smtp_port, timeout=60)

    with pytest.raises(KeyboardInterrupt), open_mailer(connect, SENDER) as opened:
        opened.send(letter_to())
    assert commands[-1].strip().upper() == b"DATA"
    assert sandbox.mailbox.messages() == []
