"""Staff are told by e-mail that a run waits, and a run waits all the same when they cannot be."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest

RUN_ID = "scheduled__2026-10-25T07:30:00+00:00"
QUESTION = "**37 bksb accounts would be created**, for 30 learners and 7 applicants.\n\n| programme | accounts |\n"
STAFF = ["skills@college.example", "it@college.example"]


@pytest.fixture
def tell(airflow, connections, sandbox, monkeypatch, caplog):
    """Tells the staff given that a run waits; returns what the log says, line by line."""

    def tell(staff=STAFF, port=None):
        smtp = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": port or sandbox.smtp_port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "bksb sync <sync@college.example>"},
        }
        connections["extra"]["notify"] = staff
        monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections))
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(smtp))
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        from bksb.airflow.approval_notice import TellStaff

        approve_plan = ApprovalOperator(task_id="approve_plan", subject="May they be created?", body=QUESTION)
        ti = SimpleNamespace(dag_id="bksb_accounts", run_id=RUN_ID, task_id="approve_plan")
        TellStaff()({"task": approve_plan, "ti": ti})
        return [record.getMessage() for record in caplog.records if record.levelname in ("INFO", "WARNING", "ERROR")]

    return tell


def test_each_member_of_staff_gets_the_question_and_where_to_answer_it(tell, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.college.example/sync/")
    said = tell()
    messages = sandbox.mailbox.wait_for(2)
    assert sorted(message.recipients for message in messages) == [("it@college.example",), ("skills@college.example",)]
    for message in messages:
        assert (message.sender, message.subject) == ("sync@college.example", "May they be created?")
        assert message.body("plain") == (
            f"{QUESTION}\n\nAnswer here: https://airflow.college.example/sync/dags/bksb_accounts/runs/"
            "scheduled__2026-10-25T07%3A30%3A00%2B00%3A00/tasks/approve_plan/required_actions\n"
        )
    assert "Told 2 people under notify by e-mail that this run waits." in said


def test_without_a_base_url_the_message_says_where_to_look(tell, sandbox, monkeypatch):
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    tell()
    assert "Answer here: Browse > Required Actions in Airflow" in sandbox.mailbox.wait_for(1)[0].body("plain")


def test_where_nobody_is_to_be_told_the_log_says_so(tell, sandbox):
    assert [line for line in tell(staff=[]) if "Nobody was told" in line] == [
        "Nobody was told that this run waits: notify of the bksb connection names no address."
    ]
    assert sandbox.mailbox.messages() == []


def test_a_mail_server_that_is_down_is_named_in_one_line(tell):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, and nobody listens
        said = tell(port=silent.getsockname()[1])
    (line,) = [line for line in said if "told" in line.lower()]
    assert line.startswith(
        "Nobody was told by e-mail that this run waits: The mail server of connection 'smtp_default'"
    )


def test_one_refused_address_keeps_nobody_else_from_being_told_and_is_not_logged(tell, sandbox):
    said = tell(staff=["gone@refused.example", *STAFF])
    assert len(sandbox.mailbox.wait_for(2)) == 2
    assert "Told 2 of the 3 people under notify of the bksb connection that this run waits: SMTP 550" in said
    assert not [line for line in said if "@" in line]
