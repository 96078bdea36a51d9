"""Brings the reporting database up to date: each file of `sql/migrations` is applied once, in order."""

from __future__ import annotations

from bksb.connection_fields import ConnectionFields
from bksb.reporting.store import Writer, missing_migrations, open_store


def migrate(fields: ConnectionFields, *, writer: str | None = None, reader: str | None = None) -> list[str]:
    """Apply what is missing and grant; returns the names of the migrations applied. Safe to repeat and to race."""
    with open_store(fields, migrated=False) as store, store.transaction(Writer.MIGRATE):
        store.run("migrations/0001_create_schema")
        store.run("runs/create_migration_table")
        names = missing_migrations(store)
        for name in names:
            store.run(f"migrations/{name}")
            store.run("runs/record_migration", name=name)
        if writer:
            store.run("runs/grant_writer", role=writer)
        if reader:
            store.run("runs/grant_reader", role=reader)
    return names
