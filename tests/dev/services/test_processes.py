"""Programs end with the command that started them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from dev.services.processes import ProcessError, Programs, adopt_orphans
from tests.clones import ROOT, started, wait_until

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]], start_new_session=True) if sys.argv[2:] else None
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid if child else 0}")
time.sleep(600)
"""
CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
PARENT = """
import os, signal, sys
from pathlib import Path
from dev.services import interrupts
from dev.services.processes import Programs
interrupts.listen()
with Programs(Path(sys.argv[1])) as programs:
    programs.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
    Path(sys.argv[1], "ready").write_text(str(programs._running[0].process.pid))
    signal.pause()
"""


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_program_that_fails_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        program = programs.start("broken", [sys.executable, "-c", "print('why'); raise SystemExit(3)"], os.environ)
        with pytest.raises(ProcessError, match=r"broken ended with exit code 3. Its log .*broken.log ends with:\nwhy"):
            programs.finish(program)


def test_a_program_that_ends_too_early_is_noticed(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        program = programs.start("short", [sys.executable, "-c", "pass"], os.environ)
        program.process.wait()
        with pytest.raises(ProcessError, match="short ended with exit code 0"):
            programs.check()


def test_programs_that_ignore_sigterm_end_with_their_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with Programs(tmp_path) as programs:
        programs.start("stubborn", [sys.executable, "-c", STUBBORN, str(pids), CHILD], os.environ)
        wait_until("the program has a child", lambda: pids.exists() and pids.read_text())
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())


LEAVING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]])
open(sys.argv[1], "w").write(str(child.pid))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only on Linux can a process adopt orphans")
def test_processes_that_an_ended_program_left_running_end_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    adopt_orphans()
    with Programs(tmp_path) as programs:
        programs.start("leaving", [sys.executable, "-c", LEAVING, str(pids), CHILD], os.environ).process.wait()
        assert not is_gone(int(pids.read_text()))
    assert is_gone(int(pids.read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_program_outlives_its_command(tmp_path: Path, number: signal.Signals) -> None:
    if number == signal.SIGKILL and not sys.platform.startswith("linux"):
        pytest.skip("only Linux ends the children of a killed process")
    ready = tmp_path / "ready"
    with started([sys.executable, "-c", PARENT, tmp_path], cwd=ROOT) as command:
        wait_until("the program runs", lambda: ready.exists() and ready.read_text())
        command.send_signal(number)
        command.wait(timeout=60)
    assert command.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    wait_until("the program has gone", lambda: is_gone(int(ready.read_text())))
