"""Whole runs without Airflow: the jobs in the order in which the DAGs call them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bksb.deployment import Deployment
from bksb.jobs.accounts import apply_plan, finish_accounts, plan_accounts, record_plan
from bksb.jobs.invitations import send_invitations
from bksb.jobs.results import check_results, fetch_results, link_people, list_people, plan_fetches, publish_results
from bksb.jobs.results.listings import Listing
from bksb.jobs.results.loading import LoadBatch, load_batch
from bksb.model import Run
from bksb.rules.result_reading import ResultReader
from tests.conftest import query


def a_run(deployment: Deployment, dag_id: str, run_id: str = "manual__1", **changes: Any) -> Run:
    """Return a manual run about today, with these changes."""
    facts: dict[str, Any] = {
        "dag_id": dag_id,
        "run_id": run_id,
        "run_type": "manual",
        "interval_start": None,
        "interval_end": None,
        "day": deployment.today(),
    }
    return Run(**(facts | changes))


def run_accounts(deployment: Deployment, run_id: str = "manual__1", **changes: Any) -> Run:
    """Run the tasks of bksb_accounts in order. Every question is approved."""
    run = a_run(deployment, "bksb_accounts", run_id, **changes)
    plan_accounts(deployment, run)
    for buckets in record_plan(deployment, run):
        apply_plan(deployment, run, buckets)
    send_invitations(deployment, run)
    finish_accounts(deployment, run)
    return run


def run_results(deployment: Deployment, run_id: str = "manual__1", **changes: Any) -> Run:
    """Run the tasks of bksb_results in order."""
    run = a_run(deployment, "bksb_results", run_id, **changes)
    for buckets in plan_results(deployment, run):
        fetch_results(deployment, run, buckets)
    check_results(deployment, run)
    publish_results(deployment, run)
    return run


def plan_results(deployment: Deployment, run: Run) -> list[list[int]]:
    """Run the tasks of bksb_results up to the plan. Returns the buckets to fetch, one list for each task."""
    for buckets in list_people(deployment, run):
        link_people(deployment, run, buckets)
    return plan_fetches(deployment, run)


def load_listings(deployment: Deployment, run: Run, *listings: Listing) -> None:
    """Load listings of bksb in one transaction, as a results run does."""
    batch, reader = LoadBatch(), ResultReader(deployment.settings.timezone, deployment.vocabulary, datetime.now(UTC))
    for listing in listings:
        batch.add(listing, reader)
    with deployment.open_store() as store:
        load_batch(store, deployment, run, batch)


def rows_of(deployment: Deployment, *tables: str) -> dict[str, list[tuple[str, str]]]:
    """Return every row of these tables with its version (xmin). Equal only if no row was written, even unchanged."""
    return {
        table: [
            (row.version, row.content)
            for row in query(
                deployment.reporting,
                f"select xmin::text as version, t::text as content from bksb.{table} as t order by 2",
            )
        ]
        for table in tables
    }


def scheduled(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the fields of a scheduled run over an interval."""
    return {"run_type": "scheduled", "interval_start": start, "interval_end": end, "day": start.date()}


def backfilled(day: date) -> dict[str, Any]:
    """Return the fields of a backfill run about a day."""
    start = datetime.combine(day, time(3), UTC)
    return scheduled(start, start + timedelta(days=1)) | {"run_type": "backfill"}


def accounts_of(deployment: Deployment) -> dict[str, Any]:
    """Return the rows of bksb.account by person_id."""
    return {row.person_id: row for row in query(deployment.reporting, "select * from bksb.account")}


def users_of(deployment: Deployment) -> list[int]:
    """Return the bksb users of the active accounts, in order."""
    statement = "select bksb_user_id from bksb.account where state = 'active' order by 1"
    return [row.bksb_user_id for row in query(deployment.reporting, statement)]
