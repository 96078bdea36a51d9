"""Every kind of fault, and what cannot be one."""

import pytest

from sandbox.bksb.faults.catalogue import KINDS, Fault, FaultError
from tests.conftest import repository


def test_each_fault_is_explained_in_the_documentation() -> None:
    told = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for kind, known in KINDS.items():
        assert f"| `{kind}` | {known.plays} |" in told


def test_a_fault_that_there_is_not_cannot_be_made_in_python_either() -> None:
    with pytest.raises(FaultError):
        Fault("flood")
