"""The simulated MIS: a PostgreSQL database with tables like those of PICS, filled once with the invented people."""

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from sandbox.world.population import World

SCHEMA = Path(__file__).with_name("schema.sql")
ADVISORY_LOCK = 620_410_001
NULL = "\\N"


def fill(database: str | Connection, world: World) -> bool:
    """Create the tables if they are missing, and fill them in one transaction. Returns False if they hold people.

    Leaves an MIS that holds people unchanged, to keep changes made by hand or by a test. `database` is a DSN, or an
    open connection, on which this commits. Safe to call from several processes at once.
    """
    if isinstance(database, str):
        with closing(psycopg2.connect(database)) as opened:
            return fill(opened, world)
    with database, database.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
        cursor.execute("select exists (select from person)")
        (filled,) = cursor.fetchone() or (False,)
        if filled:
            return False
        for table, rows in (
            ("person", world.people),
            ("episode", world.episodes),
            ("application", world.applications),
        ):
            copy = f"copy {table} from stdin with (format csv, null '{NULL}')"
            cursor.copy_expert(copy, _write_csv(astuple(row) for row in rows))
        cursor.execute("analyze person, episode, application")
    return True


def _write_csv(rows: Iterable[Sequence[Any]]) -> io.StringIO:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([NULL if value is None else value for value in row])
    text.seek(0)
    return text
