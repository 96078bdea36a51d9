"""The sandbox as a separate process."""

import json
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.bksb.faults.catalogue import KINDS
from sandbox.bksb.journal import FolderInUseError
from sandbox.server import PortTakenError, Sandbox
from tests.conftest import repository
from tests.sandbox.calls import Api


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox.server", "--data", str(folder), *arguments]


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(command(folder, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = json.loads(process.stdout.readline())
        ready = json.loads((folder / "server.json").read_text())
        assert printed == {name: ready[name] for name in ("url", "smtp_port")}
        yield process, ready
    finally:
        process.kill()
        process.communicate()


def refused(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(command(folder, *arguments), capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    return ended.stderr


def api_of(ready: dict[str, Any]) -> Api:
    session = requests.Session()
    session.auth = (ready["access_key"], ready["secret_key"])
    return Api(ready["url"], session)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_addresses_and_exits_cleanly(tmp_path: Path, stop: signal.Signals) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready):
        assert api_of(ready).get("users/isUsernameExists", username="x").json() is False
        with smtplib.SMTP("127.0.0.1", ready["smtp_port"], timeout=10) as smtp:
            assert smtp.noop()[0] == 250
        for name in ("server.json", "keys.json"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / "server.json").exists()


def test_it_exits_promptly_while_a_call_is_in_flight(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready), requests.Session() as idle:
        idle.get(ready["url"], timeout=10)
        requests.post(f"{ready['url']}/_sandbox/latency", params={"seconds": 60}, timeout=10)
        with socket.create_connection(("127.0.0.1", int(ready["url"].rpartition(":")[2]))) as slow:
            key = requests.Request("GET", ready["url"], auth=(ready["access_key"], ready["secret_key"])).prepare()
            slow.sendall(
                b"GET /api/users/isUsernameExists?username=x HTTP/1.1\r\nHost: x\r\n"
                + f"Authorization: {key.headers['Authorization']}\r\n\r\n".encode()
            )
            process.terminate()
            assert process.wait(timeout=20) == 0


def test_a_second_start_keeps_keys_and_accounts(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, first):
        created = api_of(first).create_user().json()
        process.kill()
        process.wait(timeout=30)
    with served(tmp_path) as (_, second):
        assert second["secret_key"] == first["secret_key"]
        assert api_of(second).get("users/user/getUserId", username="new.learner").json() == created["UserId"]


def test_it_prints_nothing_about_the_calls_it_receives(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready):
        api = api_of(ready)
        api.create_user(Username="Unmistakable.Person")
        api.get("users/user/getUserId", username="Unmistakable.Person")
        api.get("results/initialAssessment/Unmistakable.Person/all")
        requests.get(f"{ready['url']}/_sandbox/results", params={"user_id": "Unmistakable.Person"}, timeout=10)
        with smtplib.SMTP("127.0.0.1", ready["smtp_port"], timeout=10) as smtp:
            smtp.sendmail("a@b.example", ["Unmistakable.Person@learner.example"], "Subject: x\r\n\r\n")
        process.terminate()
        output, errors = process.communicate(timeout=30)
    assert (output, errors) == ("", "")


def test_it_prints_nothing_about_the_calls_that_its_faults_break(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready):
        api = api_of(ready)
        user_id = requests.get(f"{ready['url']}/_sandbox/state", timeout=10).json()["users"][0]["UserId"]
        for number, kind in enumerate(KINDS):
            settings = {"seconds": 0} if KINDS[kind].setting == "seconds" else {}
            requests.post(f"{ready['url']}/_sandbox/faults", json={"kind": kind, "times": 1, **settings}, timeout=10)
            for call in (
                lambda number=number: api.create_user(Username=f"Unmistakable.{number}"),
                lambda: api.get(f"results/initialAssessment/{user_id}/all"),
            ):
                with suppress(requests.RequestException):
                    call()
        process.terminate()
        output, errors = process.communicate(timeout=30)
    assert (output, errors) == ("", "")


@pytest.mark.parametrize("option", ["--api-port", "--smtp-port"])
def test_the_error_names_a_port_that_is_taken(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is taken" in refused(tmp_path, "--learners", "20", option, str(port))
    assert not (tmp_path / "server.json").exists()


def test_it_uses_the_given_port_again_right_after_it_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with served(tmp_path, "--learners", "20", "--api-port", str(port)) as (process, ready):
            assert ready["url"] == f"http://127.0.0.1:{port}"
            assert requests.get(ready["url"], timeout=10).status_code == 200
            process.terminate()
            assert process.wait(timeout=30) == 0


def test_a_different_number_of_people_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20"):
        pass
    assert "holds 20 people, not 30" in refused(tmp_path, "--learners", "30")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20"):
        assert "Another sandbox uses" in refused(tmp_path)


def test_a_sandbox_in_a_test_frees_its_ports_and_folder_at_the_end(tmp_path: Path) -> None:
    with Sandbox(folder=tmp_path) as first:
        with pytest.raises(FolderInUseError):
            Sandbox(folder=tmp_path)
        taken = int(first.url.rpartition(":")[2])
        with pytest.raises(PortTakenError):
            Sandbox(smtp_port=taken).__enter__()
    with Sandbox(folder=tmp_path, api_port=taken, smtp_port=first.smtp_port) as second:
        assert second.url == first.url


def test_the_python_example_of_the_documentation_works() -> None:
    page = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102
    assert isinstance(names["sandbox"], Sandbox)
