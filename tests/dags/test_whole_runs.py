"""Whole DAG runs on real Airflow, in process: the second changes nothing, failures say what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.airflow_home import set_connection
from tests.conftest import query

TABLES = ("account", "account_link", "issue", "assessment_result", "result_change", "skill_summary", "daily_activity")


@pytest.fixture(scope="module")
def run_dag(airflow):
    """Runs a DAG to its end in this process; returns the DagRun."""
    from airflow.dag_processing.dagbag import DagBag

    from tests.conftest import repository

    def run(dag_id, *, conf=None, logical_date=None):
        # dag.test() writes the conf of a run into the params of the DAG: each run gets a DAG of its own
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


def test_an_interval_tells_the_day_and_the_asset_event_its_partition(run_dag, connections, reporting):
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


def test_accounts_are_about_today_whatever_date_a_run_bears(run_dag, connections, reporting, world):
    run_dag("bksb_accounts", logical_date=datetime(2026, 3, 3, 7, 30, tzinfo=UTC))
    eligible = query(reporting, "select person_id from bksb.learner where eligible")
    assert {row.person_id for row in eligible} == world.eligible_on(world.today)
    assert [r.interval_start for r in query(reporting, "select interval_start from bksb.sync_run")] == [None]


def test_a_dry_run_calls_nobody_and_skips_the_applying(run_dag, connections, reporting, sandbox):
    sandbox.site.reset_counters()
    dag_run = run_dag("bksb_accounts", conf={"dry_run": True})
    assert states(dag_run)["apply_plan"] == {"skipped"} and dag_run.state == "success"
    assert sandbox.site.calls == {}
    assert query(reporting, "select count(*) as n from bksb.planned_action")[0].n > 0


def test_integration_enabled_off_ends_politely(run_dag, connections, reporting, sandbox, monkeypatch):
    connections["extra"]["integration_enabled"] = False
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections))
    sandbox.site.reset_counters()
    for dag_id in ("bksb_accounts", "bksb_results"):
        assert {s for task in states(run_dag(dag_id)).values() for s in task} == {"skipped"}
    assert sandbox.site.calls == {} and query(reporting, "select * from bksb.sync_run") == []


def test_integration_enabled_off_ends_politely_also_before_anything_else_is_filled_in(
    run_dag, connections, monkeypatch
):
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
def test_a_missing_connection_is_named_with_how_to_make_it(
    run_dag, connections, monkeypatch, capfd, caplog, dag_id, conn_id
):
    monkeypatch.delenv(f"AIRFLOW_CONN_{conn_id.upper()}")
    assert run_dag(dag_id).state == "failed"
    said = caplog.text + "".join(capfd.readouterr())
    assert f"There is no Airflow connection '{conn_id}'" in said
    assert f"AIRFLOW_CONN_{conn_id.upper()}" in said


def test_a_wrong_key_fails_at_once_and_is_written_down(run_dag, connections, reporting, monkeypatch, capfd, caplog):
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
