"""./run on a new machine: its messages when something is missing, and how it builds its environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clones import PATIENCE, Copy, make_small_clone, processes_in, wait_until, write_program

BASE_PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
TOOLS = ("sh", "dirname", "uname", "env")


def path_with(folder: Path, **programs: str) -> str:
    """A PATH with a minimal shell and these shell scripts."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / tool).symlink_to(found)
    for name, text in programs.items():
        write_program(folder / "bin" / name, text)
    return str(folder / "bin")


@pytest.fixture
def small_clone(tmp_path: Path) -> Copy:
    """A clone without an environment."""
    return make_small_clone(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A clone with an environment, built by two commands that were started together."""
    base = tmp_path_factory.mktemp("built")
    clone = make_small_clone(base)
    outputs = [base / "one", base / "two"]
    with clone.running("demo", output=outputs[0]) as one, clone.running("demo", output=outputs[1]) as two:
        assert (one.wait(PATIENCE), two.wait(PATIENCE)) == (0, 0)
    return clone


def test_without_python_it_says_which_version_is_needed(small_clone: Copy, tmp_path: Path) -> None:
    result = small_clone.run("demo", PATH=path_with(tmp_path / "bare"))
    assert result.returncode == 1
    assert result.stderr.startswith("run: Python 3.11, 3.12 or 3.13 is needed; found: none.")
    assert not (small_clone.folder / ".run").exists()


def test_with_an_old_python_it_says_which_version_was_found(small_clone: Copy, tmp_path: Path) -> None:
    old = 'case "$*" in *"%d.%d.%d"*) echo 3.9.2;; *) exit 1;; esac'
    result = small_clone.run("demo", PATH=path_with(tmp_path / "old", python3=old))
    assert result.returncode == 1
    assert "found: python3 (3.9.2)" in result.stderr


def test_another_python_on_the_path_is_used_if_python3_is_too_old(small_clone: Copy, tmp_path: Path) -> None:
    programs = {"python3": "echo 3.9.2; exit 1", "python3.12": f'echo "$@" > {tmp_path}/called; exit 0'}
    result = small_clone.run("demo", PATH=path_with(tmp_path / "later", **programs))
    assert result.returncode == 0
    assert "bootstrap.py demo" in (tmp_path / "called").read_text()


def test_for_a_python_without_venv_it_names_the_package_to_install(small_clone: Copy, tmp_path: Path) -> None:
    without = f'case "$*" in *ensurepip*) exit 1;; *) exec {BASE_PYTHON} "$@";; esac'
    result = small_clone.run("demo", PATH=path_with(tmp_path / "novenv", python3=without))
    assert result.returncode == 1
    assert result.stderr == (
        "run: python3 has no venv module. Install it, for example with: apt-get install python3-venv\n"
    )


def test_two_commands_that_start_together_build_one_environment(built: Copy) -> None:
    outputs = [(built.folder.parent / name).read_text() for name in ("one", "two")]
    assert sorted(text.count("Preparing the environment") for text in outputs) == [0, 1]
    assert all("ran ['demo']" in text for text in outputs)


def test_an_environment_is_used_at_once_and_from_any_folder(built: Copy, tmp_path: Path) -> None:
    result = built.run("demo", "--once", cwd=tmp_path, PYTHONPATH="/nowhere", PYTHONDONTWRITEBYTECODE="1")
    assert (result.stdout, result.stderr) == (f"ran ['demo', '--once'] called from {tmp_path}\n", "")
    assert built.run("sql", "select 1").stdout.endswith(f"called from {built.folder}\n")
    assert list(built.home.iterdir()) == []


def test_changed_requirements_update_the_environment(built: Copy) -> None:
    (built.folder / "requirements.txt").write_text("idna\n")
    result = built.run("demo")
    assert result.stderr == "Updating the environment in .run/venv\n"
    python = built.folder / ".run" / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import idna"], check=False).returncode == 0


def test_a_package_that_does_not_exist_ends_with_a_clear_message(built: Copy) -> None:
    requirements = built.folder / "requirements.txt"
    before = requirements.read_text()
    requirements.write_text("no-such-package-of-bksb-sync\n")
    result = built.run("demo")
    requirements.write_text(before)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(
        "run: the environment could not be built: uv ended with exit code 1."
    )


def test_a_moved_clone_gets_a_new_environment_and_an_interrupted_one_is_built_again(
    built: Copy, tmp_path: Path
) -> None:
    moved = Copy(shutil.copytree(built.folder, tmp_path / "moved", symlinks=True), built.home)
    output = tmp_path / "output"
    pip = moved.folder / ".run" / "venv" / "bin" / "pip"
    pip.unlink()
    with moved.running("demo", output=output) as building:
        wait_until("pip is in the new environment", lambda: pip.exists() or building.poll())
        building.kill()
        building.wait()
    assert "Preparing the environment" in output.read_text()
    again = moved.run("demo")
    assert "Preparing the environment" in again.stderr
    assert again.stdout.startswith("ran ['demo']")
    wait_until("nothing is left of the first start", lambda: not processes_in(moved.folder))
