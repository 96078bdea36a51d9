"""What both DAGs share: the arguments of every task, the pool, and the `Run` that the jobs work with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule

from bksb.airflow.next_step import log_next_step, log_retry
from bksb.jobs.threads import THREADS

if TYPE_CHECKING:
    from bksb.deployment import Deployment
    from bksb.model import Run

log = logging.getLogger(__name__)

POOL = "bksb_api"
"""The Airflow pool that limits how many calls to bksb run at once, over all tasks, runs and backfills."""

POOL_SLOTS = THREADS
"""Pool slots of a task that calls bksb: one for each of its threads."""

ABOUT_NOW = ("bksb_accounts",)
"""DAGs with runs that are always about today, because they change bksb."""

START_DATE = datetime(2026, 8, 1, tzinfo=UTC)
"""Start of the academic year in which the project began. A backfill may start earlier."""


def record_failure(context: Any) -> None:
    """Close the run in `bksb.sync_run` when a task has failed for good.

    A failure to do so is only logged: most likely it has the same cause as the failure of the task.
    """
    from bksb.airflow.hook import open_deployment
    from bksb.errors import BksbSyncError
    from bksb.jobs.runs import fail_run

    try:
        deployment = open_deployment()
        fail_run(deployment, make_run(context["dag_run"], context["params"], deployment))
    except BksbSyncError as error:
        log.warning("Could not record the failure in bksb.sync_run: %s", error)


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "bksb sync",
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("bksb.errors.FatalError", RetryAction.FAIL, reason="someone has to fix the cause first"),
            RetryRule("bksb.errors.TransientError", RetryAction.RETRY, reason="the cause may be gone by the next try"),
        ]
    ),
    "execution_timeout": timedelta(hours=2),
    "weight_rule": "bksb.airflow.plugin.AskedForFirst",
    "on_failure_callback": [record_failure, log_next_step],
    "on_retry_callback": log_retry,
}


def optional(kind: str, default: Any, title: str, description: str, **schema: Any) -> Param:
    """Return a parameter of JSON type `kind` that may be null, so the trigger form does not mark it as required."""
    return Param(default, type=[kind, "null"], title=title, description=description, **schema)


def person_ids() -> Param:
    """Return the parameter that limits a run to some people."""
    about = "One person_id in each line. Empty: all people."
    return optional("array", [], "Only these people", about, items={"type": "string"})


def open_deployment_or_skip() -> Deployment:
    """Return the deployment. Skip the task while Integration Enabled is off, even if other settings are wrong."""
    from airflow.sdk.exceptions import AirflowSkipException

    from bksb.airflow.hook import BksbHook, open_deployment

    hook = BksbHook()
    if not hook.integration_enabled:
        raise AirflowSkipException("Integration Enabled is off in the bksb connection: nothing was done.")
    return open_deployment(hook)


def make_run(dag_run: Any, params: Mapping[str, Any], deployment: Deployment) -> Run:
    """Return the run that the jobs work with. A parameter that is absent or null has its default.

    The run's day is the local date on which its interval starts, or today if it has none. A run of bksb_accounts is
    always about today: if it is cleared weeks later, it must not act on the people who were eligible then.
    """
    from bksb.model import MOST_NEW_ACCOUNTS, Run

    start = dag_run.data_interval_start
    about_an_interval = dag_run.dag_id not in ABOUT_NOW and start is not None and dag_run.data_interval_end is not None
    day: date = start.astimezone(deployment.settings.timezone).date() if about_an_interval else deployment.today()
    given = {name: value for name, value in params.items() if value is not None}
    return Run(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        interval_start=start if about_an_interval else None,
        interval_end=dag_run.data_interval_end if about_an_interval else None,
        day=day,
        person_ids=tuple(given.get("person_ids", ())),
        dry_run=bool(given.get("dry_run", False)),
        full_refresh=bool(given.get("full_refresh", False)),
        publish_anyway=bool(given.get("publish_anyway", False)),
        max_new_accounts=int(given.get("max_new_accounts", MOST_NEW_ACCOUNTS)),
        invite=bool(given.get("invite", True)),
        resend_invitation=bool(given.get("resend_invitation", False)),
    )
