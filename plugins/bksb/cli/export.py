"""Export a list as CSV for other programs: `unmatched` or `account_for_mis`.

`unmatched` lists eligible people without an account and accounts without an eligible person. `account_for_mis` lists
the username of each active account. The CSV is UTF-8 with a header line, and usernames are written unchanged. FILE is
replaced only after the export is complete, and only its owner can read it.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from bksb.connection_fields import ConnectionFields
from bksb.errors import ConfigurationError
from bksb.reporting.store import open_store

LISTS = {"unmatched": "accounts/list_unmatched", "account_for_mis": "accounts/list_accounts_for_mis"}
"""The views that can be exported, each with the statement that reads it in a fixed order."""


def export(fields: ConnectionFields, name: str, out: Path | None = None) -> int:
    """Write the list `name` (one of LISTS) to `out` or standard output, and return the number of rows.

    ConfigurationError says why `out` cannot be written. Database errors are those of the store.
    """
    with (
        # a role that may only read reports cannot see the table of migrations
        open_store(fields, migrated=False) as store,
        store.transaction(),
        store.stream(LISTS[name]) as (columns, rows),
        _open_new_file(out) if out else _open_standard_output() as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        number = 0
        for row in rows:
            writer.writerow(row)
            number += 1
    return number


@contextmanager
def _open_standard_output() -> Iterator[TextIO]:
    """Standard output in UTF-8, whatever the locale is."""
    text = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        yield text
    finally:
        text.detach()


@contextmanager
def _open_new_file(out: Path) -> Iterator[TextIO]:
    """A temporary file that replaces `out` once it is complete."""
    out = out.resolve()
    unfinished: Path | None = None
    try:
        if out.exists() and not out.is_file():
            raise ConfigurationError(f"{out.name} exists and is not a file: choose another name.")
        # mkstemp makes it readable by its owner only
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        unfinished = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as text:
            yield text
            text.flush()
            os.fsync(handle)
        unfinished.replace(out)
        unfinished = None
    except OSError as error:
        raise ConfigurationError(
            f"{out.name} cannot be written: {error.strerror}. Choose another folder or file."
        ) from None
    finally:
        if unfinished:
            unfinished.unlink(missing_ok=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", choices=sorted(LISTS), help="view to export")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument(
        "--conn", default="reporting", metavar="ID", help="Airflow connection to read from (default: reporting)"
    )


def run(options: argparse.Namespace) -> int:
    """Export the list, and print the number of rows on standard error."""
    from bksb.airflow.hook import connection_fields

    number = export(connection_fields(options.conn), options.name, options.out)
    print(f"Wrote {number} rows of {options.name}.", file=sys.stderr)
    return 0
