"""Composed messages suit any mail server, and go to exactly the address in the MIS or are not sent."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bksb.errors import RejectedError
from bksb.mail.messages import Letter, compose
from bksb.mail.smtp import find_recipient
from bksb.rules.emails import is_email
from tests.conftest import SENDER


def test_a_letter_shows_nothing_in_its_repr():
    assert "Zebedee" not in repr(Letter("Zebedee", "Zebedee", "Zebedee"))


def composed(**changes):
    facts = {
        "letter": Letter("Subject", "Text", "<p>"),
        "sender": SENDER,
        "to": "a@b.example",
        "message_id": "<1@x.example>",
        "now": datetime(2026, 1, 1, tzinfo=UTC),
    }
    facts |= changes
    return compose(facts.pop("letter"), **facts)


def test_a_message_is_ascii_and_has_text_and_html():
    message = message_from_bytes(composed().as_bytes(), policy=policy.default)
    assert message["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert composed().as_bytes().isascii()


def test_a_letter_without_html_is_a_plain_text_message():
    message = composed(letter=Letter("Subject", "Text"))
    assert message.get_content_type() == "text/plain" and message.get_content() == "Text\n"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_lone_surrogate_in_a_name_is_removed():
    assert "T" in composed(letter=Letter("S\udc80", "T\udc80\0", "H\udc80")).as_string()


def test_an_address_with_a_line_break_is_refused_without_being_repeated():
    with pytest.raises(RejectedError) as caught:
        composed(to="zebedee@b.example\r\nBcc: x@y.example")
    assert "zebedee" not in str(caught.value)


PLAIN = st.text("abé09-_+'=?%!~/.", min_size=1, max_size=6)
ODD = st.sampled_from(["", "", "", "(", ")", "(c)", "<", ">", "[1]", ":", ";", ",", "\\", '"', "=?utf-8?q?a?=", " "])
PART = st.builds("{}{}{}".format, PLAIN, ODD, PLAIN)


@given(st.builds("{}@{}.{}".format, PART, PART, PART))
def test_every_valid_address_is_used_unchanged_or_not_at_all(address):
    assume(is_email(address))
    try:
        message = composed(to=address)
    except RejectedError:
        return
    assert find_recipient(message) in (address, None)
