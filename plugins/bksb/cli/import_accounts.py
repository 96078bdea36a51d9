"""Link people to their existing bksb accounts, from a file.

FILE is CSV in UTF-8 with the columns person_id and username. Each username is looked up in bksb and linked to its
person. No account is created, no one is mailed, and an account that is already linked is not changed. Importing a file
twice changes nothing. The exit code is 1 if lines need attention.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bksb.errors import BksbSyncError, ConfigurationError
from bksb.jobs.accounts.importing import ImportReport, import_accounts
from bksb.rules.account_file import read_account_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", metavar="FILE", help="CSV file, or - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="look up every username, but write nothing")


def run(options: argparse.Namespace) -> int:
    """Import the file, and print a report."""
    imported = ImportReport()
    lines, imported.rejected = read_account_file(_read_content(options.file))
    from bksb.airflow.hook import open_enabled_deployment

    deployment = open_enabled_deployment()
    try:
        import_accounts(deployment, lines, imported, dry_run=options.dry_run)
    except BksbSyncError:
        if imported.imported and not options.dry_run:
            print(
                f"Imported {_count(imported.imported, 'account')} before the error. Import the file again to continue.",
                file=sys.stderr,
            )
        raise
    print(report(imported, dry_run=options.dry_run))
    return 1 if imported.rejected else 0


def report(result: ImportReport, *, dry_run: bool = False) -> str:
    """Describe an import for the person who started it: the counts, then each line that needs attention."""
    imported, linked, lines = result.imported, result.linked_already, len(result.rejected)
    text = (
        f"{'Dry run, nothing was written: would import' if dry_run else 'Imported'} {_count(imported, 'account')}, "
        f"{linked} {'was' if linked == 1 else 'were'} linked already"
    )
    if not lines:
        return f"{text}."
    text = f"{text}, {_count(lines, 'line')} {'needs' if lines == 1 else 'need'} attention:"
    return "\n".join([text, *(f"  {line}" for line in sorted(result.rejected, key=lambda one: one.number))])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _read_content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The file cannot be read: {error.strerror}. Nothing was changed.") from None
