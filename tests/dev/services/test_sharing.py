"""Commands of one clone share its services and leave nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dev.services.errors import RunError
from dev.services.processes import is_alive
from dev.services.sandbox_server import SandboxError, sandbox_process
from dev.services.sharing import SharedServices, erase
from sandbox.world.storage import load_or_create
from tests.clones import PATIENCE, ROOT, OtherFolder, processes_in, started, wait_until

USER = """
import signal, sys
from pathlib import Path
from dev.services import interrupts
from dev.services.sharing import SharedServices
from tests.clones import OtherFolder
interrupts.listen()
with SharedServices(OtherFolder(made_in=Path(sys.argv[1]))) as services:
    postgres, sandbox = services.postgres(), services.sandbox()
    Path(sys.argv[2]).write_text(f"{postgres.port} {sandbox.url}")
    signal.pause()
"""


@pytest.fixture
def clone(tmp_path: Path) -> OtherFolder:
    clone = OtherFolder(made_in=tmp_path / "made here")
    load_or_create(clone.sandbox, 5)
    return clone


@contextmanager
def another_user(clone: OtherFolder, ready: Path) -> Iterator[subprocess.Popen[str]]:
    """Another command of the same clone, which uses the services until it is stopped."""
    with started([sys.executable, "-c", USER, clone.run, ready], cwd=ROOT) as user:
        wait_until("another command uses the services", lambda: (ready.exists() and ready.read_text()) or user.poll())
        yield user


def answering_postgres(services: SharedServices) -> int:
    server = services.postgres()
    server.connect().close()
    return server.port


def test_commands_join_running_services_and_the_last_one_stops_them(clone: OtherFolder) -> None:
    with SharedServices(clone) as first:
        port, sandbox = answering_postgres(first), first.sandbox()
        with SharedServices(clone) as second:
            assert (answering_postgres(second), second.sandbox()) == (port, sandbox)
        assert (answering_postgres(first), first.sandbox()) == (port, sandbox)
    assert processes_in(clone.run) == []


def test_two_commands_that_start_together_start_each_service_once(clone: OtherFolder, tmp_path: Path) -> None:
    ready = [tmp_path / "one", tmp_path / "two"]
    command = [sys.executable, "-c", USER, clone.run]
    with started([*command, ready[0]], cwd=ROOT) as one, started([*command, ready[1]], cwd=ROOT) as two:
        for file, user in zip(ready, (one, two), strict=True):
            wait_until("a command uses the services", lambda f=file, u=user: (f.exists() and f.read_text()) or u.poll())
        assert ready[0].read_text() == ready[1].read_text()
    assert processes_in(clone.run) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_gets_a_signal_stops_the_services(
    clone: OtherFolder, tmp_path: Path, number: signal.Signals
) -> None:
    with another_user(clone, tmp_path / "ready") as user:
        user.send_signal(number)
        user.wait(PATIENCE)
    assert user.returncode == 128 + number
    assert processes_in(clone.run) == []


def test_the_next_command_stops_what_a_killed_one_left_running(clone: OtherFolder, tmp_path: Path) -> None:
    with another_user(clone, tmp_path / "ready") as user:
        left = sandbox_process(clone)
        user.kill()
        user.wait(PATIENCE)
    assert left and is_alive(left)
    with SharedServices(clone) as services:
        assert not is_alive(left)
        answering_postgres(services)
        services.sandbox()
    assert processes_in(clone.run) == []


def test_the_services_of_a_killed_command_keep_running_for_another_one(clone: OtherFolder, tmp_path: Path) -> None:
    with another_user(clone, tmp_path / "ready") as user, SharedServices(clone) as services:
        port = answering_postgres(services)
        user.kill()
        user.wait(PATIENCE)
        assert answering_postgres(services) == port
    assert processes_in(clone.run) == []


def test_a_killed_postgres_is_started_again_by_the_next_command(clone: OtherFolder) -> None:
    with SharedServices(clone) as services:
        answering_postgres(services)
        (server,) = [process for process in psutil.process_iter() if is_postgres_of(clone, process)]
        server.kill()
        with SharedServices(clone) as next_command:
            answering_postgres(next_command)


def is_postgres_of(clone: OtherFolder, process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return str(clone.postgres / "data") in command and "postgres" in command[0]


def test_a_running_sandbox_is_refused_on_another_port(clone: OtherFolder) -> None:
    with SharedServices(clone) as first, SharedServices(clone) as second:
        url = first.sandbox().url
        port = int(url.rpartition(":")[2])
        assert second.sandbox(port).url == url
        with pytest.raises(SandboxError, match=f"already runs at {url}"):
            second.sandbox(port + 1)


def test_all_data_is_erased_but_not_while_a_command_uses_it(clone: OtherFolder) -> None:
    with SharedServices(clone) as services:
        answering_postgres(services)
        clone.secret("some secret")
        with pytest.raises(RunError, match=r"another ./run command of this clone is using the services.*--reset"):
            erase(clone)
        answering_postgres(services)
    erase(clone)
    assert not clone.postgres.exists() and not clone.sandbox.exists() and not clone.secrets_file.exists()
    with SharedServices(clone) as services:
        answering_postgres(services)
