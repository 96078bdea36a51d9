"""Staff get an e-mail when a run waits for approval. The run also waits if no e-mail can be sent."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest

RUN_ID = "scheduled__2026-10-25T07:30:00+00:00"
QUESTION = (
    "**37 bksb accounts would be created**, for 30 learners and 7 applicants.\n\n"
    "New accounts by programme:\n\n- 30 in Maths \\& <b>English</b>\n- 7 in 1\\. Welding \\*new\\*\n\n"
    f"Look up the run in the table bksb.planned_action: {RUN_ID}"
)
TEXT = (
    "37 bksb accounts would be created, for 30 learners and 7 applicants.\n\n"
    "New accounts by programme:\n\n- 30 in Maths & <b>English</b>\n- 7 in 1. Welding *new*\n\n"
    f"Look up the run in the table bksb.planned_action: {RUN_ID}"
)
STAFF = ["skills@college.example", "it@college.example"]
PAGE = (
    "https://airflow.college.example/sync/dags/bksb_accounts/runs/"
    "scheduled__2026-10-25T07%3A30%3A00%2B00%3A00/tasks/approve_plan/required_actions"
)


@pytest.fixture
def tell(airflow, connections, sandbox, monkeypatch, caplog):
    """Tells the given staff that a run waits; returns the lines of the log."""

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

        approve_plan = ApprovalOperator(task_id="approve_plan", subject="Please approve", body=QUESTION)
        ti = SimpleNamespace(dag_id="bksb_accounts", run_id=RUN_ID, task_id="approve_plan")
        TellStaff()({"task": approve_plan, "ti": ti})
        return [record.getMessage() for record in caplog.records if record.levelname in ("INFO", "WARNING", "ERROR")]

    return tell


def test_each_address_gets_the_question_and_the_page_to_answer_it(tell, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.college.example/sync/")
    said = tell()
    messages = sandbox.mailbox.wait_for(2)
    assert sorted(message.recipients for message in messages) == [("it@college.example",), ("skills@college.example",)]
    for message in messages:
        assert (message.sender, message.subject) == ("sync@college.example", "Please approve")
        assert message.body("plain") == f"{TEXT}\n\nAnswer here: {PAGE}\n"
    assert "Sent an e-mail about this approval to 2 addresses under notify." in said


def test_the_html_says_the_same_with_a_link_and_escapes_what_is_not_markup(tell, sandbox, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.college.example/sync/")
    tell()
    html = sandbox.mailbox.wait_for(2)[0].body("html")
    assert "<p><strong>37 bksb accounts would be created</strong>, for 30 learners and 7 applicants.</p>" in html
    assert "<li>30 in Maths &amp; &lt;b&gt;English&lt;/b&gt;</li>\n<li>7 in 1. Welding *new*</li>" in html
    assert f'<a href="{PAGE}">Answer in Airflow</a>' in html and "**" not in html


def test_the_markup_of_a_link_cannot_be_broken_by_the_address_of_the_page(airflow):
    from bksb.airflow.approval_notice import write_letter

    html = write_letter("s", "q", 'https://x/"><script>&').html
    assert '<a href="https://x/&quot;&gt;&lt;script&gt;&amp;">' in html and "<script>" not in html


def test_without_a_base_url_the_message_says_where_to_look(tell, sandbox, monkeypatch):
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    tell()
    message = sandbox.mailbox.wait_for(1)[0]
    assert "Answer in Airflow, under Browse > Required Actions.\n" in message.body("plain")
    assert "Answer in Airflow, under Browse &gt; Required Actions." in message.body("html")


def test_without_addresses_the_log_says_where_to_enter_them(tell, sandbox):
    assert [line for line in tell(staff=[]) if "No e-mail was sent" in line] == [
        "No e-mail was sent about this approval: enter addresses under notify (bksb connection)."
    ]
    assert sandbox.mailbox.messages() == []


def test_a_mail_server_that_is_down_is_named_in_one_line(tell):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, but nothing listens
        said = tell(port=silent.getsockname()[1])
    (line,) = [line for line in said if "about this approval" in line]
    assert line.startswith("No e-mail was sent about this approval: The mail server of connection 'smtp_default'")


def test_a_refused_address_is_not_logged_and_the_others_get_the_message(tell, sandbox):
    said = tell(staff=["gone@refused.example", *STAFF])
    assert len(sandbox.mailbox.wait_for(2)) == 2
    assert "Sent an e-mail about this approval to 2 of the 3 addresses under notify (bksb connection): SMTP 550" in said
    assert not [line for line in said if "@" in line]
