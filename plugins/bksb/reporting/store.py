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
"""Bytes sent to the server at a time. With the default of 8 KiB, sending takes a twentieth of a load."""

ROWS_AT_A_TIME = 1000
"""Rows of a stream that are held in memory at a time."""

BUCKET_LOCKS = 0x626B7362
"""First key of the advisory locks of buckets ("bksb" in ASCII). The second key is the bucket."""

WRITER_LOCKS = BUCKET_LOCKS + 1
"""First key of the advisory locks of writers. The second key is the Writer."""

SENDER_LOCKS = BUCKET_LOCKS + 2
"""First key of the advisory lock of the task that sends mail."""


class Writer(IntEnum):
    """Kinds of writers. Only one writer of each kind works at a time.

    The numbers are keys of advisory locks. Never change one: workers of two versions share them during an update.
    Locks are taken in ascending order, so that two tasks cannot deadlock.
    """

    MIGRATE = 0
    PLAN_ACCOUNTS = 1
    APPLY_PLAN = 2
    LOAD_RESULTS = 3
    PUBLISH_RESULTS = 4


class Store:
    """One connection to the reporting database. Run statements only inside `with store.transaction():`."""

    def __init__(self, connection: psycopg2.extensions.connection, conn_id: str) -> None:
        self._connection = connection
        self._conn_id = conn_id
        self._codec = psycopg2.extensions.encodings[connection.encoding]

    def __repr__(self) -> str:
        return f"Store({self._conn_id})"

    @contextmanager
    def transaction(self, *writers: Writer) -> Iterator[None]:
        """Commit everything inside, or nothing. Meanwhile no other task is one of these `writers`."""
        with translate_errors(self._conn_id), self._connection:
            for writer in sorted(writers):
                self.lock_writer(writer)
            yield

    def lock_writer(self, writer: Writer) -> None:
        """Inside a transaction, wait until no other task is this writer.

        `writer` must be higher than every writer already held.
        """
        self.run("runs/lock_writer", lock_class=WRITER_LOCKS, writer=int(writer))

    def run(self, name: str, /, **parameters: Any) -> list[Any]:
        """Run the statement `sql/<name>.sql`. Returns its rows as named tuples, or an empty list."""
        with self._connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
            cursor.execute(read_sql(name), parameters or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def stream(self, name: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
        """Yield the column names of `sql/<name>.sql` and an iterator over its rows, fetched some at a time."""
        with self._connection.cursor(name="stream") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            cursor.execute(read_sql(name))
            first = cursor.fetchmany(ROWS_AT_A_TIME)
            yield [column.name for column in cursor.description or ()], chain(first, cursor)

    def copy(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Load rows through the COPY statement in `sql/<name>.sql`."""
        self.copy_lines(name, map(encode_row, rows))

    def copy_lines(self, name: str, lines: Iterable[str]) -> None:
        """Load rows that `encode_row` has encoded through the COPY statement in `sql/<name>.sql`."""
        written = BytesIO("".join(lines).encode(self._codec))
        with self._connection.cursor() as cursor:
            cursor.copy_expert(read_sql(name), written, COPY_BYTES)

    def lock_buckets(self, buckets: Iterable[int]) -> None:
        """Wait for the locks of these buckets, and hold them until the connection closes.

        They are taken in ascending order, so that two runs cannot deadlock.
        """
        with self.transaction():
            for bucket in sorted(buckets):
                self.run("runs/lock_bucket", lock_class=BUCKET_LOCKS, bucket=bucket)

    def lock_sender(self) -> None:
        """Wait until no other task sends mail, and hold that lock until the connection closes."""
        with self.transaction():
            self.run("runs/lock_sender", lock_class=SENDER_LOCKS)


@contextmanager
def open_store(fields: ConnectionFields, *, migrated: bool = True) -> Iterator[Store]:
    """Connect for the duration of a block. Raises an error with advice if the database is missing or not migrated."""
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
    """Return the applied migrations; none if the database was never migrated. Call it inside a transaction."""
    exists = store.run("schema/find_migration_table")[0].found
    return {row.name for row in store.run("schema/list_migrations")} if exists else set()


def list_missing_migrations(store: Store) -> list[str]:
    """Return the files of `sql/migrations` that are not applied, in order. Call it inside a transaction."""
    applied = list_applied_migrations(store)
    names = [name.removeprefix("migrations/") for name in list_statements("migrations")]
    return [name for name in names if name not in applied]
