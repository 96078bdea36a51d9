"""The report at the end of a demo: figures only, never a person."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any

import pandas as pd
import psycopg2
from psycopg2.extensions import connection as Connection

from bksb.issues import ISSUE_KINDS
from bksb.rules.levels import LEVEL_NAMES
from dev.airflow.rest_api import Run
from dev.services.clone import ROOT

UNKNOWN = "Unknown"
WIDTH = 100

OUTCOMES = {
    "approved": "approved",
    "rejected": "rejected",
    "waiting": "waiting for an answer",
    "not_asked": "no approval needed",
    "failed": "the run failed first",
}

REASONS = {
    "first_run": "the first run that creates accounts",
    "many_new_accounts": "more than max_new_accounts",
    "shrunk_extract": "the MIS lists less than half as many people as before",
}

PROGRESS = {
    "not_again": "One result only",
    "lower": "Lower",
    "unchanged": "Same",
    "one_higher": "1 higher",
    "more_higher": "2+ higher",
}


def print_report(dsn: str, since: datetime, runs: list[Run]) -> None:
    """Prints what the runs since `since` have done, from the reporting database."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.set_session(readonly=True)
        print("\n".join(_lines(connection, since, runs)), flush=True)


def _lines(connection: Connection, since: datetime, runs: list[Run]) -> list[str]:
    accounts = _read(connection, "count_accounts", since=since).iloc[0]
    mails = _read(connection, "count_mails", since=since).iloc[0]
    results = _read(connection, "count_results", since=since).iloc[0]
    return [
        "",
        "Accounts",
        f"  {accounts.eligible:>6}  people eligible for an account",
        f"  {accounts.created:>6}  accounts created",
        f"  {accounts.linked:>6}  accounts linked by the username in the MIS",
        f"  {mails.invited:>6}  invitations sent, {mails.reminded} reminders",
        f"  {accounts.active:>6}  eligible people with an active account",
        f"  {accounts.blocked:>6}  eligible people without an account",
        *_approval_lines(_read(connection, "list_approvals", since=since)),
        *_issue_lines(_read(connection, "count_issues")),
        "",
        "Results",
        f"  {results.results:>6}  results of {results.people} people, {results.new_results} of them new",
        "",
        *_level_lines(_read(connection, "count_levels")),
        "",
        *_progress_lines(_read(connection, "count_progress")),
        "",
        "Runs",
        *(f"  {run.dag_id:<14}  {run.kind:<10} {run.state:<8}{_duration(run)}" for run in runs),
    ]


def _approval_lines(approvals: pd.DataFrame) -> list[str]:
    """The approvals, without the name of the person who answered."""
    if approvals.empty:
        return []
    lines = ["", "Approval (table bksb.approval)"]
    for row in approvals.to_dict("records"):
        why = f" ({', '.join(REASONS[reason] for reason in row['reasons'])})" if row["reasons"] else ""
        lines.append(f"  {row['creations']:>6}  accounts to create: {OUTCOMES[row['outcome']]}{why}")
    return lines


def _issue_lines(issues: pd.DataFrame) -> list[str]:
    if issues.empty:
        return []
    lines = ["", "What needs attention (table bksb.issue)"]
    for row in issues.to_dict("records"):
        lines.append(f"  {row['issues']:>6}  {row['code']}: {ISSUE_KINDS[row['code']].what_to_do}")
    return lines


def _level_lines(levels: pd.DataFrame) -> list[str]:
    """People by subject (down) and latest level (across), lowest level first."""
    if levels.empty:
        return ["  no results yet"]
    levels["level"] = levels["level_code"].map(LEVEL_NAMES).fillna(UNKNOWN)
    table = levels.pivot_table(index="subject", columns="level", values="people", aggfunc="sum", fill_value=0)
    table = table.reindex(columns=[name for name in (*LEVEL_NAMES.values(), UNKNOWN) if name in table.columns])
    table.index.name = table.columns.name = None
    lines = table.to_string(line_width=WIDTH).splitlines()
    return ["  People by latest level", *(f"    {line}" for line in lines)]


def _progress_lines(progress: pd.DataFrame) -> list[str]:
    """People by subject (down) and levels gained since their starting point (across)."""
    if progress.empty:
        return ["  no starting points yet"]
    table = progress.set_index("subject").rename(columns=PROGRESS)
    table.index.name = None
    lines = table.to_string(line_width=WIDTH).splitlines()
    return ["  People by progress from starting point to latest level", *(f"    {line}" for line in lines)]


def _duration(run: Run) -> str:
    return "" if run.seconds is None else f"{run.seconds:>6.1f} s"


def _read(connection: Connection, name: str, **parameters: Any) -> pd.DataFrame:
    """The rows that sql/reports/NAME.sql returns."""
    statement = (ROOT / "sql" / "reports" / f"{name}.sql").read_text()
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        columns = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=columns)
