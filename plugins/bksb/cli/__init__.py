"""The commands of `python -m bksb`, one module each. This module handles their options, errors and exit codes.

Exit codes: 0 success; 1 failure, or something needs attention (the output says what); 2 wrong arguments. `probe` has
its own exit codes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from bksb.errors import BksbSyncError

COMMANDS = {
    "migrate": "bksb.cli.migrate",
    "export": "bksb.cli.export",
    "import-accounts": "bksb.cli.import_accounts",
    "preview-mail": "bksb.cli.preview_mail",
    "relink": "bksb.cli.relink",
    "probe": "bksb.cli.probe.command",
    "reparse": "bksb.cli.reparse",
    "sql": "bksb.cli.sql",
}
"""The module of each command. Importing Airflow takes seconds, so modules do it only when their command runs."""


class Command(Protocol):
    """What a command's module defines. The first line of its docstring is the help text."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return its exit code. A BksbSyncError is printed, and the exit code is 1."""


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m bksb") -> int:
    """Run one command and return its exit code. SystemExit(2) for wrong arguments."""
    return run(parse(arguments, prog=prog))


def parse(arguments: Sequence[str] | None, *, prog: str) -> argparse.Namespace:
    """Parse the arguments. The command is in `command` of the result. SystemExit(2) for wrong arguments."""
    parser = argparse.ArgumentParser(prog=prog, description="Set up, check and correct bksb sync.")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in COMMANDS.items():
        module = import_module(module_name)
        description = (module.__doc__ or "").strip()
        command_parser = parsers.add_parser(
            name,
            help=description.splitlines()[0],
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        cast(Command, module).add_arguments(command_parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run the command that `parse` returned, and return its exit code."""
    command = cast(Command, import_module(COMMANDS[options.command]))
    try:
        return command.run(options)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        # the reader closed our output, as `head` does; without this, Python fails again when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
