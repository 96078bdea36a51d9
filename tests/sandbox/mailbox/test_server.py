"""The mailbox over real SMTP, and its pages over real HTTP."""

import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from sandbox.mailbox.server import MAIL_FAULTS, Mailbox, MailFault, MailFaults
from sandbox.server import Sandbox
from tests.conftest import repository


def invitation(to: str = "zoe@learner.example", subject: str = "Your bksb account") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "college@college.example"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Mon, 23 Nov 2026 07:30:00 +0000"
    message["Message-ID"] = "<abc@college.example>"
    message.set_content("Welcome, Zoë.\n")
    message.add_alternative("<p>Welcome, <b>Zoë</b>.</p><script>alert(1)</script>", subtype="html")
    return message


def send(port: int, message: EmailMessage, to: list[str] | None = None) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        return smtp.send_message(message, to_addrs=to)


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


def test_recipients_are_those_of_the_envelope_not_of_the_header(sandbox: Sandbox) -> None:
    send(
        sandbox.smtp_port,
        invitation(to="list@learner.example"),
        ["one@learner.example", "two@learner.example"],
    )
    (message,) = sandbox.mailbox.messages(to="TWO@learner.example")
    assert message.recipients == ("one@learner.example", "two@learner.example")
    assert sandbox.mailbox.messages(to="list@learner.example") == []


