"""Link the accounts that people have in bksb already, from a file.

FILE is CSV in UTF-8 with the columns person_id and username. Each username is looked up in bksb and linked to its
person. No account is created, no one is mailed, and an account that is linked to a person stays as it is. Importing a
file again changes nothing. Exit code 1 if lines need attention.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bksb.errors import BksbSyncError, ConfigurationError
from bksb.jobs.accounts.importing import Adoption, adopt_accounts
from bksb.rules.account_file import read_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", metavar="FILE", help="the CSV file; - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="look every username up, write nothing")


def run(options: argparse.Namespace) -> int:
    """Import the file, and report what came of it."""
    adoption = Adoption()
    lines, adoption.complaints = read_lines(_content(options.file))
    from bksb.airflow.hook import open_enabled_deployment

    deployment = open_enabled_deployment()
    try:
        adopt_accounts(deployment, lines, adoption, dry_run=options.dry_run)
    except BksbSyncError:
        if adoption.adopted and not options.dry_run:
            print(
                f"{_counted(adoption.adopted, 'account')} imported before that stay: import the file again.",
                file=sys.stderr,
            )
        raise
    print(report(adoption, dry_run=options.dry_run))
    return 1 if adoption.complaints else 0


def report(adoption: Adoption, *, dry_run: bool = False) -> str:
    """What came of an import, for the person who started it: figures, then a line each with number and person_id."""
    adopted, linked, lines = adoption.adopted, adoption.linked_already, len(adoption.complaints)
    text = (
        f"{'Dry run, nothing was written: would import' if dry_run else 'Imported'} {_counted(adopted, 'account')}, "
        f"{linked} {'was' if linked == 1 else 'were'} linked already"
    )
    if not lines:
        return f"{text}."
    text = f"{text}, {_counted(lines, 'line')} {'needs' if lines == 1 else 'need'} attention:"
    return "\n".join([text, *(f"  {complaint}" for complaint in sorted(adoption.complaints, key=lambda c: c.number))])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The file cannot be read: {error.strerror}. Nothing was changed.") from None
