"""The last ERROR line in the log of a failed try says what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bksb import errors

LONGEST_LINE = 95
"""Characters of a message that Airflow's log page shows in a window of 1400 pixels. It cuts off the rest."""

FAILING = """
from airflow.sdk import dag, task

from bksb import errors
from bksb.airflow import dag_support

UNEXPECTED = (ValueError, KeyError)
OURS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@dag(schedule=None, default_args=dag_support.DEFAULT_ARGS | {"retries": 0})
def failing():
    for kind in [*OURS, *UNEXPECTED]:

        @task(task_id=kind.__name__)
        def fail(kind=kind):
            raise kind("the reason of " + kind.__name__)

        fail()


failing()
"""

RETRIED = """
from datetime import timedelta

from airflow.sdk import dag, task

from bksb import errors
from bksb.airflow import dag_support


@dag(schedule=None, default_args=dag_support.DEFAULT_ARGS | {"retries": 1, "retry_delay": timedelta(0)})
def retried():
    @task
    def fail():
        raise errors.UnreachableError("bksb did not answer")

    fail()


retried()
"""


def kinds() -> list[type[Exception]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", [*kinds(), ValueError], ids=lambda kind: kind.__name__)
def test_every_error_has_one_short_line_that_says_what_to_do(kind):
    from bksb.airflow.next_step import find_next_step

    line = find_next_step(kind("Unmistakeable"))
    assert line.startswith("What to do: ") and line.endswith(".") and "\n" not in line
    assert len(line) <= LONGEST_LINE and "Unmistakeable" not in line


def test_an_error_has_the_line_of_its_own_kind_and_not_of_a_more_general_one():
    from bksb.airflow.next_step import NEXT_STEPS

    listed = [kind for kind, _ in NEXT_STEPS]
    assert set(kinds()) - {errors.BksbSyncError} <= set(listed)
    for number, kind in enumerate(listed):
        assert not [earlier for earlier in listed[:number] if issubclass(kind, earlier)]


def run(dag: str, folder: Path) -> list[str]:
    """The log of a whole run of the DAG, line by line."""
    (folder / "dag.py").write_text(dag, encoding="utf-8")
    (dag_id,) = re.findall(r"^(\w+)\(\)$", dag, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", dag_id],
        env=os.environ | {"AIRFLOW__CORE__DAGS_FOLDER": str(folder), "NO_COLOR": "1", "COLUMNS": "400"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()


def last_errors(log: list[str]) -> dict[str, str]:
    """The last ERROR line of each task."""
    found, task = {}, ""
    for line in log:
        if started := re.search(r"\[DAG TEST\] starting task_id=(\w+)", line):
            task = started[1]
        if task and re.search(r"\[error\s*\]", line):
            found[task] = line
    return found


def test_it_is_the_last_error_line_of_every_failed_task(airflow, connections, tmp_path):
    from bksb.airflow.next_step import find_next_step

    found = last_errors(run(FAILING, tmp_path))
    assert set(found) == {kind.__name__ for kind in [*kinds(), ValueError, KeyError]}
    for name, line in found.items():
        kind = getattr(errors, name, None) or {"ValueError": ValueError, "KeyError": KeyError}[name]
        assert find_next_step(kind("x")) in line


def test_a_try_that_is_followed_by_another_says_so(airflow, connections, tmp_path):
    said = "\n".join(run(RETRIED, tmp_path))
    assert "What to do: nothing yet. Airflow tries this task again by itself (this was try 1 of 2)." in said
