"""./run bench: tiny sizes from end to end, and what a missed target comes to."""

from __future__ import annotations

import pytest

from bench.figures import Figure, exit_code, table
from tests.clones import LinkedCopy, processes_in

KEPT = Figure("a", "speed, times another's", 41.2, "at least", 38, " x", 0)
MISSED = Figure("c", "rows written", 3, "at most", 0, digits=0)
PLAIN = Figure("d", "seconds", 1.234, unit=" s")


@pytest.mark.long
def test_it_measures_every_part_and_its_exit_code_says_whether_all_targets_were_met(linked_clone: LinkedCopy) -> None:
    told = linked_clone.run("bench", "--scale", "0.005")
    clone = linked_clone.folder
    assert told.stderr == ""
    shown = told.stdout[told.stdout.index("\n\n") :]
    parts = {line.split()[0] for line in shown.splitlines() if line.endswith((" met", " MISSED"))}
    assert parts == {"-", "a", "b", "c", "d"}
    assert told.returncode == ("MISSED" in shown)
    for promise in ("calls of the same backfill straight after", "rows written by an unchanged reload"):
        (line,) = [line for line in shown.splitlines() if promise in line]
        assert line.endswith(" met"), "what is counted holds at any size"
    assert str(clone) not in told.stdout, "the table may be shown to anybody"
    assert processes_in(clone) == []
    assert [path.name for path in (clone / ".run").iterdir()] == ["venv"], "nothing stays behind"


def test_it_refuses_to_start_where_a_connection_points_at_something_real(linked_clone: LinkedCopy) -> None:
    told = linked_clone.run("bench", AIRFLOW_CONN_BKSB="{}")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("run bench: AIRFLOW_CONN_BKSB is set.")


def test_a_missed_target_makes_the_exit_code_1() -> None:
    assert exit_code([KEPT, PLAIN]) == 0
    assert exit_code([KEPT, MISSED, PLAIN]) == 1


def test_a_figure_is_judged_as_it_is_printed() -> None:
    assert Figure("b", "calls a learner", 2.04, "at most", 2, digits=1).met
    assert not Figure("b", "calls a learner", 2.06, "at most", 2, digits=1).met


def test_the_table_shows_target_and_verdict_where_there_is_a_target() -> None:
    assert table([KEPT, MISSED, PLAIN]).splitlines()[1:] == [
        "a  speed, times another's      41 x  at least 38 x  met",
        "c  rows written                   3  at most 0      MISSED",
        "d  seconds                   1.23 s",
    ]
