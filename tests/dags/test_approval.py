"""Staff approve and reject whole runs of bksb_accounts on real Airflow."""

from __future__ import annotations

import json

from tests.conftest import fields_of, query


def states(dag_run) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


def outcomes(reporting) -> list[str]:
    return [row.outcome for row in query(reporting, "select outcome from bksb.approval order by planned_at")]


def questions(postgres, dag_run) -> list[str]:
    """Return the questions of the run that Airflow has stored."""
    rows = query(
        fields_of(postgres.dsn("airflow"), "airflow"),
        "select body from hitl_detail join task_instance on task_instance.id = ti_id where run_id = %s",
        dag_run.run_id,
    )
    return [row.body for row in rows]


def test_a_run_that_waits_mails_staff_and_an_approved_run_does_what_was_asked(
    run_accounts, connections, reporting, sandbox, postgres, monkeypatch, caplog, capfd
):
    connections["extra"]["notify"] = "staff@college.example"
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections))
    dag_run = run_accounts("Approve")
    assert dag_run.state == "success" and set(states(dag_run).values()) == {"success"}
    assert outcomes(reporting) == ["approved"]
    created = query(reporting, "select count(*) as n from bksb.account where origin = 'created'")[0].n
    assert sandbox.site.calls["createUser"] >= created > 0
    (question,) = questions(postgres, dag_run)
    log = caplog.text + "".join(capfd.readouterr())
    (headline, *_) = question.splitlines()
    assert log.count(headline) == 1, "the question is logged once"
    assert log.count("people are eligible") == 2, "plan_accounts and record_plan say what they found"
    assert question.startswith("**") and "bksb accounts would be created**" in question
    (told,) = [message for message in sandbox.mailbox.messages() if message.recipients == ("staff@college.example",)]
    assert told.subject == "bksb_accounts needs your approval"
    text, html = told.body("plain"), told.body("html")
    assert "bksb accounts would be created, for " in text and "<strong>" in html
    assert not [sign for sign in ("**", "`", "\\") if sign in text]


def test_a_rejected_run_succeeds_without_doing_anything(run_accounts, connections, reporting, sandbox):
    dag_run = run_accounts("Reject")
    assert dag_run.state == "success"
    assert states(dag_run) == {
        "plan_accounts": "success",
        "approve_plan": "success",
        "record_plan": "skipped",
        "apply_plan": "skipped",
        "send_invitations": "skipped",
        "finish_accounts": "success",
    }
    assert outcomes(reporting) == ["rejected"] and sandbox.site.calls == {}
    assert query(reporting, "select * from bksb.learner") == query(reporting, "select * from bksb.account") == []
    assert [row.state for row in query(reporting, "select state from bksb.sync_run")] == ["success"]


def test_a_run_that_needs_no_approval_asks_nothing_and_runs_through(
    run_accounts, connections, reporting, sandbox, postgres
):
    run_accounts("Approve")
    sandbox.site.reset_counters()
    dag_run = run_accounts("Reject")
    assert dag_run.state == "success"
    assert states(dag_run) | {"approve_plan": "skipped"} == states(dag_run)
    assert {states(dag_run)[task] for task in ("record_plan", "finish_accounts")} == {"success"}
    assert questions(postgres, dag_run) == []
    assert outcomes(reporting) == ["approved", "not_asked"] and sandbox.site.calls.get("createUser", 0) == 0


def test_a_run_without_an_answer_is_rejected_after_its_time_and_succeeds(run_accounts, connections, reporting, sandbox):
    dag_run = run_accounts(None)
    assert dag_run.state == "success"
    assert {states(dag_run)[task] for task in ("record_plan", "apply_plan", "send_invitations")} == {"skipped"}
    assert {states(dag_run)[task] for task in ("approve_plan", "finish_accounts")} == {"success"}
    assert outcomes(reporting) == ["rejected"] and sandbox.site.calls == {}
