"""Correct a wrong link: link a person to another bksb account.

USERNAME is looked up in bksb. The old link stays in the history, but its results no longer count for PERSON. If another
person has the account, nothing is changed unless you add --swap or --take. With --swap, the two people exchange
accounts. With --take, the other person loses theirs, and the next run of bksb_accounts plans another one. The summaries
of both people are updated. Nothing is created in bksb, and no one is mailed.

For an account that was merged in bksb, use import-accounts instead: it keeps the old results.
"""

from __future__ import annotations

import argparse

from bksb.jobs.accounts.relinking import Relink, relink


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("person", metavar="PERSON", help="person_id of the person to link")
    parser.add_argument("username", metavar="USERNAME", help="bksb username of the account that is really theirs")
    holder = parser.add_mutually_exclusive_group()
    holder.add_argument(
        "--swap",
        dest="from_holder",
        action="store_const",
        const="swap",
        help="exchange accounts with the person who has it",
    )
    holder.add_argument(
        "--take", dest="from_holder", action="store_const", const="take", help="take it from the person who has it"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, but write nothing")


def run(options: argparse.Namespace) -> int:
    """Relink, and print what changed."""
    from bksb.airflow.hook import open_enabled_deployment

    deployment = open_enabled_deployment()
    dry_run = options.dry_run
    result = relink(deployment, options.person, options.username, from_holder=options.from_holder, dry_run=dry_run)
    print(report(result, dry_run=dry_run))
    return 0


def report(result: Relink, *, dry_run: bool) -> str:
    """Describe what changed, by person_id and bksb user id."""
    heading = "Dry run, nothing was written. Would change:" if dry_run else "Changed:"
    if result.is_renamed:
        return f"{heading}\n  {result.person_id}: the username of bksb user {result.new_user_id}"
    if not result.is_change:
        return f"{result.person_id} already has bksb user {result.new_user_id} under this username: nothing to change."
    lines = [heading, f"  {result.person_id}: {_show(result.old_user_id)} -> {_show(result.new_user_id)}"]
    if result.holder:
        gets = _show(result.holder_gets)
        if result.holder_gets is None:
            gets += "; the next run of bksb_accounts plans one"
        lines.append(f"  {result.holder}: {_show(result.new_user_id)} -> {gets}")
    return "\n".join([*lines, "No one was mailed: tell the people which username is theirs."])


def _show(user_id: int | None) -> str:
    return "no account" if user_id is None else f"bksb user {user_id}"
