"""A simulated bksb for the tests of faults."""

import pytest

from sandbox.server import Sandbox
from tests.sandbox.bksb.faults.faulty_site import FaultySite
from tests.sandbox.calls import Api


@pytest.fixture
def site(sandbox: Sandbox, api: Api) -> FaultySite:
    return FaultySite(sandbox, api)
