"""Prepares the embedded PostgreSQL: databases and roles, the people in the MIS, the reporting tables."""

from __future__ import annotations

from contextlib import closing

from psycopg2 import sql

from bksb.errors import BksbSyncError
from bksb.reporting.migrations import migrate
from dev.connections import embedded_fields
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from sandbox.mis import database as mis
from sandbox.world import storage as world

ROLES = ("airflow", "mis_owner", "mis_reader", "bksb_owner", "bksb_writer", "bksb_reader")
OWNERS = {"airflow": "airflow", "mis": "mis_owner", "reporting": "bksb_owner"}
GRANTS = {
    "mis": {"mis_reader": "connect"},
    "reporting": {"bksb_writer": "connect, temporary", "bksb_reader": "connect"},
}


def prepare_everything(server: Postgres, clone: Clone) -> None:
    """Creates the databases, fills the MIS and migrates the reporting tables. Keeps what exists already."""
    prepare_databases(server, clone)
    mis.fill(server.dsn("mis", "mis_owner", clone.secret("mis_owner")), world.load_or_create(clone.sandbox))
    migrate_reporting(server, clone)


def migrate_reporting(server: Postgres, clone: Clone) -> None:
    """Migrates the embedded reporting database."""
    owner = embedded_fields(server, "reporting", "reporting", "bksb_owner", clone.secret("bksb_owner"))
    try:
        migrate(owner, writer="bksb_writer", reader="bksb_reader")
    except BksbSyncError as error:
        raise RunError(str(error)) from None


def prepare_databases(server: Postgres, clone: Clone) -> None:
    """Creates missing databases and roles, and sets the passwords of this clone. Safe to repeat."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select rolname from pg_roles")
        roles = {name for (name,) in cursor.fetchall()}
        for role in ROLES:
            statement = "alter role {} login password {}" if role in roles else "create role {} login password {}"
            cursor.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(clone.secret(role))))
        cursor.execute("select datname from pg_database")
        databases = {name for (name,) in cursor.fetchall()}
    for database, owner in OWNERS.items():
        if database not in databases:
            server.create_database(database, owner)
        _grant(server, database)


def _grant(server: Postgres, database: str) -> None:
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
        for role, rights in GRANTS.get(database, {}).items():
            cursor.execute(
                sql.SQL("grant {} on database {} to {}").format(
                    sql.SQL(rights), sql.Identifier(database), sql.Identifier(role)
                )
            )
        if database == "mis":
            cursor.execute("grant usage on schema public to mis_reader")
            cursor.execute(
                "alter default privileges for role mis_owner in schema public grant select on tables to mis_reader"
            )
