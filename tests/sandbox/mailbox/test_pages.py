"""The web pages of the mailbox, over real HTTP."""

import pytest

from sandbox.server import Sandbox
from tests.sandbox.calls import get_page
from tests.sandbox.mailbox.example_messages import invitation, send


def test_the_mailbox_lists_messages_newest_first_and_escapes_them(sandbox: Sandbox) -> None:
    sandbox.mailbox.keep(
        "a@b.example", ["<i>@learner.example"], b"Subject: <script>alert(1)</script>\r\nDate: <b>\r\n\r\n"
    )
    sandbox.mailbox.keep("a@b.example", ["two@learner.example"], b"Subject: later\r\n\r\n")
    listed = get_page(sandbox, "/mailbox").text
    assert listed.index("later") < listed.index("&lt;script&gt;")
    for markup in ("<script", "<i>", "<b>"):
        assert markup not in listed


def test_an_empty_mailbox_says_that_there_are_no_messages(sandbox: Sandbox) -> None:
    assert "No messages yet." in get_page(sandbox, "/mailbox").text


def test_a_page_lists_at_most_a_hundred_messages(sandbox: Sandbox) -> None:
    for number in range(201):
        sandbox.mailbox.keep("a@b.example", ["a@learner.example"], b"Subject: no. %d.\r\n\r\n" % number)
    first, last = get_page(sandbox, "/mailbox").text, get_page(sandbox, "/mailbox?page=3").text
    assert "no. 200." in first and "no. 100." not in first and "Older" in first and "Newer" not in first
    assert "no. 0." in last and "Older" not in last and "Newer" in last
    assert get_page(sandbox, "/mailbox?page=0").text == get_page(sandbox, "/mailbox?page=x").text == first


def test_the_html_of_a_message_is_shown_in_a_sandboxed_frame(sandbox: Sandbox) -> None:
    send(sandbox.smtp_port, invitation())
    (message,) = sandbox.mailbox.wait_for(1)
    shown = get_page(sandbox, f"/mailbox/{message.number}")
    assert "<script" not in shown.text
    assert f'<iframe sandbox title="The message" src="/mailbox/{message.number}/html">' in shown.text
    assert f'href="/mailbox/{message.number}/text"' in shown.text
    framed = get_page(sandbox, f"/mailbox/{message.number}/html")
    assert "<b>Zoë</b>" in framed.text
    policy = framed.headers["Content-Security-Policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    text = get_page(sandbox, f"/mailbox/{message.number}/text")
    assert text.text == "Welcome, Zoë.\n"
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_message_without_html_is_shown_as_text_and_escaped(sandbox: Sandbox) -> None:
    sandbox.mailbox.keep("a@b.example", ["a@learner.example"], b"Subject: plain\r\n\r\n1 < 2 <script>")
    shown = get_page(sandbox, "/mailbox/1").text
    assert "1 &lt; 2 &lt;script&gt;" in shown
    assert "<iframe" not in shown
    assert get_page(sandbox, "/mailbox/1/html").status_code == 404


@pytest.mark.parametrize("path", ["/mailbox/7", "/mailbox/7/html", "/mailbox/7/text"])
def test_an_unknown_message_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert get_page(sandbox, path).status_code == 404
