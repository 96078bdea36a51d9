"""The pretend MIS: a PICS-like PostgreSQL database, filled once with the invented people."""

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from sandbox.world.population import World
from sandbox.world.storage import WorldMismatchError, load_or_create

SCHEMA = Path(__file__).with_name("schema.sql")
ADVISORY_LOCK = 620_410_001
NULL = "\\N"


def fill(database: str | Connection, world: World) -> bool:
    """Makes the tables if need be and fills them with the world's people; True if it did, False if some were there.

    `database` is a DSN, or an open connection (on which it commits). An MIS that holds people is left as it is,
    so that changes made to it by hand or by a test last. All or nothing; safe to call from two processes at once.
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
        for table, records in (
            ("person", world.people),
            ("episode", world.episodes),
            ("application", world.applications),
        ):
            copy = f"copy {table} from stdin with (format csv, null '{NULL}')"
            cursor.copy_expert(copy, _as_csv(astuple(record) for record in records))
        cursor.execute("analyze person, episode, application")
    return True


def _as_csv(rows: Iterable[Sequence[Any]]) -> io.StringIO:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([NULL if value is None else value for value in row])
    text.seek(0)
    return text


def main() -> None:
    """Fills the MIS of a sandbox folder from the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.mis", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that remembers the invented world")
    parser.add_argument("--dsn", required=True, help="PostgreSQL database to fill, as a libpq DSN or URL")
    parser.add_argument("--learners", type=int, help="people in the MIS; 600 in a new sandbox")
    parser.add_argument("--today", type=date.fromisoformat, help="first day of a new sandbox, YYYY-MM-DD; today")
    asked = parser.parse_args()
    try:
        world = load_or_create(asked.data, asked.learners, asked.today)
        filled = fill(asked.dsn, world)
    except (WorldMismatchError, psycopg2.OperationalError) as error:
        sys.exit(str(error).strip())
    print(f"{'Filled' if filled else 'Left'} the MIS{'' if filled else ' as it was'}: {len(world.people)} people.")


if __name__ == "__main__":
    main()
