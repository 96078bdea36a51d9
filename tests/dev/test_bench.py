"""./run bench, end to end at a tiny scale, and how it reports targets."""

from __future__ import annotations

import pytest

from bench.figures import Figure, exit_code, table
from tests.clones import LinkedCopy, processes_in

KEPT = Figure("a", "speed, times another's", 41.2, "at least", 38, " x", 0)
MISSED = Figure("c", "rows written", 3, "at most", 0, digits=0)
PLAIN = Figure("d", "seconds", 1.234, unit=" s")


@pytest.mark.long
def test_it_measures_every_part_and_its_exit_code_says_whether_all_targets_were_met(linked_clone: LinkedCopy) -> None:
    result = linked_clone.run("bench", "--scale", "0.005")
    clone = linked_clone.folder
    assert result.stderr == ""
    shown = result.stdout[result.stdout.index("\n\n") :]
    parts = {line.split()[0] for line in shown.splitlines() if line.endswith((" met", " MISSED"))}
    assert parts == {"-", "a", "b", "c", "d"}
    assert result.returncode == ("MISSED" in shown)
    for promise in ("calls of the same backfill straight after", "rows written by an unchanged reload"):
        (line,) = [line for line in shown.splitlines() if promise in line]
        assert line.endswith(" met"), "counts do not depend on the scale"
    assert str(clone) not in result.stdout, "the table names no folder of this machine"
    assert processes_in(clone) == []
    assert [path.name for path in (clone / ".run").iterdir()] == ["venv"], "nothing is left behind"


def test_it_refuses_to_start_if_a_connection_is_set(linked_clone: LinkedCopy) -> None:
    result = linked_clone.run("bench", AIRFLOW_CONN_BKSB="{}")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("run bench: AIRFLOW_CONN_BKSB is set.")


def test_a_missed_target_makes_the_exit_code_1() -> None:
    assert exit_code([KEPT, PLAIN]) == 0
    assert exit_code([KEPT, MISSED, PLAIN]) == 1


def test_a_figure_is_compared_as_rounded_for_print() -> None:
    assert Figure("b", "calls a learner", 2.04, "at most", 2, digits=1).met
    assert not Figure("b", "calls a learner", 2.06, "at most", 2, digits=1).met


def test_the_table_shows_target_and_verdict_of_a_figure_with_a_target() -> None:
    assert table([KEPT, MISSED, PLAIN]).splitlines()[1:] == [
        "a  speed, times another's      41 x  at least 38 x  met",
        "c  rows written                   3  at most 0      MISSED",
        "d  seconds                   1.23 s",
    ]
