"""Link a person to another bksb account, because the present link turned out to be wrong.

USERNAME is looked up in bksb. The old link stays in the history, but its results no longer count for PERSON. If another
person has the account, nothing is changed unless --swap is given: then the two people exchange their accounts. The
summaries of everybody concerned are brought up to date. Nothing is created in bksb, and no one is mailed.

For an account that was merged or renamed in bksb, use import-accounts instead: it keeps the old results.
"""

from __future__ import annotations

import argparse

from bksb.jobs.accounts.relinking import Relink, relink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("person", metavar="PERSON", help="person_id of the person to link")
    parser.add_argument("username", metavar="USERNAME", help="bksb username of the account that is really theirs")
    parser.add_argument("--swap", action="store_true", help="if another person has the account, exchange the two")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")


def run(options: argparse.Namespace) -> int:
    """Relink, and say what changed."""
    from bksb.airflow.hook import open_enabled_deployment

    deployment = open_enabled_deployment()
    print(
        report(
            relink(deployment, options.person, options.username, swap=options.swap, dry_run=options.dry_run),
            dry_run=options.dry_run,
        )
    )
    return 0


def report(result: Relink, *, dry_run: bool) -> str:
    """What changed, by person_id and bksb user id."""
    if not result.is_change:
        return f"{result.person_id} has bksb user {result.new_user_id} already: no link was changed."
    was = "no account" if result.old_user_id is None else f"bksb user {result.old_user_id}"
    lines = [f"{result.person_id}: {was} -> bksb user {result.new_user_id}"]
    if result.other_person_id:
        gets = (
            "no account; the next run of bksb_accounts plans one"
            if result.old_user_id is None
            else f"bksb user {result.old_user_id}"
        )
        lines.append(f"{result.other_person_id}: bksb user {result.new_user_id} -> {gets}")
    heading = "Dry run, nothing was written. Would relink:" if dry_run else "Relinked:"
    return "\n".join([heading, *(f"  {line}" for line in lines)])
