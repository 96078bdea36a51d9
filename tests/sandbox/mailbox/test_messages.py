"""The mailbox keeps messages; in a folder, they survive a restart."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.mailbox.messages import Mailbox
from sandbox.mailbox.server import MailServer
from sandbox.server import Sandbox
from tests.sandbox.mailbox.example_messages import invitation, send


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


def test_a_message_is_kept_with_its_envelope_and_headers(sandbox: Sandbox) -> None:
    send(sandbox.smtp_port, invitation())
    (message,) = sandbox.mailbox.wait_for(1)
    assert message.sender == "college@college.example"
    assert message.recipients == ("zoe@learner.example",)
    assert (message.subject, message.message_id) == ("Your bksb account", "<abc@college.example>")
    assert message.body("plain") == "Welcome, Zoë.\n"
    assert "<b>Zoë</b>" in (message.body("html") or "")


def test_recipients_come_from_the_envelope_and_not_from_the_header(sandbox: Sandbox) -> None:
    send(
        sandbox.smtp_port,
        invitation(to="list@learner.example"),
        ["one@learner.example", "two@learner.example"],
    )
    (message,) = sandbox.mailbox.messages(to="TWO@learner.example")
    assert message.recipients == ("one@learner.example", "two@learner.example")
    assert sandbox.mailbox.messages(to="list@learner.example") == []


def test_messages_in_a_folder_survive_a_restart(tmp_path: Path, listener: socket.socket) -> None:
    first = Mailbox(tmp_path)
    server = MailServer(first)
    server.start(listener)
    send(listener.getsockname()[1], invitation(subject="one"))
    send(listener.getsockname()[1], invitation(subject="two"), ["a@learner.example", "b@learner.example"])
    kept = first.wait_for(2)
    server.stop()
    second = Mailbox(tmp_path)
    assert [(one.number, one.subject, one.recipients, one.read()) for one in second.messages()] == [
        (one.number, one.subject, one.recipients, one.read()) for one in kept
    ]
    second.keep("college@college.example", ["c@learner.example"], b"Subject: three\r\n\r\n")
    assert [one.subject for one in second.messages()] == ["three", "two", "one"]


def test_waiting_for_a_missing_message_times_out_with_a_count() -> None:
    with pytest.raises(TimeoutError, match="0 messages after 0.01 s, not 1"):
        Mailbox().wait_for(1, seconds=0.01)


def test_malformed_messages_can_be_read() -> None:
    mailbox = Mailbox()
    mailbox.keep("", ["a@learner.example"], b"")
    mailbox.keep("", ["a@learner.example"], b"Subject: \xff\xfe\r\nMessage-ID: <[broken\r\n\r\n\xff")
    mailbox.keep("", ["a@learner.example"], b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla'")
    mailbox.keep("", ["a@learner.example"], b"Content-Type: image/png\r\n\r\nnot a text")
    assert [one.body("plain") for one in mailbox.messages()] == [None, "qapla'", "\ufffd", ""]
