"""Copies of the repository to run in, and what the tests of ./run observe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.services.clone import ROOT, Clone

PASSED_ON = ("CERT", "_CA_", "INDEX", "PROXY", "proxy")
"""Parts of the names of environment variables that are needed to reach a package registry."""


PATIENCE = 600
"""Seconds to wait for something that is quick on an idle machine."""


def wait_until(what: str, holds: Callable[[], object]) -> None:
    """Wait until the condition holds. Fails after PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"still waiting after {PATIENCE} s: {what}"
        time.sleep(0.05)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of running processes that use a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            told = [*process.cmdline(), process.cwd(), process.environ().get("AIRFLOW_HOME", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(str(folder) in text for text in told):
            found.append(" ".join(process.cmdline()))
    return found


@contextmanager
def started(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended when the context is left."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE)


@dataclass(frozen=True)
class OtherFolder(Clone):
    """This checkout, run by the Python of these tests, with its run-time files in another folder."""

    made_in: Path = Path()

    @property
    def run(self) -> Path:
        return self.made_in

    @property
    def python(self) -> Path:
        return Path(sys.executable)


@dataclass(frozen=True)
class Copy:
    """A copy of the repository, with an empty HOME and a minimal environment."""

    folder: Path
    home: Path

    @property
    def command(self) -> list[str]:
        """The command that a person types."""
        return [str(self.folder / "run")]

    def environment(self, **extra: str) -> dict[str, str]:
        python = Path(getattr(sys, "_base_executable", sys.executable)).parent
        passed_on = {name: value for name, value in os.environ.items() if any(part in name for part in PASSED_ON)}
        return {
            **passed_on,
            "HOME": str(self.home),
            "PATH": f"{python}:/usr/local/bin:/usr/bin:/bin",
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(ROOT / ".run" / "cache")),
            **extra,
        }

    def run(self, *arguments: str, cwd: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run ./run with these arguments to its end."""
        command = [*self.command, *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with started(command, cwd=cwd or self.folder, env=self.environment(**extra), text=True, **pipes) as process:
            stdout, stderr = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    @contextmanager
    def running(self, *arguments: str, output: Path, **extra: str) -> Iterator[subprocess.Popen[str]]:
        """Start ./run with these arguments and its output in a file. It is ended when the context is left."""
        with (
            output.open("wb") as file,
            started(
                [*self.command, *arguments],
                cwd=self.folder,
                env=self.environment(**extra),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            yield process


@dataclass(frozen=True)
class LinkedCopy(Copy):
    """A copy that uses the Python environment of these tests, so that none is built."""

    @property
    def command(self) -> list[str]:
        """The command that ./run starts when the environment is complete."""
        return [str(self.folder / ".run" / "venv" / "bin" / "python"), "-m", "dev.commands"]

    def environment(self, **extra: str) -> dict[str, str]:
        path = f"{self.folder / 'plugins'}{os.pathsep}{self.folder}"
        return super().environment(**{"PYTHONPATH": path, "RUN_CALLED_FROM": str(self.folder), **extra})


def tracked_files() -> list[str]:
    """Return the files of a clone: those under version control, and new ones that are not ignored."""
    git = shutil.which("git") or "git"
    listed = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("needs a git checkout, to copy what a clone would hold")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy_files(names: list[str], folder: Path) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)


@pytest.fixture(scope="session")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the whole repository in which ./run has never run."""
    base = tmp_path_factory.mktemp("clone")
    (base / "home").mkdir()
    copy_files(tracked_files(), base / "bksb sync")
    return Copy(base / "bksb sync", base / "home")


@pytest.fixture
def linked_clone(tmp_path: Path) -> LinkedCopy:
    """A copy of the whole repository, with nothing in .run/ but the environment of these tests."""
    clone = LinkedCopy(tmp_path / "a clone", tmp_path / "home")
    clone.home.mkdir()
    copy_files(tracked_files(), clone.folder)
    (clone.folder / ".run").mkdir(mode=0o700)
    (clone.folder / ".run" / "venv").symlink_to(sys.prefix)
    return clone


STUB_COMMANDS = """
import os, sys
print("ran", sys.argv[1:], "called from", os.environ["RUN_CALLED_FROM"])
"""


def make_small_clone(base: Path) -> Copy:
    """Copy only what ./run needs to build an environment, with two packages to install."""
    folder = base / "small clone"
    copy_files(["run", "dev/bootstrap.py", "constraints.txt", "pyproject.toml", "README.md", "LICENSE"], folder)
    (folder / "requirements.txt").write_text("")
    (folder / "requirements-dev.txt").write_text("uv\nhatchling\n")
    (folder / "plugins" / "bksb").mkdir(parents=True)
    (folder / "plugins" / "bksb" / "__init__.py").write_text("")
    (folder / "dev" / "__init__.py").write_text("")
    (folder / "dev" / "commands.py").write_text(STUB_COMMANDS)
    (base / "home").mkdir()
    return Copy(folder, base / "home")


def write_program(path: Path, text: str) -> None:
    """Write a small executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
