"""Whole DAG runs on real Airflow, in this process."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bksb.errors import ConfigurationError
from tests.airflow_home import as_json, set_connection
from tests.conftest import query

TABLES = ("account", "account_link", "issue", "assessment_result", "result_change", "skill_summary", "daily_activity")


@pytest.fixture(scope="module")
def run_dag(airflow):
    """Runs a DAG in this process and returns the DagRun."""
    from airflow.dag_processing.dagbag import DagBag

    from tests.conftest import repository

    def run(dag_id, *, conf=None, logical_date=None):
        # dag.test() writes the conf into the params of the DAG, so each run needs a new DAG
        bag = DagBag(str(repository() / "dags"))
        return bag.dags[dag_id].test(
            run_conf=conf,
            logical_date=logical_date,
            run_after=datetime.now(UTC),
            mark_success_pattern="approve_plan",
        )

    return run


def states(dag_run) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for ti in dag_run.get_task_instances():
        found.setdefault(ti.task_id, set()).add(str(ti.state))
    return found


def contents(reporting) -> dict[str, list[str]]:
    return {
        table: [r.row for r in query(reporting, f"select t.xmin || t::text as row from bksb.{table} as t order by 1")]
        for table in TABLES
    }


def test_each_dag_runs_and_a_second_run_changes_nothing(run_dag, connections, reporting, sandbox, caplog):
    for dag_id in ("bksb_accounts", "bksb_results"):
        done = states(run_dag(dag_id))
        assert done.pop("link_people", {"skipped"}) == {"skipped"}, "bksb_accounts has linked the people already"
        assert {state for task in done.values() for state in task} == {"success"}
    before = contents(reporting)
    assert all(before[table] for table in TABLES if table != "result_change")
    sandbox.site.reset_counters()
    for dag_id in ("bksb_accounts", "bksb_results"):
        assert run_dag(dag_id).state == "success"
    assert contents(reporting) == before
    assert sandbox.site.calls.get("createUser", 0) == 0
    lines = query(reporting, "select dag_id, state, interval_start from bksb.sync_run order by started_at")
    assert [(line.dag_id, line.state) for line in lines] == [
        ("bksb_accounts", "success"),
        ("bksb_results", "success"),
    ] * 2


def test_the_interval_gives_the_day_of_the_run_and_the_partition_of_the_asset_event(run_dag, connections, reporting):
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    run_dag("bksb_accounts")
    run_dag("bksb_results", logical_date=datetime(2026, 10, 24, 2, tzinfo=UTC))
    (line,) = query(reporting, "select interval_start, interval_end from bksb.sync_run where dag_id = 'bksb_results'")
    assert line.interval_start.date() == datetime(2026, 10, 23).date()  # noqa: DTZ001 - a date
    with create_session() as session:
        events = session.query(AssetEvent).order_by(AssetEvent.id.desc()).limit(1).all()
        assert [(e.partition_key, e.extra["day"]) for e in events] == [("2026-10-23", "2026-10-23")]
        assert set(events[0].extra) == {"day", "people", "results", "added", "changed", "missing"}


def test_bksb_accounts_is_about_today_whatever_the_date_of_the_run(run_dag, connections, reporting, world):
    run_dag("bksb_accounts", logical_date=datetime(2026, 3, 3, 7, 30, tzinfo=UTC))
    eligible = query(reporting, "select person_id from bksb.learner where eligible")
    assert {row.person_id for row in eligible} == world.eligible_on(world.today)
    assert [r.interval_start for r in query(reporting, "select interval_start from bksb.sync_run")] == [None]


def test_a_form_that_leaves_everything_empty_means_the_defaults(run_dag, connections, reporting, sandbox):
    empty = dict.fromkeys(("dry_run", "person_ids", "max_new_accounts", "invite", "resend_invitation"))
    assert run_dag("bksb_accounts", conf=empty).state == "success"
    assert sandbox.site.calls["createUser"] > 0 and sandbox.mailbox.messages()
    assert (
        run_dag("bksb_results", conf=dict.fromkeys(("person_ids", "full_refresh", "publish_anyway"))).state == "success"
    )


@pytest.mark.parametrize("conn_type", ["generic", "postgres"])
def test_the_reporting_connection_may_have_the_type_generic_or_postgres(
    run_dag, connections, reporting, monkeypatch, conn_type
):
    fields = replace(reporting, extra={"sslmode": "prefer"})
    monkeypatch.setenv("AIRFLOW_CONN_REPORTING", as_json(fields, conn_type))
    assert run_dag("bksb_accounts", conf={"dry_run": True}).state == "success"
    assert [row.state for row in query(reporting, "select state from bksb.sync_run")] == ["success"]
    # the server of the tests has no encryption, so this fails only if sslmode reaches libpq
    monkeypatch.setenv("AIRFLOW_CONN_REPORTING", as_json(replace(reporting, extra={"sslmode": "require"}), conn_type))
    from bksb.airflow.hook import open_deployment

    with pytest.raises(ConfigurationError, match="does not offer SSL"), open_deployment().open_store():
        pass


def test_a_dry_run_calls_no_api_and_skips_apply_plan(run_dag, connections, reporting, sandbox):
    sandbox.site.reset_counters()
    dag_run = run_dag("bksb_accounts", conf={"dry_run": True})
    assert states(dag_run)["apply_plan"] == {"skipped"} and dag_run.state == "success"
    assert sandbox.site.calls == {}
    assert query(reporting, "select count(*) as n from bksb.planned_action")[0].n > 0


def test_while_integration_enabled_is_off_all_tasks_are_skipped(run_dag, connections, reporting, sandbox, monkeypatch):
    connections["extra"]["integration_enabled"] = False
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections))
    sandbox.site.reset_counters()
    for dag_id in ("bksb_accounts", "bksb_results"):
        assert {s for task in states(run_dag(dag_id)).values() for s in task} == {"skipped"}
    assert sandbox.site.calls == {} and query(reporting, "select * from bksb.sync_run") == []


def test_while_integration_enabled_is_off_nothing_else_has_to_be_filled_in(run_dag, connections, monkeypatch):
    bare = {"conn_type": "bksb", "extra": {"integration_enabled": False, "sources": ["v5"], "timezone": "Nowhere"}}
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(bare))
    for conn_id in ("MIS", "REPORTING"):
        monkeypatch.delenv(f"AIRFLOW_CONN_{conn_id}")
    for dag_id in ("bksb_accounts", "bksb_results"):
        dag_run = run_dag(dag_id)
        assert {s for task in states(dag_run).values() for s in task} == {"skipped"}
        assert dag_run.state == "success"


@pytest.mark.parametrize("dag_id", ["bksb_accounts", "bksb_results"])
@pytest.mark.parametrize("conn_id", ["bksb", "mis", "reporting"])
def test_a_missing_connection_is_named_with_how_to_add_it(
    run_dag, connections, monkeypatch, capfd, caplog, dag_id, conn_id
):
    monkeypatch.delenv(f"AIRFLOW_CONN_{conn_id.upper()}")
    assert run_dag(dag_id).state == "failed"
    said = caplog.text + "".join(capfd.readouterr())
    assert f"There is no Airflow connection '{conn_id}'" in said
    assert f"AIRFLOW_CONN_{conn_id.upper()}" in said


def test_a_wrong_key_fails_at_once_and_closes_the_run(run_dag, connections, reporting, monkeypatch, capfd, caplog):
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"password": "wrong-secret-key"}))
    dag_run = run_dag("bksb_accounts")
    assert dag_run.state == "failed"
    assert states(dag_run)["apply_plan"] == {"failed"}
    said = caplog.text + "".join(capfd.readouterr())
    assert "Admin Options > API Access Keys > Configure Access Key" in said
    assert "wrong-secret-key" not in said
    assert [line.state for line in query(reporting, "select state from bksb.sync_run")] == ["failed"]


def test_a_reporting_database_that_is_not_migrated_says_so(
    run_dag, connections, empty_database, monkeypatch, capfd, caplog
):
    set_connection(monkeypatch, "reporting", empty_database)
    assert run_dag("bksb_results").state == "failed"
    assert "python -m bksb migrate" in caplog.text + "".join(capfd.readouterr())
