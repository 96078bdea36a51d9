"""Turns errors of the database driver into ours, without the rows that their texts may contain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from bksb.errors import BksbSyncError, ConfigurationError, FatalError, TransientError

_RETRYABLE = ("08", "40", "53", "57", "55P03")
_SETUP_FAULTS = {
    "28": "refuses the log-in: check login and password of the connection",
    "3D": "does not exist: create it, then run `python -m bksb migrate`",
    "3F": "has no schema bksb: run `python -m bksb migrate`",
    "42P01": "lacks a table: run `python -m bksb migrate`",
    "42501": "gives the log-in too few rights: run `python -m bksb migrate --writer ROLE` as the owner. If the right "
    "TEMPORARY was revoked from PUBLIC, also grant it to the role",
}


@contextmanager
def translate_errors(conn_id: str) -> Iterator[None]:
    """Turn a driver's error into ours.

    Its text may contain rows (DETAIL, COPY context), so only the SQLSTATE and the names of constraint, table and column
    are kept.
    """
    try:
        yield
    except psycopg2.Error as error:
        raise _translate_error(error, conn_id) from None


def _translate_error(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    state = error.pgcode
    if state is None:
        return _translate_connect_error(error, conn_id)
    for prefix, advice in _SETUP_FAULTS.items():
        if state.startswith(prefix):
            return ConfigurationError(f"The reporting database of connection '{conn_id}' {advice} (SQLSTATE {state}).")
    if state.startswith(_RETRYABLE):
        return TransientError(
            f"The reporting database is unavailable at the moment (SQLSTATE {state}). Try again later."
        )
    names = {
        "constraint": error.diag.constraint_name,
        "table": error.diag.table_name,
        "column": error.diag.column_name,
    }
    where = ", ".join(f"{what} {name}" for what, name in names.items() if name)
    return FatalError(
        f"The reporting database refused a statement (SQLSTATE {state}{', ' + where if where else ''}); nothing of "
        "this step was written. The server's log has the row. Please tell the maintainers, with this message."
    )


_CONNECT_FAILURES = (
    ('role "', _SETUP_FAULTS["28"]),
    ("does not exist", _SETUP_FAULTS["3D"]),
    ("authentication failed", _SETUP_FAULTS["28"]),
    ("no password supplied", _SETUP_FAULTS["28"]),
    (
        "server does not support SSL",
        "does not offer SSL, which sslmode of the connection asks for: switch SSL on in the server, or set sslmode to "
        "prefer",
    ),
)


def _translate_connect_error(error: psycopg2.Error, conn_id: str) -> BksbSyncError:
    """Turn a failed connect into our error. libpq gives no SQLSTATE for it, only a text, which is not kept."""
    for phrase, advice in _CONNECT_FAILURES:
        if phrase in str(error):
            return ConfigurationError(f"The reporting database of connection '{conn_id}' {advice}.")
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return TransientError(
            f"The reporting database of connection '{conn_id}' did not answer: check host, port and that it runs."
        )
    return FatalError(
        f"The reporting database driver failed ({type(error).__name__}). Please tell the maintainers, with this "
        "message."
    )
