"""Check how a live bksb answers where its behaviour is not publicly known.

Makes about twenty GET calls, and reports only the form of the answers: status codes, JSON types, names of fields and
formats of dates. The report contains no username, name, result, id, URL or other content, so it can be shared.

Exit codes: 0 if this project knows the form of every answer; 1 if it does not, or a call got no answer; 2 if no call
could be made (because of the connection, Integration Enabled, the network or the key).
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
    parser.add_argument("--conn", default="bksb", metavar="ID", help="Airflow connection of type bksb (default: bksb)")
    parser.add_argument("--username", metavar="X", help="bksb username of an account with results; never shown")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> int:
    """Make the calls, and print the report."""
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
