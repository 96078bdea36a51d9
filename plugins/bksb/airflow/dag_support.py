"""What both DAGs share: retries by remedy, the pool, the run as the jobs see it, and the note of a failure."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from bksb.jobs.threads import THREADS

if TYPE_CHECKING:
    from bksb.deployment import Deployment
    from bksb.model import Run

log = logging.getLogger(__name__)

POOL = "bksb_api"
"""Its slots are the calls to bksb under way at once, over all tasks, runs and backfills."""

POOL_SLOTS = THREADS
"""Slots that a task takes which calls bksb: one for each of its threads."""

ABOUT_NOW = ("bksb_accounts",)
"""DAGs that change bksb: never replayed for a day that is past."""

START_DATE = datetime(2026, 8, 1, tzinfo=UTC)
"""The academic year in which the project began; backfills may go before it."""


def record_failure(context: Any) -> None:
    """Close the run in `bksb.sync_run` when a task has failed for good.

    Where that cannot be written, the reason is most likely the very one that the task failed for.
    """
    from bksb.airflow.hook import open_deployment
    from bksb.errors import BksbSyncError
    from bksb.jobs.runs import fail_run

    try:
        deployment = open_deployment()
        fail_run(deployment, make_run(context["dag_run"], context["params"], deployment))
    except BksbSyncError as error:
        log.warning("The failure could not be noted in bksb.sync_run: %s", error)


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "bksb sync",
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("bksb.errors.FatalError", RetryAction.FAIL, reason="a person has to mend this first"),
            RetryRule("bksb.errors.TransientError", RetryAction.RETRY, reason="worth trying again"),
        ]
    ),
    "execution_timeout": timedelta(hours=2),
    "weight_rule": "bksb.airflow.plugin.AskedForFirst",
    "on_failure_callback": record_failure,
}


def open_deployment_or_skip() -> Deployment:
    """The deployment; skips the task politely while Integration Enabled is off, whatever else is missing or wrong."""
    from airflow.sdk.exceptions import AirflowSkipException

    from bksb.airflow.hook import BksbHook, open_deployment

    hook = BksbHook()
    if not hook.integration_enabled:
        raise AirflowSkipException("Integration Enabled is off in the bksb connection: nothing was done.")
    return open_deployment(hook)


def make_run(dag_run: Any, params: Any, deployment: Deployment) -> Run:
    """The run as the jobs see it.

    Its day is the local date on which its interval starts, else today. Runs of bksb_accounts are about today
    whatever their dates say: one that is cleared weeks later, or started for a past date, must not act on who
    was eligible then.
    """
    from bksb.model import MOST_NEW_ACCOUNTS, Run

    start = dag_run.data_interval_start
    about_an_interval = dag_run.dag_id not in ABOUT_NOW and start is not None and dag_run.data_interval_end is not None
    day: date = start.astimezone(deployment.settings.timezone).date() if about_an_interval else deployment.today()
    return Run(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        interval_start=start if about_an_interval else None,
        interval_end=dag_run.data_interval_end if about_an_interval else None,
        day=day,
        person_ids=tuple(params.get("person_ids") or ()),
        dry_run=bool(params.get("dry_run", False)),
        full_refresh=bool(params.get("full_refresh", False)),
        publish_anyway=bool(params.get("publish_anyway", False)),
        max_new_accounts=int(params.get("max_new_accounts", MOST_NEW_ACCOUNTS)),
        invite=bool(params.get("invite", True)),
        resend_invitation=bool(params.get("resend_invitation", False)),
    )
