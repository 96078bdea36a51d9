"""A connection to the reporting database: runs the files of `sql/` and loads rows by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from io import BytesIO
from itertools import chain
from typing import Any

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from bksb.connection_fields import ConnectionFields, make_libpq_arguments
from bksb.errors import ConfigurationError
from bksb.reporting.copy_format import encode_row
from bksb.reporting.db_errors import translate_errors
from bksb.reporting.sql_files import list_statements, read_sql

COPY_BYTES = 1024 * 1024
"""Bytes handed to the server at a time; with the usual 8 KiB, that alone takes a twentieth of a load."""

ROWS_AT_A_TIME = 1000
"""Rows of a stream that are held in memory."""

BUCKET_LOCKS = 0x626B7362
"""First key of the advisory locks of buckets ("bksb" in ASCII); the second key is the bucket."""

WRITER_LOCKS = BUCKET_LOCKS + 1
"""First key of the advisory locks of writers; the second key is the Writer."""

SENDER_LOCKS = BUCKET_LOCKS + 2
"""First key of the advisory lock of the task that sends mail."""


class Writer(IntEnum):
    """Kinds of writers: one of each kind works at a time.

    The numbers are keys of advisory locks, shared by workers of different versions during an update: never change one.
    Locks are taken in ascending order, so that two tasks never wait for each other.
    """

    MIGRATE = 0
    PLAN_ACCOUNTS = 1
    APPLY_PLAN = 2
    LOAD_RESULTS = 3
    PUBLISH_RESULTS = 4


class Store:
    """One connection to the reporting database. Statements run inside `with store.transaction():` only."""

    def __init__(self, connection: psycopg2.extensions.connection, conn_id: str) -> None:
        self._connection = connection
        self._conn_id = conn_id
        self._codec = psycopg2.extensions.encodings[connection.encoding]

    def __repr__(self) -> str:
        return f"Store({self._conn_id})"

    @contextmanager
    def transaction(self, *writers: Writer) -> Iterator[None]:
        """Everything inside is written whole or not at all, while no other task is one of `writers`."""
        with translate_errors(self._conn_id), self._connection:
            for writer in sorted(writers):
                self.lock_writer(writer)
            yield

    def lock_writer(self, writer: Writer) -> None:
        """Inside a transaction, wait until no other task is this writer; it must be higher than the ones held."""
        self.run("runs/lock_writer", lock_class=WRITER_LOCKS, writer=int(writer))

    def run(self, name: str, /, **parameters: Any) -> list[Any]:
        """Run the statement `sql/<name>.sql`; its rows as named tuples, or an empty list."""
        with self._connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
            cursor.execute(read_sql(name), parameters or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def stream(self, name: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
        """The names of the columns of `sql/<name>.sql`, and its rows as the server hands them out, some at a time."""
        with self._connection.cursor(name="stream") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            cursor.execute(read_sql(name))
            first = cursor.fetchmany(ROWS_AT_A_TIME)
            yield [column.name for column in cursor.description or ()], chain(first, cursor)

    def copy(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Load rows through the COPY statement in `sql/<name>.sql`."""
        self.copy_lines(name, map(encode_row, rows))

    def copy_lines(self, name: str, lines: Iterable[str]) -> None:
        """Load rows that are written out already (`encode_row`) through the COPY statement in `sql/<name>.sql`."""
        written = BytesIO("".join(lines).encode(self._codec))
        with self._connection.cursor() as cursor:
            cursor.copy_expert(read_sql(name), written, COPY_BYTES)

    def lock_buckets(self, buckets: Iterable[int]) -> None:
        """Wait until these buckets are ours, and keep them while this connection lives.

        Always in ascending order, so that two runs never wait for each other.
        """
        with self.transaction():
            for bucket in sorted(buckets):
                self.run("runs/lock_bucket", lock_class=BUCKET_LOCKS, bucket=bucket)

    def lock_sender(self) -> None:
        """Wait until no other task sends mail, and keep others from it while this connection lives."""
        with self.transaction():
            self.run("runs/lock_sender", lock_class=SENDER_LOCKS)


@contextmanager
def open_store(fields: ConnectionFields, *, migrated: bool = True) -> Iterator[Store]:
    """Connect for as long as the block lasts; says what to do when the database is absent or not migrated."""
    with translate_errors(fields.conn_id):
        connection = psycopg2.connect(**make_libpq_arguments(fields))
    try:
        store = Store(connection, fields.conn_id)
        with store.transaction():
            store.run("runs/set_lock_timeout")
        if migrated:
            with store.transaction():
                pending = list_missing_migrations(store)
            if pending:
                raise ConfigurationError(
                    f"The reporting database of connection '{fields.conn_id}' lacks {len(pending)} migrations "
                    f"(first: {pending[0]}): run `python -m bksb migrate` as the owner of its schema."
                )
        yield store
    finally:
        connection.close()


def list_applied_migrations(store: Store) -> set[str]:
    """The migrations that the database has had, none if it was never migrated. Call it inside a transaction."""
    exists = store.run("schema/find_migration_table")[0].found
    return {row.name for row in store.run("schema/list_migrations")} if exists else set()


def list_missing_migrations(store: Store) -> list[str]:
    """The files of `sql/migrations`, in order, that the database has not had. Call it inside a transaction."""
    applied = list_applied_migrations(store)
    names = [name.removeprefix("migrations/") for name in list_statements("migrations")]
    return [name for name in names if name not in applied]
