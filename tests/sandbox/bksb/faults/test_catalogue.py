"""The kinds of fault."""

import pytest

from sandbox.bksb.faults.catalogue import KINDS, Fault, FaultError
from tests.conftest import repository


def test_every_fault_is_in_the_documentation() -> None:
    page = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for kind, known in KINDS.items():
        assert f"| `{kind}` | {known.description} |" in page


def test_an_unknown_fault_is_refused_in_python_too() -> None:
    with pytest.raises(FaultError):
        Fault("flood")
