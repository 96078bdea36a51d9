"""Brings the reporting database up to date: `python -m bksb.migrate [--conn ID] [--writer ROLE] [--reader ROLE]`.

Each file of `sql/migrations` is applied once, in order, all in one transaction. The connection's log-in has
to own the schema. The DAGs need no such right, only what `--writer` grants; `--reader` grants a reporting
tool everything but contact details and bksb's raw answers.
"""

from __future__ import annotations

import argparse
import sys

from bksb.connection_fields import ConnectionFields
from bksb.errors import BksbSyncError
from bksb.reporting.store import missing_migrations, open_store


def migrate(fields: ConnectionFields, *, writer: str | None = None, reader: str | None = None) -> list[str]:
    """Apply what is missing and grant; returns the names of the migrations applied. Safe to repeat and to race."""
    with open_store(fields, migrated=False) as store, store.transaction("migrate"):
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


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bksb.migrate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--conn", default="reporting", help="Airflow connection of the schema's owner")
    parser.add_argument("--writer", metavar="ROLE", help="existing role that the DAGs log in as")
    parser.add_argument("--reader", metavar="ROLE", help="existing role of people and tools that only read")
    options = parser.parse_args(arguments)
    # Airflow takes seconds to import: not before the arguments are known to be right
    from bksb.airflow.hook import connection_fields

    try:
        names = migrate(connection_fields(options.conn), writer=options.writer, reader=options.reader)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Applied {len(names)} migrations." if names else "The reporting database is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
