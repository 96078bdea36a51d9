"""Rules for every DAG, checked on the DAGs as Airflow parses them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from bksb.jobs.threads import THREADS
from tests.conftest import repository

DAG_IDS = {"bksb_accounts", "bksb_results"}
HEADINGS = ("**What it does.**", "**Reads and writes.**", "**Running it again.**", "**When it fails.**")


@pytest.fixture(scope="module")
def bag(airflow):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(repository() / "dags"))


def test_the_dags_are_there_and_parse_without_error_or_warning(bag):
    assert set(bag.dags) == DAG_IDS
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_a_dag_is_named_after_its_file_and_documents_itself(bag, dag_id):
    dag = bag.dags[dag_id]
    assert dag.fileloc.endswith(f"/{dag_id}.py")
    assert all(heading in dag.doc_md for heading in HEADINGS)
    assert 60 <= len((repository() / "dags" / f"{dag_id}.py").read_text().splitlines()) <= 110


def test_the_form_offers_the_default_threshold_of_the_jobs(bag):
    from bksb.model import MOST_NEW_ACCOUNTS

    assert bag.dags["bksb_accounts"].params["max_new_accounts"] == MOST_NEW_ACCOUNTS


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_a_dag_never_catches_up_and_is_tagged(bag, dag_id):
    dag = bag.dags[dag_id]
    assert dag.catchup is False and "bksb" in dag.tags


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_every_task_has_an_owner_retries_callbacks_and_a_time_limit(bag, dag_id):
    from bksb.airflow import dag_support as defaults
    from bksb.airflow.next_step import log_next_step, log_retry

    for task in bag.dags[dag_id].tasks:
        waits_for_a_person = task.task_id == "approve_plan"
        assert task.owner == "bksb sync" and task.retries == (1 if waits_for_a_person else 2)
        assert (task.response_timeout == timedelta(hours=20)) if waits_for_a_person else task.execution_timeout
        assert task.retry_policy is defaults.DEFAULT_ARGS["retry_policy"]
        callbacks = task.on_failure_callback
        # the last one writes the last line of the log
        assert callbacks == [defaults.record_failure, log_next_step]
        assert task.on_retry_callback in (log_retry, [log_retry])
        assert re.fullmatch(r"[a-z]+_[a-z]+", task.task_id)


def test_the_retry_policy_follows_the_type_of_the_error(airflow):
    from airflow.sdk import RetryAction

    from bksb.airflow import dag_support as defaults
    from bksb.errors import KeyRefusedError, MisContractError, TransientError

    policy = defaults.DEFAULT_ARGS["retry_policy"]
    for fatal in (KeyRefusedError("x"), MisContractError("x")):
        assert policy.evaluate(fatal, 1, 3).action is RetryAction.FAIL
    assert policy.evaluate(TransientError("x"), 1, 3).action is RetryAction.RETRY


def test_tasks_that_call_bksb_take_a_pool_slot_for_each_thread(bag):
    calling = {"apply_plan", "link_people", "fetch_results"}
    for dag in bag.dags.values():
        for task in dag.tasks:
            if task.task_id in calling:
                assert (task.pool, task.pool_slots) == ("bksb_api", THREADS)
    assert all(t.pool == "default_pool" for dag in bag.dags.values() for t in dag.tasks if t.task_id not in calling)


def test_bksb_accounts_cannot_be_backfilled_and_has_one_active_run(bag):
    dag = bag.dags["bksb_accounts"]
    assert dag.max_active_runs == 1
    assert {str(kind.value) for kind in dag.allowed_run_types} == {"scheduled", "manual"}


def test_switching_bksb_accounts_on_waits_for_the_next_half_past_seven_in_london(bag):
    from airflow.timetables.base import TimeRestriction

    dag = scheduler_side(bag.dags["bksb_accounts"])
    assert dag.start_date is None
    asked = datetime.now(UTC)
    info = dag.timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(None, None, dag.catchup)
    )
    assert info.run_after > asked
    assert info.run_after.in_timezone("Europe/London").format("HH:mm") == "07:30"


def scheduler_side(dag):
    """The DAG as the scheduler sees it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_the_intervals_of_bksb_results_have_no_gap_when_the_clocks_change(bag):
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    dag = scheduler_side(bag.dags["bksb_results"])
    began = datetime(2026, 10, 23, 2, tzinfo=UTC)
    interval = DataInterval(instance(began), instance(began + timedelta(days=1)))
    hours = []
    info = None
    for _ in range(3):
        info = dag.timetable.next_dagrun_info_v2(
            last_dagrun_info=info, restriction=TimeRestriction(interval.start, None, True)
        )
        hours.append((info.data_interval.end - info.data_interval.start).total_seconds() / 3600)
    assert hours == [24, 25, 24]


def test_the_plugin_and_the_provider_are_registered_once_and_without_error(airflow):
    from airflow import plugins_manager
    from airflow.providers_manager import ProvidersManager

    plugins, errors = plugins_manager._get_plugins()
    assert errors == {}
    assert [plugin.name for plugin in plugins].count("bksb") == 1
    assert ProvidersManager().hooks["bksb"].hook_class_name == "bksb.airflow.hook.BksbHook"


@pytest.mark.parametrize(
    ("run_id", "heavier_than"),
    [("manual__x", "scheduled__x"), ("my own run", "scheduled__x"), ("scheduled__x", "backfill__x")],
)
def test_a_run_that_a_person_started_goes_first(airflow, run_id, heavier_than):
    from types import SimpleNamespace

    from bksb.airflow.plugin import AskedForFirst

    weigh = AskedForFirst().get_weight
    assert weigh(SimpleNamespace(run_id=run_id)) > weigh(SimpleNamespace(run_id=heavier_than))


def test_parsing_a_dag_file_imports_no_heavy_module(airflow):
    import subprocess
    import sys

    script = (
        "import sys; sys.path.insert(0, 'dags'); import bksb_results, bksb_accounts; "
        "print([m for m in ('pandas', 'bksb.jobs.runs', 'bksb.api', 'bksb.mis', 'bksb.reporting') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository(), capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
