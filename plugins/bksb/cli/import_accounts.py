"""Adopts the accounts learners have in bksb already: `python -m bksb.links import FILE [--dry-run]`.

FILE is CSV in UTF-8 with the columns person_id and username; `-` reads it from standard input. Each username is
looked up in bksb and linked to its person. Nothing is created, nobody is mailed, an account that is linked to
somebody stays as it is, and importing a file again changes nothing.

Exit code: 0 every line is linked; 1 lines need attention, or the import stopped; 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bksb.airflow.connection_test import OFF
from bksb.errors import BksbSyncError, ConfigurationError
from bksb.jobs.accounts.importing import Adoption, adopt_accounts
from bksb.rules.account_file import read_lines


def report(adoption: Adoption, *, dry_run: bool = False) -> str:
    """What came of an import, for the person who started it: figures, then a line each with number and person_id."""
    adopted, linked, lines = adoption.adopted, adoption.linked_already, len(adoption.complaints)
    text = (
        f"{'Dry run, nothing was written: would adopt' if dry_run else 'Adopted'} {_counted(adopted, 'account')}, "
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


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bksb.links", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="import")
    adopt = commands.add_parser("import", help="adopt the accounts in a file")
    adopt.add_argument("file", metavar="FILE", help="CSV with the columns person_id and username; - for standard input")
    adopt.add_argument("--dry-run", action="store_true", help="look every username up, write nothing")
    options = parser.parse_args(arguments)
    adoption = Adoption()
    try:
        lines, adoption.complaints = read_lines(_content(options.file))
        # Airflow takes seconds to import: not before the arguments and the file are known to be right
        from bksb.airflow.hook import BksbHook, open_deployment

        hook = BksbHook()
        if not hook.integration_enabled:
            raise ConfigurationError(OFF)
        adopt_accounts(open_deployment(hook), lines, adoption, dry_run=options.dry_run)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        if adoption.adopted and not options.dry_run:
            print(
                f"{_counted(adoption.adopted, 'account')} adopted before that stay: import the file again.",
                file=sys.stderr,
            )
        return 1
    print(report(adoption, dry_run=options.dry_run))
    return 1 if adoption.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
