"""Writes a list as CSV for other programs: `python -m bksb.export unmatched|account_for_mis [--out FILE]`.

The CSV is UTF-8 with a header line and holds usernames exactly as they are. FILE appears whole or not at all, readable
by its owner only.
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
from bksb.errors import BksbSyncError, ConfigurationError
from bksb.reporting.store import open_store

LISTS = {"unmatched": "links/list_unmatched", "account_for_mis": "links/list_accounts_for_mis"}
"""What can be exported: a view, and the statement that reads it in a fixed order."""


def export(fields: ConnectionFields, name: str, out: Path | None = None) -> int:
    """Write the list `name` (one of LISTS) to `out`, or to standard output; returns the number of its rows.

    ConfigurationError says why `out` cannot be written; the database's errors are those of the store.
    """
    with (
        # whoever may only read the reports may not see which migrations there were
        open_store(fields, migrated=False) as store,
        store.transaction(),
        store.stream(LISTS[name]) as (columns, rows),
        _file(out) if out else _standard_output() as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        number = 0
        for row in rows:
            writer.writerow(row)
            number += 1
    return number


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    """Standard output in UTF-8, whatever the locale says."""
    text = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        yield text
    finally:
        text.detach()


@contextmanager
def _file(out: Path) -> Iterator[TextIO]:
    """A new file beside `out` that takes its place once it is complete."""
    out = out.resolve()
    unfinished: Path | None = None
    try:
        if out.exists() and not out.is_file():
            raise ConfigurationError(f"{out.name} is there and no file: choose another name.")
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
        raise ConfigurationError(f"{out.name} cannot be written: {error.strerror}.") from None
    finally:
        if unfinished:
            unfinished.unlink(missing_ok=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every way to export asks: which list, and where to."""
    parser.add_argument("name", choices=sorted(LISTS), help="the view to export")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write; standard output without it")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bksb.export", description=(__doc__ or "").split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--conn", default="reporting", help="Airflow connection of the reporting database")
    options = parser.parse_args(arguments)
    # Airflow takes seconds to import: not before the arguments are known to be right
    from bksb.airflow.hook import connection_fields

    try:
        number = export(connection_fields(options.conn), options.name, options.out)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    print(f"Wrote {number} rows of {options.name}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
