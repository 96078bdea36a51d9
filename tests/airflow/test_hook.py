"""A stored connection: the Test button, what the REST API and logs hide, and the probe."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from bksb.errors import ConfigurationError, MisContractError
from bksb.folders import SQL_FOLDER
from tests.conftest import DEFAULT_PASSWORD


@pytest.fixture
def saved(airflow, sandbox, monkeypatch):
    """Saves a connection in Airflow's database, as the form does, and deletes it after the test."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    names = []

    def save(**changes):
        conn_id = f"bksb_{uuid4().hex}"
        given = {
            "host": sandbox.url,
            "login": sandbox.access_key,
            "password": sandbox.secret_key,
            "extra": json.dumps({"default_password": DEFAULT_PASSWORD, "sources": ["initial"], "site_url": None}),
        }
        with create_session() as session:
            session.add(Connection(conn_id=conn_id, conn_type="bksb", **(given | changes)))
        names.append(conn_id)
        return conn_id

    yield save
    with create_session() as session:
        session.query(Connection).where(Connection.conn_id.in_(names)).delete()


def test_the_test_button_works_on_what_was_saved(saved, airflow, monkeypatch):
    from airflow.models.connection import Connection

    connection = Connection.get_connection_from_secrets(saved())
    # the endpoint of the button passes the connection to the hook as a URI in the environment
    monkeypatch.setenv(f"AIRFLOW_CONN_{connection.conn_id.upper()}", connection.get_uri())
    assert connection.test_connection() == (True, "bksb answers and accepts the key.")


def test_the_test_button_names_a_connection_that_does_not_exist(airflow):
    from bksb.airflow.hook import BksbHook

    works, said = BksbHook("bksb_that_is_not_there").test_connection()
    assert not works and "There is no Airflow connection" in said


def test_a_connection_variable_that_is_not_json_is_named(airflow, monkeypatch):
    from bksb.airflow.hook import connection_fields

    monkeypatch.setenv("AIRFLOW_CONN_REPORTING", '{"conn_type": "generic" "host": "reports-db"}')
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_REPORTING is set, but Airflow cannot read it"):
        connection_fields("reporting")


def test_the_rest_api_hides_the_secret_key_and_the_default_password(saved, sandbox, airflow):
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionResponse
    from airflow.models.connection import Connection

    connection = Connection.get_connection_from_secrets(saved())
    shown = ConnectionResponse.model_validate(connection).model_dump_json()
    assert sandbox.url in shown
    assert sandbox.secret_key not in shown and DEFAULT_PASSWORD not in shown


def test_logs_mask_the_secrets_of_a_connection_and_nothing_else(connections, monkeypatch, airflow):
    from airflow.sdk._shared.secrets_masker import redact

    from bksb.airflow.hook import BksbHook

    secret = "a secret that makes passwords, 2026"
    extra = {"sources": "initial, diagnostic, v5", "auto_enrol": "true", "password_secret": secret}
    changed = connections | {"extra": connections["extra"] | extra}
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(changed))
    assert BksbHook().settings.sources == ("initial", "diagnostic", "v5")
    words = "v5 true initial diagnostic Level 1"
    assert redact(f"{words} {secret} {DEFAULT_PASSWORD} {connections['password']}") == f"{words} *** *** ***"


def test_a_deployment_runs_the_sites_own_query_and_names_it_in_errors(connections, config, world, airflow):
    from bksb.airflow.hook import open_deployment

    opened_before = open_deployment()
    own = config / "eligible_learners.sql"
    ours = (SQL_FOLDER / "mis" / "eligible_learners.sql").read_text(encoding="utf-8")
    own.write_text(ours.replace("    person.email,\n", ""), encoding="utf-8")
    with pytest.raises(MisContractError, match=rf"The MIS query \({own}\) does not return the column email"):
        open_deployment().mis.read_people(world.today)
    assert opened_before.mis.read_people(world.today)


def test_the_probe_command_takes_an_airflow_connection(connections, sandbox, airflow, capsys):
    from bksb.cli import main

    username = sandbox.site.users()[0].username
    assert main(["probe", "--conn", "bksb", "--username", username]) in (0, 1)
    told = capsys.readouterr()
    assert "InitialAssessmentResults" in told.out and username not in told.out + told.err
    assert main(["probe", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["probe"] == 1 and "send it to the maintainers" in told.err


def test_a_probe_that_cannot_call_bksb_exits_with_two_and_says_why(connections, sandbox, monkeypatch, airflow, capsys):
    from bksb.cli import main

    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"password": "wrong-secret-key"}))
    assert main(["probe"]) == 2
    assert "API Access Keys" in capsys.readouterr().err
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"extra": {"integration_enabled": False}}))
    sandbox.site.reset_counters()
    assert main(["probe"]) == 2
    assert "Integration Enabled is off" in capsys.readouterr().err and sandbox.site.calls == {}
    assert main(["probe", "--conn", "not_there"]) == 2
    assert "There is no Airflow connection" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["probe", "--wrong"])
    assert ended.value.code == 2
