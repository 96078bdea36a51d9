"""Creates the databases of the measurements on a given server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg2.extras
from psycopg2 import sql

from bksb.connection_fields import ConnectionFields, make_libpq_arguments
from bksb.reporting.migrations import migrate
from sandbox.mis import database as sandbox_mis
from sandbox.world.population import World

TEMPLATE = "reporting_template"

_numbers = itertools.count(1)


class Databases:
    """MIS and reporting databases on one PostgreSQL. `server` connects as a superuser."""

    def __init__(self, server: ConnectionFields) -> None:
        self._server = server
        self._create(TEMPLATE, "template1")
        self._template = replace(server, conn_id="reporting", database=TEMPLATE)
        migrate(self._template)

    @contextmanager
    def reporting(self, template: str = TEMPLATE) -> Iterator[ConnectionFields]:
        """Create a reporting database: migrated and empty, or a copy of another. Dropped at the end."""
        with self._database(template) as name:
            yield replace(self._server, conn_id="reporting", database=name)

    @contextmanager
    def mis(self, world: World) -> Iterator[ConnectionFields]:
        """Create an MIS with the people of this world. Dropped at the end."""
        with self._database("template1") as name:
            extra = {"sqlalchemy_scheme": "postgresql+psycopg2"}
            fields = replace(self._server, conn_id="mis", database=name, extra=extra)
            with closing(psycopg2.connect(**make_libpq_arguments(fields))) as connection:
                sandbox_mis.fill(connection, world)
            yield fields

    def version(self) -> str:
        """Return the version of PostgreSQL."""
        (row,) = execute(self._template, "show server_version")
        return str(row.server_version)

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"bench_{next(_numbers)}"
        self._create(name, template)
        try:
            yield name
        finally:
            self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        # file_copy takes milliseconds
        statement = sql.SQL("create database {} template {} strategy file_copy")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _execute(self, statement: sql.Composable) -> None:
        with closing(connect(self._server)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)


def connect(fields: ConnectionFields) -> psycopg2.extensions.connection:
    """Return a connection in autocommit mode."""
    connection: psycopg2.extensions.connection = psycopg2.connect(**make_libpq_arguments(fields))
    connection.autocommit = True
    return connection


def execute(fields: ConnectionFields, statement: str) -> list[Any]:
    """Execute a statement without the project's own code, and return its rows."""
    with (
        closing(connect(fields)) as connection,
        connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
