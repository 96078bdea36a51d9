"""./run sandbox: the simulated bksb alone."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from bksb.api.client import BksbClient
from dev.services.clone import Clone
from dev.services.sandbox_server import sandbox_process
from tests.clones import PATIENCE, LinkedCopy, processes_in, wait_until

SERVING = "Serving until Ctrl-C."


@contextmanager
def serving(clone: LinkedCopy, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running ./run sandbox, and its first output."""
    output = clone.folder.parent / "output"
    with clone.running("sandbox", *arguments, output=output) as process:
        wait_until("the sandbox serves or has ended", lambda: SERVING in output.read_text() or process.poll())
        yield process, output.read_text()


def refusal(clone: LinkedCopy, *arguments: str) -> str:
    result = clone.run("sandbox", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_its_addresses_serves_and_leaves_no_process(linked_clone: LinkedCopy, number: signal.Signals) -> None:
    with serving(linked_clone, "--learners", "20") as (process, said):
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url
        assert f"{url[0]}/faults" in said
        (line,) = [line for line in said.splitlines() if line.startswith("export AIRFLOW_CONN_BKSB=")]
        _, setting = shlex.split(line)
        fields = json.loads(setting.partition("=")[2])
        assert (fields["conn_type"], fields["host"]) == ("bksb", url[0])
        assert fields["login"] in said and fields["password"] in said
        assert BksbClient(fields["host"], fields["login"], fields["password"]).find_user_id("nobody") is None
        assert "Switch on" in requests.get(f"{url[0]}/faults", timeout=60).text
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert processes_in(linked_clone.folder) == []
    assert (linked_clone.folder.parent / "output").read_text().endswith("Stopped.\n")


def test_a_second_one_joins_the_first_and_is_refused_on_another_port(linked_clone: LinkedCopy, tmp_path: Path) -> None:
    with serving(linked_clone, "--learners", "20") as (_, said):
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url
        with socket.create_server(("127.0.0.1", 0)) as other:
            assert refusal(linked_clone, "--api-port", str(other.getsockname()[1])) == (
                f"run sandbox: a sandbox of this folder already runs at {url[0]}. "
                "Use it, or stop the command that runs it.\n"
            )
        with linked_clone.running("sandbox", output=tmp_path / "second") as second:
            joined = tmp_path / "second"
            wait_until("the second one serves", lambda: SERVING in joined.read_text() or second.poll())
            assert f"simulated bksb  {url[0]}\n" in joined.read_text()
            second.send_signal(signal.SIGINT)
            assert second.wait(PATIENCE) == 0
        assert requests.get(url[0], timeout=60).status_code == 200, "the first one still serves"
    assert processes_in(linked_clone.folder) == []


def test_it_keeps_its_accounts_and_keys(linked_clone: LinkedCopy) -> None:
    keys = []
    for created in (True, False):
        with serving(linked_clone) as (_, said):
            found = re.search(r"access key +(\S+)\nsecret key +(\S+)", said)
            url = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found and url
            keys.append(found.groups())
            form = {"Username": "kept", "Firstname": "A", "Lastname": "B", "Password": "a good password"}
            path = f"{url[0]}/api/users/createUser"
            answer = requests.post(path, data=form, auth=(found[1], found[2]), timeout=60).json()
            assert isinstance(answer, dict) is created
    assert keys[0] == keys[1]


def test_a_sandbox_stops_what_a_killed_one_left_running(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20") as (process, _):
        process.kill()
        process.wait()
    assert processes_in(linked_clone.folder)
    with serving(linked_clone) as (_, said):
        assert SERVING in said
        assert len([line for line in processes_in(linked_clone.folder) if "sandbox.server" in line]) == 1
    assert processes_in(linked_clone.folder) == []


def test_a_port_can_be_chosen_and_a_taken_one_is_refused(linked_clone: LinkedCopy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} of 127.0.0.1 is taken" in refusal(linked_clone, "--learners", "20", "--api-port", port)
    with serving(linked_clone, "--api-port", port) as (_, said):
        assert f"http://127.0.0.1:{port}/faults" in said
    assert processes_in(linked_clone.folder) == []


def test_another_number_of_learners_is_refused(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20"):
        pass
    assert "holds 20 people, not 30" in refusal(linked_clone, "--learners", "30")


def test_it_ends_with_a_message_when_its_server_stops(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20") as (process, _):
        server = sandbox_process(Clone(linked_clone.folder))
        assert server
        server.kill()
        assert process.wait(PATIENCE) == 1
    assert "the sandbox server has stopped. See its log: " in (linked_clone.folder.parent / "output").read_text()
    assert processes_in(linked_clone.folder) == []
