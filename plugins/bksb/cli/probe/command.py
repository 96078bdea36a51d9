"""Tell how a live bksb answers where the public evidence leaves it open.

Makes about twenty GET calls, and reports shapes: statuses, JSON types, names of fields, forms of dates. No username,
name, result text, id, URL or other content of an answer is in the report, so that it can be shared.

Exit code: 0 every answer is of a form known to the project; 1 something is not, or not every call was answered; 2
nothing could be asked (the connection, Integration Enabled off, the network or the key).
"""

from __future__ import annotations

import argparse
import sys

from bksb.api.connect import read_access
from bksb.cli.probe.report import SHARE, Probe, as_json, as_table, region_of
from bksb.errors import BksbSyncError

NOTHING_ASKED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--conn", default="bksb", metavar="ID", help="Airflow connection of type bksb")
    parser.add_argument("--username", metavar="X", help="bksb username of an account with results; never shown")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> int:
    """Ask, and print the report."""
    from bksb.airflow.hook import require_enabled_hook

    try:
        fields = require_enabled_hook(options.conn).fields
        facts = Probe(*read_access(fields)).ask_all(options.username)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        return NOTHING_ASKED
    region = region_of(fields.host or "")
    print(as_json(facts, region) if options.json else as_table(facts, region))
    if options.json:
        print(SHARE, file=sys.stderr)
    return 1 if any(fact.expected is False for fact in facts) else 0
