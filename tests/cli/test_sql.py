"""The command sql: rows as CSV, or the server's error message."""

from __future__ import annotations

import pytest

from bksb.cli import main


def test_rows_are_printed_as_csv_with_a_header(airflow, connections, capsys):
    assert main(["sql", "select 1 as one, 'a, b' as two;"]) == 0
    assert capsys.readouterr().out == 'one,two\n1,"a, b"\n'


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("slect 1", 'syntax error at or near "slect"'),
        ("select * from bksb.nowhere", 'relation "bksb.nowhere" does not exist'),
        ("delete from bksb.account", "This command only reads: give it one query, such as a select."),
        ("delete from bksb.account returning 1", "cannot execute DELETE in a read-only transaction"),
    ],
)
def test_a_failing_query_prints_the_reason_in_one_line(airflow, connections, capsys, statement, message):
    assert main(["sql", statement]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{message}\n"