@pytest.mark.parametrize("address", ["nobody@refused.example", "Nobody@REFUSED.example"])
def test_an_address_that_is_refused_gets_550_and_no_message(sandbox: Sandbox, address: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(sandbox.smtp_port, invitation(to=address))
    assert [code for code, _ in refusal.value.recipients.values()] == [550]
    assert sandbox.mailbox.messages() == []


def test_a_refused_address_does_not_keep_the_message_from_others(sandbox: Sandbox) -> None:
    refused = send(sandbox.smtp_port, invitation(), ["zoe@learner.example", "nobody@refused.example"])
    assert list(refused) == ["nobody@refused.example"]
    (message,) = sandbox.mailbox.wait_for(1)
    assert message.recipients == ("zoe@learner.example",)


def test_an_address_that_only_looks_like_a_refused_one_is_accepted(sandbox: Sandbox) -> None:
    send(sandbox.smtp_port, invitation(to="zoe@notrefused.example"))
    send(sandbox.smtp_port, invitation(to="zoe@refused.example.learner.example"))
    assert len(sandbox.mailbox.wait_for(2)) == 2


def test_addresses_and_names_outside_ascii_are_accepted(sandbox: Sandbox) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        smtp.send_message(invitation(to="zoë@learner.example", subject="Grüße für Łucja"))
    (message,) = sandbox.mailbox.wait_for(1)
    assert (message.recipients, message.subject) == (("zoë@learner.example",), "Grüße für Łucja")


def test_messages_outlast_a_restart_when_there_is_a_folder(tmp_path: Path, listener: socket.socket) -> None:
    first = Mailbox(tmp_path)
    first.start(listener)
    send(listener.getsockname()[1], invitation(subject="one"))
    send(listener.getsockname()[1], invitation(subject="two"), ["a@learner.example", "b@learner.example"])
    kept = first.wait_for(2)
    first.stop()
    second = Mailbox(tmp_path)
    assert [(one.number, one.subject, one.recipients, one.read()) for one in second.messages()] == [
        (one.number, one.subject, one.recipients, one.read()) for one in kept
    ]
    second.keep("college@college.example", ["c@learner.example"], b"Subject: three\r\n\r\n")
    assert [one.subject for one in second.messages()] == ["three", "two", "one"]


def test_waiting_for_a_message_that_does_not_come_ends_with_a_count() -> None:
    with pytest.raises(TimeoutError, match="0 messages after 0.01 s, not 1"):
        Mailbox().wait_for(1, seconds=0.01)


def test_odd_messages_can_be_read() -> None:
    mailbox = Mailbox()
    mailbox.keep("", ["a@learner.example"], b"")
    mailbox.keep("", ["a@learner.example"], b"Subject: \xff\xfe\r\nMessage-ID: <[broken\r\n\r\n\xff")
    mailbox.keep("", ["a@learner.example"], b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla'")
    mailbox.keep("", ["a@learner.example"], b"Content-Type: image/png\r\n\r\nnot a text")
    assert [one.body("plain") for one in mailbox.messages()] == [None, "qapla'", "\ufffd", ""]


# Pages


def page(sandbox: Sandbox, path: str) -> requests.Response:
    return requests.get(f"{sandbox.url}{path}", timeout=10)


def test_the_first_page_says_what_this_is_and_links_to_the_parts(sandbox: Sandbox) -> None:
    first = page(sandbox, "/")
    assert "pretend bksb" in first.text
    for path in ("/mailbox", "/_sandbox/state"):
        assert f'href="{path}"' in first.text
        assert page(sandbox, path).status_code == 200


def test_the_mailbox_lists_messages_newest_first_with_everything_escaped(sandbox: Sandbox) -> None:
    sandbox.mailbox.keep(
        "a@b.example", ["<i>@learner.example"], b"Subject: <script>alert(1)</script>\r\nDate: <b>\r\n\r\n"
    )
    sandbox.mailbox.keep("a@b.example", ["two@learner.example"], b"Subject: later\r\n\r\n")
    listed = page(sandbox, "/mailbox").text
    assert listed.index("later") < listed.index("&lt;script&gt;")
    for markup in ("<script", "<i>", "<b>"):
        assert markup not in listed


def test_an_empty_mailbox_says_so(sandbox: Sandbox) -> None:
    assert "No messages." in page(sandbox, "/mailbox").text


def test_a_long_list_is_shown_a_hundred_at_a_time(sandbox: Sandbox) -> None:
    for number in range(201):
        sandbox.mailbox.keep("a@b.example", ["a@learner.example"], b"Subject: no. %d.\r\n\r\n" % number)
    first, last = page(sandbox, "/mailbox").text, page(sandbox, "/mailbox?page=3").text
    assert "no. 200." in first and "no. 100." not in first and "Older" in first and "Newer" not in first
    assert "no. 0." in last and "Older" not in last and "Newer" in last
    assert page(sandbox, "/mailbox?page=0").text == page(sandbox, "/mailbox?page=x").text == first


def test_the_html_of_a_message_is_shown_where_it_can_do_nothing(sandbox: Sandbox) -> None:
    send(sandbox.smtp_port, invitation())
    (message,) = sandbox.mailbox.wait_for(1)
    shown = page(sandbox, f"/mailbox/{message.number}")
    assert "<script" not in shown.text
    assert f'<iframe sandbox title="The message" src="/mailbox/{message.number}/html">' in shown.text
    assert f'href="/mailbox/{message.number}/text"' in shown.text
    framed = page(sandbox, f"/mailbox/{message.number}/html")
    assert "<b>Zoë</b>" in framed.text
    policy = framed.headers["Content-Security-Policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    text = page(sandbox, f"/mailbox/{message.number}/text")
    assert text.text == "Welcome, Zoë.\n"
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_message_without_html_is_shown_as_text_and_escaped(sandbox: Sandbox) -> None:
    sandbox.mailbox.keep("a@b.example", ["a@learner.example"], b"Subject: plain\r\n\r\n1 < 2 <script>")
    shown = page(sandbox, "/mailbox/1").text
    assert "1 &lt; 2 &lt;script&gt;" in shown
    assert "<iframe" not in shown
    assert page(sandbox, "/mailbox/1/html").status_code == 404


@pytest.mark.parametrize("path", ["/mailbox/7", "/mailbox/7/html", "/mailbox/7/text"])
def test_a_message_that_is_not_there_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert page(sandbox, path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/mailbox", "/mailbox/1", "/mailbox/1/html", "/mailbox/1/text"])
def test_every_page_is_strict_and_kept_by_nobody(sandbox: Sandbox, path: str) -> None:
    sandbox.mailbox.keep("a@b.example", ["a@learner.example"], invitation().as_bytes())
    headers = page(sandbox, path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", MAIL_FAULTS)
def test_every_mail_fault_is_described(kind: str) -> None:
    told = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert f"| `{kind}` | {MAIL_FAULTS[kind]} |" in told


def test_a_mail_fault_is_played_for_whom_when_and_as_often_as_it_says() -> None:
    faults = MailFaults()
    faults.add(MailFault("later", to="A@b.example", after=1, times=2))
    played = [faults.play("later", [to]) for to in ("a@b.example", "x@b.example", *["a@B.example"] * 4)]
    assert played == [False, False, True, True, False, False]
    assert not faults.play("refuses", ["a@b.example"])
    faults.add(MailFault("refuses"))
    faults.clear()
    assert not faults.play("refuses", ["a@b.example"])


def test_the_log_in_page_of_the_letters_is_there_with_the_username_escaped(sandbox: Sandbox) -> None:
    shown = page(sandbox, "/bksbLive2/Login.aspx?username=%3Cb%3EL1")
    assert shown.status_code == 200 and "&lt;b&gt;L1" in shown.text and "<b>L1" not in shown.text
