"""Create or update the reporting database, and grant rights on it.

The log-in of the connection must own the schema. The DAGs do not need to: the rights that --writer grants are enough.
--reader lets a reporting tool read everything except contact details and bksb's raw answers. Safe to repeat.
"""

from __future__ import annotations

import argparse

from bksb.reporting.migrations import migrate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--conn",
        default="reporting",
        metavar="ID",
        help="Airflow connection of the schema's owner (default: reporting)",
    )
    parser.add_argument("--writer", metavar="ROLE", help="existing role that the DAGs log in as")
    parser.add_argument("--reader", metavar="ROLE", help="existing role of people and tools that only read reports")


def run(options: argparse.Namespace) -> int:
    """Apply the missing migrations, and print how many there were."""
    from bksb.airflow.hook import connection_fields

    names = migrate(connection_fields(options.conn), writer=options.writer, reader=options.reader)
    print(f"Applied {len(names)} migrations." if names else "The reporting database is up to date.")
    return 0
