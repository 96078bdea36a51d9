"""./run sandbox: the pretend bksb alone, for a person; in an environment that is there already."""

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
    """A running ./run sandbox, and what it says at first."""
    output = clone.folder.parent / "output"
    with clone.running("sandbox", *arguments, output=output) as process:
        wait_until("the sandbox serves or has ended", lambda: SERVING in output.read_text() or process.poll())
        yield process, output.read_text()


def refusal(clone: LinkedCopy, *arguments: str) -> str:
    told = clone.run("sandbox", *arguments)
    assert (told.returncode, told.stdout) == (1, "")
    assert "Traceback" not in told.stderr
    return told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_is_serves_and_leaves_no_process(linked_clone: LinkedCopy, number: signal.Signals) -> None:
    with serving(linked_clone, "--learners", "20") as (process, told):
        url = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert url
        assert f"{url[0]}/faults" in told
        (line,) = [line for line in told.splitlines() if line.startswith("AIRFLOW_CONN_BKSB=")]
        (setting,) = shlex.split(line)
        fields = json.loads(setting.partition("=")[2])
        assert (fields["conn_type"], fields["host"]) == ("bksb", url[0])
        assert fields["login"] in told and fields["password"] in told
        assert BksbClient(fields["host"], fields["login"], fields["password"]).find_user_id("nobody") is None
        assert "Switch on" in requests.get(f"{url[0]}/faults", timeout=60).text
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert processes_in(linked_clone.folder) == []
    assert (linked_clone.folder.parent / "output").read_text().endswith("Stopped.\n")


def test_a_second_one_joins_the_first_and_is_refused_on_another_port(linked_clone: LinkedCopy, tmp_path: Path) -> None:
    with serving(linked_clone, "--learners", "20") as (_, told):
        url = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert url
        with socket.create_server(("127.0.0.1", 0)) as other:
            assert refusal(linked_clone, "--api-port", str(other.getsockname()[1])) == (
                f"run sandbox: a sandbox of this folder is running already at {url[0]}: "
                "use that one, or end the command that runs it.\n"
            )
        with linked_clone.running("sandbox", output=tmp_path / "second") as second:
            joined = tmp_path / "second"
            wait_until("the second one serves", lambda: SERVING in joined.read_text() or second.poll())
            assert f"pretend bksb  {url[0]}\n" in joined.read_text()
            second.send_signal(signal.SIGINT)
            assert second.wait(PATIENCE) == 0
        assert requests.get(url[0], timeout=60).status_code == 200, "the first one serves on"
    assert processes_in(linked_clone.folder) == []


def test_its_accounts_and_keys_are_there_again_the_next_time(linked_clone: LinkedCopy) -> None:
    keys = []
    for created in (True, False):
        with serving(linked_clone) as (_, told):
            found = re.search(r"access key +(\S+)\nsecret key +(\S+)", told)
            url = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert found and url
            keys.append(found.groups())
            form = {"Username": "kept", "Firstname": "A", "Lastname": "B", "Password": "a good password"}
            path = f"{url[0]}/api/users/createUser"
            answer = requests.post(path, data=form, auth=(found[1], found[2]), timeout=60).json()
            assert isinstance(answer, dict) is created
    assert keys[0] == keys[1]


def test_what_a_killed_one_left_running_is_ended_by_the_next(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20") as (process, _):
        process.kill()
        process.wait()
    assert processes_in(linked_clone.folder)
    with serving(linked_clone) as (_, told):
        assert SERVING in told
        assert len([line for line in processes_in(linked_clone.folder) if "sandbox.server" in line]) == 1
    assert processes_in(linked_clone.folder) == []


def test_a_port_can_be_chosen_and_a_taken_one_is_named(linked_clone: LinkedCopy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} of 127.0.0.1 is taken" in refusal(linked_clone, "--learners", "20", "--api-port", port)
    with serving(linked_clone, "--api-port", port) as (_, told):
        assert f"http://127.0.0.1:{port}/faults" in told
    assert processes_in(linked_clone.folder) == []


def test_another_number_of_learners_is_refused(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20"):
        pass
    assert "holds 20 people, not 30" in refusal(linked_clone, "--learners", "30")


def test_it_says_so_when_its_server_ends(linked_clone: LinkedCopy) -> None:
    with serving(linked_clone, "--learners", "20") as (process, _):
        server = sandbox_process(Clone(linked_clone.folder))
        assert server
        server.kill()
        assert process.wait(PATIENCE) == 1
    assert "the sandbox server has ended. Its log is" in (linked_clone.folder.parent / "output").read_text()
    assert processes_in(linked_clone.folder) == []
