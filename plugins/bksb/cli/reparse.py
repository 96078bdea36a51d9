"""Parse all loaded results again, without calls to bksb.

Use it after you change config/levels.toml or the connection's time zone, or after you update this project. It reads
bksb's raw answers or, where those were deleted (raw_days), the texts that are always kept. Safe to repeat, and safe
while the DAGs run.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from bksb.jobs.results.reparsing import ReparseCounts, reparse_results
from bksb.model import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--dry-run", action="store_true", help="count what would change, but write nothing")


def run(options: argparse.Namespace) -> int:
    """Parse all results, and print how many of them changed."""
    from bksb.airflow.hook import open_deployment

    deployment = open_deployment()
    job = Run(
        dag_id="bksb_results",
        run_id=f"reparse__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}",
        run_type="reparse",
        interval_start=None,
        interval_end=None,
        day=deployment.today(),
        dry_run=options.dry_run,
    )
    print(report(reparse_results(deployment, job), dry_run=options.dry_run))
    return 0


def report(counts: ReparseCounts, *, dry_run: bool) -> str:
    """Describe the outcome in one sentence."""
    if dry_run:
        return f"Dry run, nothing was written: of {counts.results} results, {counts.changed} would change."
    return f"Parsed {counts.results} results again; {counts.changed} of them changed."
