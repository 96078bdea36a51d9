"""Fixtures for the tests of the sandbox."""

from collections.abc import Iterator
from datetime import date

import pytest
import requests

from sandbox.server import Sandbox
from sandbox.world.people import invent
from sandbox.world.population import World
from tests.sandbox.calls import Api

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def world() -> World:
    return invent(100, TODAY)


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    with requests.Session() as session:
        session.auth = (sandbox.access_key, sandbox.secret_key)
        yield Api(sandbox.url, session)
