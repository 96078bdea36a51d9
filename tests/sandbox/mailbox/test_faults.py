"""What can go wrong with the mail server."""

import pytest

from sandbox.mailbox.faults import MAIL_FAULTS, MailFault, MailFaults
from tests.conftest import repository


@pytest.mark.parametrize("kind", MAIL_FAULTS)
def test_every_mail_fault_is_described(kind: str) -> None:
    told = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert f"| `{kind}` | {MAIL_FAULTS[kind]} |" in told


def test_a_mail_fault_is_played_for_whom_when_and_as_often_as_it_says() -> None:
    faults = MailFaults()
    faults.add(MailFault("later", to="A@b.example", after=1, times=2))
    played = [faults.strikes("later", [to]) for to in ("a@b.example", "x@b.example", *["a@B.example"] * 4)]
    assert played == [False, False, True, True, False, False]
    assert not faults.strikes("refuses", ["a@b.example"])
    faults.add(MailFault("refuses"))
    faults.clear()
    assert not faults.strikes("refuses", ["a@b.example"])
