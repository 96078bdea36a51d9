"""./run test: its two processes, what --long adds, and a clean end."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from dev.suite import FIRST_HALF, FIRST_HALF_OF_LONG, LONG
from tests.clones import PATIENCE, LinkedCopy, wait_until

MARKED = """
import os
import pytest

@pytest.mark.long
def test_that_takes_minutes():
    print("walks", os.environ["BKSB_WALK_STEPS"], "steps")
    assert os.environ.get("FAIL") != "1"
"""
HANGING = """
import pathlib, time
import pytest

@pytest.fixture
def place():
    yield pathlib.Path("{folder}")
    pathlib.Path("{folder}", "cleaned up").touch()

def test_that_hangs(place):
    (place / "begun").touch()
    time.sleep(600)
"""


@pytest.fixture
def clone(linked_clone: LinkedCopy) -> LinkedCopy:
    """A clone with a test that passes in each folder of a first half, and a long test in the rest."""
    tests = linked_clone.folder / "tests"
    shutil.rmtree(tests)
    for folder in {*FIRST_HALF, *FIRST_HALF_OF_LONG}:
        (linked_clone.folder / folder).mkdir(parents=True)
        (linked_clone.folder / folder / "test_one.py").write_text("def test_one():\n    pass\n")
    (tests / "rules").mkdir()
    (tests / "rules" / "test_one.py").write_text(f"{MARKED}\ndef test_one():\n    pass\n")
    return linked_clone


def test_both_halves_run_without_the_long_tests(clone: LinkedCopy) -> None:
    result = clone.run("test")
    assert result.returncode == 0, result.stdout
    rest = {*FIRST_HALF_OF_LONG} - {*FIRST_HALF}
    assert f"{len(FIRST_HALF)} passed" in result.stdout
    assert f"{1 + len(rest)} passed, 1 deselected" in result.stdout


def test_long_tests_run_at_full_size_unless_the_environment_sets_another(clone: LinkedCopy) -> None:
    result = clone.run("test", "--long", "-s", "tests/rules")
    assert "2 passed" in result.stdout
    assert f"walks {LONG['BKSB_WALK_STEPS']} steps" in result.stdout
    assert "walks 5 steps" in clone.run("test", "--long", "-s", "tests/rules", BKSB_WALK_STEPS="5").stdout


def test_a_failing_test_in_either_half_fails_the_command(clone: LinkedCopy) -> None:
    result = clone.run("test", "--long", FAIL="1")
    assert result.returncode == 1
    rest = {*FIRST_HALF} - {*FIRST_HALF_OF_LONG}
    assert f"{len(FIRST_HALF_OF_LONG)} passed" in result.stdout
    assert f"1 failed, {1 + len(rest)} passed" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_fixtures_clean_up_when_the_command_is_stopped(
    clone: LinkedCopy, tmp_path: Path, number: signal.Signals
) -> None:
    halves = {clone.folder / "tests" / "dev": tmp_path / "one", clone.folder / "tests" / "rules": tmp_path / "two"}
    for tests, folder in halves.items():
        folder.mkdir()
        (tests / "test_hanging.py").write_text(HANGING.format(folder=folder))
    with clone.running("test", output=tmp_path / "output") as running:
        for folder in halves.values():
            wait_until("the test hangs", lambda folder=folder: (folder / "begun").exists() or running.poll())
        running.send_signal(number)
        assert running.wait(PATIENCE) == 128 + number
    assert all((folder / "cleaned up").exists() for folder in halves.values())
