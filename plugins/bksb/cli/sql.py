"""Run one query on the reporting database, and print its rows as CSV with a header.

The query cannot change anything: it runs in a read-only transaction.
"""

from __future__ import annotations

import argparse
import sys

import psycopg2
from psycopg2 import errorcodes

from bksb.connection_fields import ConnectionFields, make_libpq_arguments
from bksb.errors import ConfigurationError

NOT_MIGRATED = (errorcodes.INVALID_SCHEMA_NAME, errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("query", metavar="QUERY", help='query, such as "select * from bksb.skill_summary limit 10"')
    parser.add_argument(
        "--conn", default="reporting", metavar="ID", help="Airflow connection to read from (default: reporting)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the rows."""
    from bksb.airflow.hook import connection_fields

    print_rows(connection_fields(options.conn), options.query)
    return 0


def print_rows(fields: ConnectionFields, query: str) -> None:
    """Print the rows of `query` as CSV. ConfigurationError contains the server's message.

    Only the person who typed the query sees that message: it is in no log.
    """
    try:
        connection = psycopg2.connect(**make_libpq_arguments(fields))
    except psycopg2.OperationalError as error:
        raise ConfigurationError(
            f"The reporting database of connection '{fields.conn_id}' cannot be used: {str(error).strip()}"
        ) from None
    try:
        connection.set_session(readonly=True)
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f"copy (\n{query.strip().rstrip(';')}\n) to stdout with (format csv, header)", sys.stdout
            )
    except psycopg2.Error as error:
        raise ConfigurationError(_explain(connection, error)) from None
    finally:
        connection.close()


def _explain(connection: psycopg2.extensions.connection, error: psycopg2.Error) -> str:
    if error.pgcode == errorcodes.FEATURE_NOT_SUPPORTED and "COPY" in str(error):
        return "This command only reads: give it one query, such as a select."
    lines = [error.diag.message_primary or str(error).strip()]
    if error.diag.message_hint:
        lines.append(error.diag.message_hint)
    if error.pgcode in NOT_MIGRATED and not _is_migrated(connection):
        lines.append("The reporting tables do not exist yet: create them with the command migrate.")
    return "\n".join(lines)


def _is_migrated(connection: psycopg2.extensions.connection) -> bool:
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('bksb.account') is not null")
        return bool((cursor.fetchone() or (False,))[0])
