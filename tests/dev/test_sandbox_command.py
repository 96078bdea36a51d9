"""./run sandbox: the pretend bksb alone, for a person; in an environment that is there already."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from bksb.api.client import BksbClient
from tests.clones import copy_files, processes_in, started, tracked_files, wait_until

SERVING = "Serving until Ctrl-C."


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository in a folder of its own, with the environment that runs these tests."""
    folder = tmp_path / "a clone"
    copy_files(tracked_files(), folder)
    (folder / ".run").mkdir(mode=0o700)
    (folder / ".run" / "venv").symlink_to(sys.prefix)
    return folder


def command(clone: Path, *arguments: str) -> list[str | Path]:
    """What ./run starts when the environment is complete."""
    return [clone / ".run" / "venv" / "bin" / "python", "-m", "dev.commands", "sandbox", *arguments]


def environment(clone: Path) -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": f"{clone / 'plugins'}{os.pathsep}{clone}"}


@contextmanager
def serving(clone: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running ./run sandbox, and what it says at first."""
    output = clone.parent / "output"
    with (
        output.open("w") as file,
        started(
            command(clone, *arguments), cwd=clone, env=environment(clone), stdout=file, stderr=subprocess.STDOUT
        ) as process,
    ):
        wait_until("the sandbox serves or has ended", lambda: SERVING in output.read_text() or process.poll())
        yield process, output.read_text()


def refusal(clone: Path, *arguments: str) -> str:
    told = subprocess.run(
        command(clone, *arguments),
        cwd=clone,
        env=environment(clone),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (told.returncode, told.stdout) == (1, "")
    assert "Traceback" not in told.stderr
    return told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_is_serves_and_leaves_no_process(clone: Path, number: signal.Signals) -> None:
    with serving(clone, "--learners", "20") as (process, told):
        url = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert url
        assert f"{url[0]}/faults" in told
        (line,) = [line for line in told.splitlines() if line.startswith("AIRFLOW_CONN_BKSB=")]
        (setting,) = shlex.split(line)
        fields = json.loads(setting.partition("=")[2])
        assert (fields["conn_type"], fields["host"]) == ("bksb", url[0])
        assert fields["login"] in told and fields["password"] in told
        assert BksbClient(fields["host"], fields["login"], fields["password"]).find_user_id("nobody") is None
        assert "Switch on" in requests.get(f"{url[0]}/faults", timeout=10).text
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    assert processes_in(clone) == []
    assert (clone.parent / "output").read_text().endswith("Stopped.\n")


def test_a_second_one_is_refused_with_the_address_of_the_first(clone: Path) -> None:
    with serving(clone, "--learners", "20") as (_, told):
        url = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert url
        assert refusal(clone) == (
            f"run sandbox: a sandbox of this folder is running already at {url[0]}: "
            "use that one, or end the command that runs it.\n"
        )
        assert requests.get(url[0], timeout=10).status_code == 200, "the first one serves on"
    assert processes_in(clone) == []


def test_its_accounts_and_keys_are_there_again_the_next_time(clone: Path) -> None:
    keys = []
    for created in (True, False):
        with serving(clone) as (_, told):
            found = re.search(r"access key +(\S+)\nsecret key +(\S+)", told)
            url = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert found and url
            keys.append(found.groups())
            form = {"Username": "kept", "Firstname": "A", "Lastname": "B", "Password": "a good password"}
            path = f"{url[0]}/api/users/createUser"
            answer = requests.post(path, data=form, auth=(found[1], found[2]), timeout=10).json()
            assert isinstance(answer, dict) is created
    assert keys[0] == keys[1]


def test_what_a_killed_one_left_running_is_ended_by_the_next(clone: Path) -> None:
    with serving(clone, "--learners", "20") as (process, _):
        process.kill()
        process.wait()
    assert processes_in(clone)
    with serving(clone) as (_, told):
        assert SERVING in told
        assert len([line for line in processes_in(clone) if "sandbox.server" in line]) == 1
    assert processes_in(clone) == []


def test_a_port_can_be_chosen_and_a_taken_one_is_named(clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} of 127.0.0.1 is taken" in refusal(clone, "--learners", "20", "--api-port", port)
    with serving(clone, "--api-port", port) as (_, told):
        assert f"http://127.0.0.1:{port}/faults" in told
    assert processes_in(clone) == []


def test_another_number_of_learners_is_refused(clone: Path) -> None:
    with serving(clone, "--learners", "20"):
        pass
    assert "holds 20 people, not 30" in refusal(clone, "--learners", "30")


def test_it_says_so_when_its_server_ends(clone: Path) -> None:
    with serving(clone, "--learners", "20") as (process, _):
        os.kill(json.loads((clone / ".run" / "locks" / "sandbox.pid").read_text())["pid"], signal.SIGKILL)
        assert process.wait(timeout=60) == 1
    assert "the sandbox server has ended. Its log is" in (clone.parent / "output").read_text()
    assert processes_in(clone) == []
