"""The pretend MIS on a real PostgreSQL."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2

from sandbox.mis.database import fill
from sandbox.world.people import invent
from sandbox.world.population import World


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def run_mis(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox.mis", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_tables_hold_exactly_the_world(empty_database: str, world: World) -> None:
    assert fill(empty_database, world)
    assert rows(empty_database, 'select * from person order by person_id collate "C"') == [
        astuple(person) for person in world.people
    ]
    assert rows(empty_database, "select * from episode order by 1") == [astuple(one) for one in world.episodes]
    assert rows(empty_database, "select * from application order by 1") == [astuple(one) for one in world.applications]


def test_filling_again_changes_nothing_and_keeps_what_was_edited(empty_database: str, world: World) -> None:
    fill(empty_database, world)
    with psycopg2.connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update person set email = 'edited@learner.example' where person_id = %s",
            (world.people[0].person_id,),
        )
    connection.close()
    before = rows(empty_database, "select * from person order by 1")
    assert not fill(empty_database, world)
    assert rows(empty_database, "select * from person order by 1") == before


def test_an_open_connection_can_be_filled_and_stays_open(empty_database: str, world: World) -> None:
    with closing(psycopg2.connect(empty_database)) as connection:
        assert fill(connection, world)
        assert not connection.closed
    assert rows(empty_database, "select count(*) from person") == [(100,)]


def test_two_starts_at_once_fill_once(empty_database: str) -> None:
    world = invent(500, date(2026, 11, 23))
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: fill(empty_database, world), range(4))) == [
            False,
            False,
            False,
            True,
        ]
    assert rows(empty_database, "select count(*) from person") == [(500,)]


def test_the_command_fills_once_and_says_so(empty_database: str, tmp_path: Path) -> None:
    first = run_mis("--data", tmp_path, "--dsn", empty_database, "--learners", "50", "--today", "2026-11-23")
    assert (first.returncode, first.stdout) == (0, "Filled the MIS: 50 people.\n")
    again = run_mis("--data", tmp_path, "--dsn", empty_database)
    assert (again.returncode, again.stdout) == (0, "Left the MIS as it was: 50 people.\n")


def test_the_command_says_what_to_do_about_another_number_of_people(empty_database: str, tmp_path: Path) -> None:
    run_mis("--data", tmp_path, "--dsn", empty_database, "--learners", "50")
    other = run_mis("--data", tmp_path, "--dsn", empty_database, "--learners", "60")
    assert other.returncode == 1
    assert "holds 50 people, not 60" in other.stderr
    assert "Traceback" not in other.stderr


def test_the_command_says_so_when_the_database_cannot_be_reached(tmp_path: Path) -> None:
    missing = run_mis("--data", tmp_path, "--dsn", f"host={tmp_path} dbname=nowhere")
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr
