"""Reads every loaded result again, without asking bksb: `python -m bksb.reread [--dry-run]`.

For use after a change to `levels/site.toml`, to the connection's time zone, or to a new version of this project. bksb's
raw answers are read anew by today's parser; where they are not kept any more (`raw_days`), its texts, which are kept
for ever. Safe to repeat, and beside the DAGs.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from bksb.errors import BksbSyncError
from bksb.jobs.results.reparsing import Reread, reread_results
from bksb.model import Run
from bksb.rules.times import today


def report(reread: Reread, *, dry_run: bool) -> str:
    """What came of it, in a sentence."""
    would = "would say" if dry_run else "say"
    return (
        f"{'Dry run, nothing was written: ' if dry_run else ''}{reread.results} results were read again; "
        f"{reread.changed} of them {would} something else now."
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bksb.reread", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="count what would change, write nothing")
    options = parser.parse_args(arguments)
    # Airflow takes seconds to import: not before the arguments are known to be right
    from bksb.airflow.hook import open_deployment

    try:
        deployment = open_deployment()
        run = Run(
            dag_id="bksb_results",
            run_id=f"reread__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}",
            run_type="reread",
            interval_start=None,
            interval_end=None,
            day=today(deployment.settings.timezone),
            dry_run=options.dry_run,
        )
        reread = reread_results(deployment, run)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        return 1
    print(report(reread, dry_run=options.dry_run))
    return 0


if __name__ == "__main__":
    sys.exit(main())
