"""Turns the errors of the database driver into ours, without the rows that their texts may hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from bksb.errors import BksbSyncError, ConfigurationError, FatalError, TransientError

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
def translate_errors(conn_id: str) -> Iterator[None]:
    """Turn a driver's error into ours: its text may hold rows (DETAIL, COPY context), so none of it is kept
    but the SQLSTATE and the names of constraint, table and column."""
    try:
        yield
    except psycopg2.Error as error:
        raise _translate_error(error, conn_id) from None


def _translate_error(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    state = error.pgcode
    if state is None:
        return _translate_connect_error(error, conn_id)
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


def _translate_connect_error(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    """libpq gives no SQLSTATE for a failed connect, only a text, of which nothing is passed on."""
    for phrase, prefix in _CONNECT_FAILURES:
        if phrase in str(error):
            return ConfigurationError(f"The reporting database of connection '{conn_id}' {_SET_UP[prefix]}.")
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return TransientError(
            f"The reporting database of connection '{conn_id}' did not answer: check host, port and that it runs."
        )
    return FatalError(f"The reporting database driver failed ({type(error).__name__}).")
