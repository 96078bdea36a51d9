"""The mail server, over real SMTP."""

import smtplib

import pytest

from sandbox.server import Sandbox
from tests.sandbox.mailbox.example_messages import invitation, send


@pytest.mark.parametrize("address", ["nobody@refused.example", "Nobody@REFUSED.example"])
def test_a_refused_address_gets_550_and_no_message(sandbox: Sandbox, address: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(sandbox.smtp_port, invitation(to=address))
    assert [code for code, _ in refusal.value.recipients.values()] == [550]
    assert sandbox.mailbox.messages() == []


def test_other_recipients_still_get_a_message_with_one_refused_address(sandbox: Sandbox) -> None:
    refused = send(sandbox.smtp_port, invitation(), ["zoe@learner.example", "nobody@refused.example"])
    assert list(refused) == ["nobody@refused.example"]
    (message,) = sandbox.mailbox.wait_for(1)
    assert message.recipients == ("zoe@learner.example",)


def test_an_address_that_resembles_a_refused_one_is_accepted(sandbox: Sandbox) -> None:
    send(sandbox.smtp_port, invitation(to="zoe@notrefused.example"))
    send(sandbox.smtp_port, invitation(to="zoe@refused.example.learner.example"))
    assert len(sandbox.mailbox.wait_for(2)) == 2


def test_addresses_and_names_outside_ascii_are_accepted(sandbox: Sandbox) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        smtp.send_message(invitation(to="zoë@learner.example", subject="Grüße für Łucja"))
    (message,) = sandbox.mailbox.wait_for(1)
    assert (message.recipients, message.subject) == (("zoë@learner.example",), "Grüße für Łucja")
