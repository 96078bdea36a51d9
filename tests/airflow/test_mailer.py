"""The mailer of the DAGs, which uses Airflow's SMTP connection."""

from __future__ import annotations

import json

import pytest

from bksb.errors import ConfigurationError, TransientError
from sandbox.mailbox.faults import MailFault
from tests.mail.test_smtp import letter_to

SENDER = "Skills <skills@college.example>"


@pytest.fixture
def smtp(sandbox, monkeypatch):
    """Points the connection smtp_default to the sandbox's mail server, with changes."""

    def connect(extra=None, **changes):
        fields = {"conn_type": "smtp", "host": "127.0.0.1", "port": sandbox.smtp_port}
        given = {"disable_ssl": True, "disable_tls": True, "from_email": SENDER, "timeout": 5} | (extra or {})
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(fields | {"extra": given} | changes))

    return connect


def opened():
    from bksb.airflow.hook import open_airflow_mailer

    with open_airflow_mailer() as mailer:
        mailer.send(letter_to())


def test_a_message_goes_through_airflows_connection(airflow, connections, sandbox, smtp):
    smtp()
    from bksb.airflow.hook import open_deployment

    with open_deployment().open_mailer() as mailer:
        mailer.send(letter_to())
    assert [message.sender for message in sandbox.mailbox.messages()] == ["skills@college.example"]


def test_it_logs_in_if_the_connection_has_a_login(airflow, sandbox, smtp):
    smtp(login="college", password="secret-of-the-college")
    opened()
    sandbox.mailbox.faults.add(MailFault("refuses_login"))
    with pytest.raises(ConfigurationError, match="login and password") as caught:
        opened()
    assert "secret" not in str(caught.value) and caught.value.__suppress_context__


def test_a_missing_connection_says_how_to_add_it(airflow, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    with pytest.raises(ConfigurationError, match="There is no Airflow connection 'smtp_default': add it"):
        opened()


@pytest.mark.parametrize(
    ("extra", "changes", "says"),
    [
        ({"from_email": ""}, {}, "from_email"),
        ({"from_email": "nobody"}, {}, "from_email"),
        ({}, {"host": ""}, "host"),
        ({"disable_tls": False}, {}, "disable_tls"),
        ({"disable_ssl": False}, {}, "disable_ssl"),
        ({"auth_type": "oauth2"}, {}, "OAuth2"),
    ],
)
def test_a_wrong_connection_says_which_field_to_correct(airflow, smtp, extra, changes, says):
    smtp(extra, **changes)
    with pytest.raises(ConfigurationError, match=says):
        opened()


@pytest.mark.parametrize("how", ["down", "closed"])
def test_a_server_that_does_not_answer_is_tried_again_later(airflow, sandbox, smtp, how):
    smtp(**({"port": 1} if how == "closed" else {}))
    sandbox.mailbox.faults.add(MailFault("down"))
    with pytest.raises(TransientError, match="did not answer"):
        opened()
