"""Migrates the reporting database: tables from `sql/migrations`, views and functions from `sql/views`."""

from __future__ import annotations

from bksb.connection_fields import ConnectionFields
from bksb.errors import ConfigurationError
from bksb.reporting.sql_files import list_statements
from bksb.reporting.store import Store, Writer, list_applied_migrations, list_missing_migrations, open_store

REPEATABLE = (
    # first: it waits for writers, and they may still read a view, so no view may be locked yet
    "mark_summary_rebuild",
    "person_result",
    "latest_result",
    "skill_level_on",
    "unmatched",
    "account_for_mis",
    "latest_plan",
    "unpublished_run",
    "grant_writer",
    "grant_reader",
    "comment_people",
    "comment_accounts",
    "comment_results",
    "comment_summaries",
    "comment_runs_and_issues",
    "comment_invitations",
)
"""The files of `sql/views`, in the order in which they depend on each other."""


def migrate(fields: ConnectionFields, *, writer: str | None = None, reader: str | None = None) -> list[str]:
    """Apply the missing migrations, define all views and functions again, and grant rights.

    Returns the names of the applied migrations. Runs in one transaction; safe to repeat, and to run twice at once.
    Raises ConfigurationError, and changes nothing, if another version of the project made the database, or if a role
    does not exist.
    """
    with open_store(fields, migrated=False) as store, store.transaction(Writer.MIGRATE):
        _require_known_migrations(store, fields.conn_id)
        _require_roles(store, [role for role in (writer, reader) if role])
        store.run("schema/create_schema")
        store.run("schema/create_migration_table")
        names = list_missing_migrations(store)
        for name in names:
            store.run(f"migrations/{name}")
            store.run("schema/record_migration", name=name)
        for name in REPEATABLE:
            store.run(f"views/{name}")
        if writer:
            store.run("schema/grant_writer", role=writer)
        if reader:
            store.run("schema/grant_reader", role=reader)
    return names


def _require_roles(store: Store, roles: list[str]) -> None:
    if missing := [row.role for row in store.run("schema/list_missing_roles", roles=roles)]:
        raise ConfigurationError(
            f"There is no role {' or '.join(missing)} in the reporting database: create it, then run "
            "`python -m bksb migrate` again. Nothing was changed."
        )


def _require_known_migrations(store: Store, conn_id: str) -> None:
    """Raise ConfigurationError if the database has a migration that is not a file of this version."""
    unknown = sorted(
        list_applied_migrations(store) - {name.removeprefix("migrations/") for name in list_statements("migrations")}
    )
    if unknown:
        raise ConfigurationError(
            f"The reporting database of connection '{conn_id}' was made by another version of bksb sync: it has "
            f"the migration {unknown[0]}, which this version does not know. Nothing was changed. If the database is "
            "newer, use the newer version. If it is older than the first release, start over. For the demo's database: "
            "`./run demo --reset`. For any other: back it up, save its accounts with `python -m bksb export "
            "account_for_mis --out accounts.csv`, drop its schema bksb, migrate again, run `python -m bksb "
            "import-accounts accounts.csv`, then run both DAGs. They read all results from bksb again."
        )
