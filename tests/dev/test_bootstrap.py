"""./run as people meet it first: what it says when something is missing, and how it builds its environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.clones import Copy, processes_in, wait_until, write_program

BASE_PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
TOOLS = ("sh", "dirname", "uname", "env")


def path_with(folder: Path, **programs: str) -> str:
    """A PATH with a bare shell and these programs, given as shell scripts."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / tool).symlink_to(found)
    for name, text in programs.items():
        write_program(folder / "bin" / name, text)
    return str(folder / "bin")


def test_without_any_python_it_says_which_one_is_needed(small_clone: Copy, tmp_path: Path) -> None:
    told = small_clone.run("demo", PATH=path_with(tmp_path / "bare"))
    assert told.returncode == 1
    assert told.stderr.startswith("run: Python 3.11, 3.12 or 3.13 is needed; found: none.")
    assert not (small_clone.folder / ".run").exists()


def test_with_an_old_python_it_says_what_was_found(small_clone: Copy, tmp_path: Path) -> None:
    old = 'case "$*" in *"%d.%d.%d"*) echo 3.9.2;; *) exit 1;; esac'
    told = small_clone.run("demo", PATH=path_with(tmp_path / "old", python3=old))
    assert told.returncode == 1
    assert "found: python3 (3.9.2)" in told.stderr


def test_a_later_name_on_the_path_serves_when_python3_is_too_old(small_clone: Copy, tmp_path: Path) -> None:
    programs = {"python3": "echo 3.9.2; exit 1", "python3.12": f'echo "$@" > {tmp_path}/called; exit 0'}
    told = small_clone.run("demo", PATH=path_with(tmp_path / "later", **programs))
    assert told.returncode == 0
    assert "bootstrap.py demo" in (tmp_path / "called").read_text()


def test_a_python_without_venv_is_named_with_the_package_to_install(small_clone: Copy, tmp_path: Path) -> None:
    without = f'case "$*" in *ensurepip*) exit 1;; *) exec {BASE_PYTHON} "$@";; esac'
    told = small_clone.run("demo", PATH=path_with(tmp_path / "novenv", python3=without))
    assert told.returncode == 1
    assert told.stderr == (
        "run: python3 has no venv module. Install it, for example with: apt-get install python3-venv\n"
    )


def test_it_builds_once_and_then_starts_at_once_from_any_folder(small_clone: Copy, tmp_path: Path) -> None:
    first = small_clone.run("demo", "--once", cwd=tmp_path, PYTHONPATH="/nowhere", PYTHONDONTWRITEBYTECODE="1")
    assert first.stdout == f"ran ['demo', '--once'] called from {tmp_path}\n", first.stderr
    assert "Preparing the environment" in first.stderr
    second = small_clone.run("sql", "select 1")
    assert second.stdout.endswith(f"called from {small_clone.folder}\n")
    assert second.stderr == ""
    assert list(small_clone.home.iterdir()) == []


def test_an_interrupted_environment_is_built_again(small_clone: Copy, tmp_path: Path) -> None:
    with small_clone.running("demo", output=tmp_path / "output") as building:
        wait_until("pip is in the environment", (small_clone.folder / ".run" / "venv" / "bin" / "pip").exists)
        building.kill()
        building.wait()
    for_good = small_clone.run("demo")
    assert for_good.stdout.startswith("ran ['demo']"), for_good.stderr
    wait_until("nothing is left of the first start", lambda: not processes_in(small_clone.folder))


def test_two_at_the_same_time_build_one_environment(small_clone: Copy, tmp_path: Path) -> None:
    outputs = [tmp_path / "one", tmp_path / "two"]
    with (
        small_clone.running("demo", output=outputs[0]) as one,
        small_clone.running("demo", output=outputs[1]) as two,
    ):
        assert (one.wait(timeout=300), two.wait(timeout=300)) == (0, 0)
    told = sorted(output.read_text() for output in outputs)
    assert [text.count("Preparing the environment") for text in told] == [1, 0]
    assert all("ran ['demo']" in text for text in told)


def test_a_moved_clone_gets_a_new_environment(small_clone: Copy, tmp_path: Path) -> None:
    small_clone.run("demo")
    moved = Copy(small_clone.folder.rename(tmp_path / "moved"), small_clone.home)
    told = moved.run("demo")
    assert "Preparing the environment" in told.stderr
    assert told.stdout.startswith("ran ['demo']")


def test_changed_requirements_bring_the_environment_up_to_date(small_clone: Copy) -> None:
    small_clone.run("demo")
    (small_clone.folder / "requirements.txt").write_text("idna\n")
    told = small_clone.run("demo")
    assert told.stderr == "Bringing the environment in .run/venv up to date\n"
    python = small_clone.folder / ".run" / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import idna"], check=False).returncode == 0


def test_packages_that_cannot_be_had_leave_a_clear_message(small_clone: Copy) -> None:
    (small_clone.folder / "requirements.txt").write_text("no-such-package-of-bksb-sync\n")
    told = small_clone.run("demo")
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("run: the environment is not complete: uv ended with 1")
