"""The sandbox as a process of its own."""

import json
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
from tests.sandbox.calls import Api


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox.server", "--data", str(folder), *arguments]


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(command(folder, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
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
def test_it_says_where_it_is_and_leaves_cleanly(tmp_path: Path, stop: signal.Signals) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready):
        assert api_of(ready).get("users/isUsernameExists", username="x").json() is False
        with smtplib.SMTP("127.0.0.1", ready["smtp_port"], timeout=10) as smtp:
            assert smtp.noop()[0] == 250
        assert json.loads((tmp_path / "server.json").read_text()) == ready
        for name in ("server.json", "keys.json"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / "server.json").exists()


def test_it_leaves_promptly_though_a_call_is_under_way(tmp_path: Path) -> None:
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


def test_a_second_start_is_the_second_day_with_the_same_keys(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, first):
        created = api_of(first).create_user().json()
        process.kill()
        process.wait(timeout=30)
    with served(tmp_path) as (_, second):
        assert second["secret_key"] == first["secret_key"]
        assert api_of(second).get("users/user/getUserId", username="new.learner").json() == created["UserId"]


def test_it_says_nothing_about_what_it_is_asked(tmp_path: Path) -> None:
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


def test_it_says_nothing_about_what_its_faults_break(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20") as (process, ready):
        api = api_of(ready)
        user_id = requests.get(f"{ready['url']}/_sandbox/state", timeout=10).json()["users"][0]["UserId"]
        for number, kind in enumerate(KINDS):
            usual = {"seconds": 0} if KINDS[kind].setting == "seconds" else {}
            requests.post(f"{ready['url']}/_sandbox/faults", json={"kind": kind, "times": 1, **usual}, timeout=10)
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
def test_a_taken_port_is_named(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is taken" in refused(tmp_path, "--learners", "20", option, str(port))
    assert not (tmp_path / "server.json").exists()


def test_a_given_port_is_used_and_can_be_used_again_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with served(tmp_path, "--learners", "20", "--api-port", str(port)) as (process, ready):
            assert ready["url"] == f"http://127.0.0.1:{port}"
            assert requests.get(ready["url"], timeout=10).status_code == 200
            process.terminate()
            assert process.wait(timeout=30) == 0


def test_another_number_of_people_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20"):
        pass
    assert "holds 20 people, not 30" in refused(tmp_path, "--learners", "30")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, "--learners", "20"):
        assert "in use by another sandbox" in refused(tmp_path)


def test_in_a_test_it_gives_everything_back_at_the_end(tmp_path: Path) -> None:
    with Sandbox(folder=tmp_path) as first:
        with pytest.raises(FolderInUseError):
            Sandbox(folder=tmp_path)
        taken = int(first.url.rpartition(":")[2])
        with pytest.raises(PortTakenError):
            Sandbox(smtp_port=taken).__enter__()
    with Sandbox(folder=tmp_path, api_port=taken, smtp_port=first.smtp_port) as second:
        assert second.url == first.url
