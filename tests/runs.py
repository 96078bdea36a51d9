"""Whole runs without Airflow: the jobs in the order in which the DAGs call them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bksb import jobs
from bksb.clock import today
from bksb.deployment import Deployment
from bksb.jobs.results.loading import Answer, Batch, load
from bksb.jobs.results.rows import Reader
from bksb.model import Run
from tests.conftest import query


def a_run(deployment: Deployment, dag_id: str, run_id: str = "manual__1", **changes: Any) -> Run:
    """A manual run about today unless `changes` say otherwise."""
    facts: dict[str, Any] = {
        "dag_id": dag_id,
        "run_id": run_id,
        "run_type": "manual",
        "interval_start": None,
        "interval_end": None,
        "day": today(deployment.settings.timezone),
    }
    return Run(**(facts | changes))


def run_accounts(deployment: Deployment, run_id: str = "manual__1", **changes: Any) -> Run:
    """The tasks of bksb_accounts, one after the other; whatever they ask is approved."""
    run = a_run(deployment, "bksb_accounts", run_id, **changes)
    jobs.plan_accounts(deployment, run)
    for buckets in jobs.record_plan(deployment, run):
        jobs.apply_plan(deployment, run, buckets)
    jobs.send_invitations(deployment, run)
    jobs.finish_accounts(deployment, run)
    return run


def run_results(deployment: Deployment, run_id: str = "manual__1", **changes: Any) -> Run:
    """The tasks of bksb_results, one after the other."""
    run = a_run(deployment, "bksb_results", run_id, **changes)
    for buckets in jobs.plan_fetches(deployment, run):
        jobs.fetch_results(deployment, run, buckets)
    jobs.check_results(deployment, run)
    jobs.publish_results(deployment, run)
    return run


def load_answers(deployment: Deployment, run: Run, *answers: Answer) -> None:
    """Load answers of bksb in one transaction, as a results run does."""
    batch, reader = Batch(), Reader(deployment.settings.timezone, deployment.vocabulary)
    for answer in answers:
        batch.add(answer, reader)
    with deployment.open_store() as store:
        load(store, deployment.settings, run, batch)


def rows_of(deployment: Deployment, *tables: str) -> dict[str, list[tuple[str, str]]]:
    """Every row of these tables with its version (xmin): equal only if no row was so much as rewritten."""
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
    """What a scheduled run over an interval knows."""
    return {"run_type": "scheduled", "interval_start": start, "interval_end": end, "day": start.date()}
