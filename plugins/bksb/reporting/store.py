"""The window on the reporting database: runs the files of `sql/`, loads by COPY, and keeps rows out of errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import BytesIO
from itertools import chain
from typing import Any

import msgspec
import psycopg2
import psycopg2.extensions
import psycopg2.extras

from bksb.connection_fields import ConnectionFields, libpq_arguments
from bksb.errors import BksbSyncError, ConfigurationError, FatalError, TransientError
from bksb.reporting.sql_files import read_sql, sql_names

BUCKET_LOCKS = 0x626B7362
"""First key of the advisory locks of buckets ("bksb"); the second is the bucket."""

COPY_BYTES = 1024 * 1024
"""Handed to the server at a time; with the usual 8 KiB that alone takes a twentieth of a load."""

ROWS_AT_A_TIME = 1000
"""How many rows of a stream are held in memory."""

WRITER_LOCKS = BUCKET_LOCKS + 1
"""First key of the advisory locks that let one writer of a kind work at a time."""

SENDER_LOCKS = BUCKET_LOCKS + 2
"""First key of the advisory lock that lets one task at a time send mail."""

WRITERS = ("migrate", "plan_accounts", "apply_plan", "load_results", "publish_results")
"""Kinds of writers; the place in this list is the second key of the lock."""


class Store:
    """One connection to the reporting database. Statements run inside `with store.transaction():` only."""

    def __init__(self, connection: psycopg2.extensions.connection, conn_id: str) -> None:
        self._connection = connection
        self._conn_id = conn_id
        self._codec = psycopg2.extensions.encodings[connection.encoding]

    def __repr__(self) -> str:
        return f"Store({self._conn_id})"

    @contextmanager
    def transaction(self, *writers: str) -> Iterator[None]:
        """Everything inside is written whole or not at all; each of `writers` (out of WRITERS) waits for its like."""
        with translated_errors(self._conn_id), self._connection:
            # always in one order, so that two never wait for each other
            for writer in sorted(writers, key=WRITERS.index):
                self.lock_writer(writer)
            yield

    def lock_writer(self, writer: str) -> None:
        """Wait, in a transaction under way, for one more writer: one that comes after its own in WRITERS."""
        self.run("runs/lock_writer", lock_class=WRITER_LOCKS, writer=WRITERS.index(writer))

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
        self.copy_lines(name, map(copy_line, rows))

    def copy_lines(self, name: str, lines: Iterable[str]) -> None:
        """Load rows that are written out already (`copy_line`) through the COPY statement in `sql/<name>.sql`."""
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
    with translated_errors(fields.conn_id):
        connection = psycopg2.connect(**libpq_arguments(fields))
    try:
        store = Store(connection, fields.conn_id)
        with store.transaction():
            store.run("runs/set_lock_timeout")
        if migrated:
            with store.transaction():
                pending = missing_migrations(store)
            if pending:
                raise ConfigurationError(
                    f"The reporting database of connection '{fields.conn_id}' lacks {len(pending)} migrations "
                    f"(first: {pending[0]}): run `python -m bksb migrate` as the owner of its schema."
                )
        yield store
    finally:
        connection.close()


def applied_migrations(store: Store) -> set[str]:
    """The migrations that the database has had, none if it was never migrated. Call it inside a transaction."""
    exists = store.run("runs/find_migration_table")[0].found
    return {row.name for row in store.run("runs/list_migrations")} if exists else set()


def missing_migrations(store: Store) -> list[str]:
    """The files of `sql/migrations`, in order, that the database has not had. Call it inside a transaction."""
    applied = applied_migrations(store)
    names = [name.removeprefix("migrations/") for name in sql_names("migrations")]
    return [name for name in names if name not in applied]


NULL = "\\N"
"""How nothing is written in PostgreSQL's COPY text format."""


def copy_line(row: Sequence[object]) -> str:
    """One row in PostgreSQL's COPY text format, ending in a newline."""
    # by far the most fields are texts without anything to escape, of which a night writes millions
    fields = [
        value if value.__class__ is str and value.isprintable() and "\\" not in value else _copy_field(value)
        for value in row
    ]
    return "\t".join(fields) + "\n"


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape of a NUL character, and not a backslash that is followed by its letters."""

_to_json = msgspec.json.Encoder().encode


def copy_json(value: dict[str, Any]) -> str:
    """A JSON object as a field of PostgreSQL's COPY text format, without the NUL characters that jsonb cannot hold."""
    text = _to_json(value).decode()
    if "\\" in text:
        # what needs escaping here, JSON has escaped by a backslash already
        text = _NUL_IN_JSON.sub(r"\1", text).replace("\\", "\\\\")
    return text


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: NULL,
    bool: {True: "t", False: "f"}.__getitem__,
    int: int.__repr__,
    float: float.__repr__,
    datetime: datetime.isoformat,
    date: date.isoformat,
    dict: copy_json,
    str: lambda value: value.translate(_ESCAPES),
}
"""How values of these types are written; of all others, their text."""


def _copy_field(value: object) -> str:
    writer = _WRITERS.get(value.__class__)
    return str(value).translate(_ESCAPES) if writer is None else writer(value)


_LATER = ("08", "40", "53", "57", "55P03")
_SET_UP = {
    "28": "refuses the log-in: check login and password of the connection",
    "3D": "does not exist: create it, then run `python -m bksb migrate`",
    "3F": "has no schema bksb: run `python -m bksb migrate`",
    "42P01": "lacks a table: run `python -m bksb migrate`",
    "42501": "gives the log-in too few rights: run `python -m bksb migrate --writer ROLE` as the owner, and "
    "`grant temporary on database` to it if that right was taken from everybody",
}


@contextmanager
def translated_errors(conn_id: str) -> Iterator[None]:
    """Turn a driver's error into ours: its text may hold rows (DETAIL, COPY context), so none of it is kept
    but the SQLSTATE and the names of constraint, table and column."""
    try:
        yield
    except psycopg2.Error as error:
        raise _by_remedy(error, conn_id) from None


def _by_remedy(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    state = error.pgcode
    if state is None:
        return _without_state(error, conn_id)
    for prefix, remedy in _SET_UP.items():
        if state.startswith(prefix):
            return ConfigurationError(f"The reporting database of connection '{conn_id}' {remedy} (SQLSTATE {state}).")
    if state.startswith(_LATER):
        return TransientError(f"The reporting database is not well just now (SQLSTATE {state}).")
    names = {
        "constraint": error.diag.constraint_name,
        "table": error.diag.table_name,
        "column": error.diag.column_name,
    }
    where = ", ".join(f"{what} {name}" for what, name in names.items() if name)
    return FatalError(
        f"The reporting database refused a statement (SQLSTATE {state}{', ' + where if where else ''}); nothing of "
        "this step was written. The server's own log says which row; please report it with this message."
    )


_CONNECT_FAILURES = (
    ("does not exist", "3D"),
    ("authentication failed", "28"),
    ("no password supplied", "28"),
)


def _without_state(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    """libpq gives no SQLSTATE for a failed connect, only a text, of which nothing is passed on."""
    for phrase, prefix in _CONNECT_FAILURES:
        if phrase in str(error):
            return ConfigurationError(f"The reporting database of connection '{conn_id}' {_SET_UP[prefix]}.")
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return TransientError(
            f"The reporting database of connection '{conn_id}' did not answer: check host, port and that it runs."
        )
    return FatalError(f"The reporting database driver failed ({type(error).__name__}).")
