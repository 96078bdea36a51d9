"""The simulated MIS, on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple
from datetime import date
from typing import Any

import psycopg2

from sandbox.mis.database import fill
from sandbox.world.people import invent
from sandbox.world.population import World


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_tables_hold_exactly_the_world(empty_database: str, world: World) -> None:
    assert fill(empty_database, world)
    assert rows(empty_database, 'select * from person order by person_id collate "C"') == [
        astuple(person) for person in world.people
    ]
    assert rows(empty_database, "select * from episode order by 1") == [astuple(one) for one in world.episodes]
    assert rows(empty_database, "select * from application order by 1") == [astuple(one) for one in world.applications]


def test_filling_again_keeps_edited_rows(empty_database: str, world: World) -> None:
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


def test_filling_through_an_open_connection_leaves_it_open(empty_database: str, world: World) -> None:
    with closing(psycopg2.connect(empty_database)) as connection:
        assert fill(connection, world)
        assert not connection.closed
    assert rows(empty_database, "select count(*) from person") == [(100,)]


def test_concurrent_starts_fill_the_database_once(empty_database: str) -> None:
    world = invent(500, date(2026, 11, 23))
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: fill(empty_database, world), range(4))) == [
            False,
            False,
            False,
            True,
        ]
    assert rows(empty_database, "select count(*) from person") == [(500,)]
