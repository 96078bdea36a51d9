"""./run sql and ./run export: a query or a list of the reporting database, its rows as CSV."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg2
from psycopg2 import errorcodes

from bksb.cli.export import export
from bksb.connection_fields import ConnectionFields, libpq_arguments
from bksb.errors import BksbSyncError
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from dev.stage import reporting_fields

VARIABLE = "AIRFLOW_CONN_REPORTING"
NOT_MIGRATED = (errorcodes.INVALID_SCHEMA_NAME, errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN)


class QueryError(RunError):
    """The query gave no rows; the text is the server's message and what to do next."""


def run_query(clone: Clone, query: str) -> None:
    """Prints the rows as CSV with a header, from AIRFLOW_CONN_REPORTING if set, else the embedded database."""
    if VARIABLE in os.environ:
        _print_rows(connection_from(os.environ[VARIABLE]), query)
        return
    with _embedded(clone) as fields:
        _print_rows(fields, query)


def export_list(clone: Clone, name: str, out: Path | None) -> int:
    """Writes a list of bksb.export from the embedded database; returns the number of its rows."""
    with _embedded(clone) as fields:
        try:
            return export(fields, name, out)
        except BksbSyncError as error:
            raise QueryError(str(error)) from None


@contextmanager
def _embedded(clone: Clone) -> Iterator[ConnectionFields]:
    if not Postgres(clone.postgres).exists():
        raise QueryError("there is no reporting database yet. Make one with: ./run demo")
    with Postgres.shared(clone.postgres, clone.locks) as server:
        yield reporting_fields(server, clone, "bksb_writer")


def connection_from(text: str) -> ConnectionFields:
    """The fields of a connection written as JSON or as a URI, the two forms that Airflow takes."""
    try:
        return _from_json(text) if text.lstrip().startswith("{") else _from_uri(text)
    except ValueError:
        raise QueryError(f"{VARIABLE} is neither JSON nor a URI as Airflow takes them. Correct it.") from None


def _from_json(text: str) -> ConnectionFields:
    told = json.loads(text)
    extra = told.get("extra") or {}
    return ConnectionFields(
        conn_id="reporting",
        host=told.get("host"),
        port=int(told["port"]) if told.get("port") else None,
        login=told.get("login"),
        password=told.get("password"),
        database=told.get("schema"),
        extra=json.loads(extra) if isinstance(extra, str) else extra,
    )


def _from_uri(text: str) -> ConnectionFields:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError(text)
    return ConnectionFields(
        conn_id="reporting",
        host=unquote(parts.hostname or "") or None,
        port=parts.port,
        login=unquote(parts.username or "") or None,
        password=unquote(parts.password or "") or None,
        database=unquote(parts.path.lstrip("/")) or None,
        extra=dict(parse_qsl(parts.query)),
    )


def _print_rows(fields: ConnectionFields, query: str) -> None:
    try:
        connection = psycopg2.connect(**libpq_arguments(fields))
    except psycopg2.OperationalError as error:
        raise QueryError(_unreachable(str(error).strip())) from None
    try:
        connection.set_session(readonly=True)
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f"copy (\n{query.strip().rstrip(';')}\n) to stdout with (format csv, header)", sys.stdout
            )
    except psycopg2.Error as error:
        raise QueryError(_explain(connection, error)) from None
    finally:
        connection.close()


def _unreachable(message: str) -> str:
    if VARIABLE in os.environ:
        return f"the reporting database of {VARIABLE} cannot be used: {message}"
    return f"the embedded reporting database cannot be used: {message}\nMake it with: ./run demo"


def _explain(connection: psycopg2.extensions.connection, error: psycopg2.Error) -> str:
    if error.pgcode == errorcodes.FEATURE_NOT_SUPPORTED and "COPY" in str(error):
        return "./run sql only reads: give it one query, such as a select"
    told = [error.diag.message_primary or str(error).strip()]
    if error.diag.message_hint:
        told.append(error.diag.message_hint)
    if error.pgcode in NOT_MIGRATED and not _is_migrated(connection):
        told.append("The reporting tables are not there. Make them with: ./run migrate")
    return "\n".join(told)


def _is_migrated(connection: psycopg2.extensions.connection) -> bool:
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('bksb.account') is not null")
        return bool((cursor.fetchone() or (False,))[0])
