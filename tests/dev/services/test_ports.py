"""The port of the Airflow UI."""

from __future__ import annotations

import socket
import sys

import pytest

from dev.services.ports import PortError, reserved_port


def test_a_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} is taken"), reserved_port(port):
            pytest.fail("the port is taken")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can reserve a port")
def test_two_clones_that_start_together_get_different_ports() -> None:
    with reserved_port(None) as first, reserved_port(None) as second:
        assert first != second
        with pytest.raises(PortError, match=f"port {first} is taken"), reserved_port(first):
            pytest.fail("the port is reserved")
    with reserved_port(first) as again:
        assert again == first
