"""A simulated bksb without its HTTP API."""

import pytest

from sandbox.bksb.site import BksbSite
from sandbox.world.population import World


@pytest.fixture
def site(world: World) -> BksbSite:
    return BksbSite(world)
