"""Faults of the mail server."""

import pytest

from sandbox.mailbox.faults import MAIL_FAULTS, MailFault, MailFaults
from tests.conftest import repository


@pytest.mark.parametrize("kind", MAIL_FAULTS)
def test_every_mail_fault_is_in_the_documentation(kind: str) -> None:
    page = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert f"| `{kind}` | {MAIL_FAULTS[kind]} |" in page


def test_a_mail_fault_strikes_for_its_recipient_after_and_as_many_times_as_set() -> None:
    faults = MailFaults()
    faults.add(MailFault("later", to="A@b.example", after=1, times=2))
    played = [faults.strikes("later", [to]) for to in ("a@b.example", "x@b.example", *["a@B.example"] * 4)]
    assert played == [False, False, True, True, False, False]
    assert not faults.strikes("refuses", ["a@b.example"])
    faults.add(MailFault("refuses"))
    faults.clear()
    assert not faults.strikes("refuses", ["a@b.example"])
