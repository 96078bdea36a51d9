"""The connection type as Airflow itself sees it: the form, the Test button, what is stored, and the probe's command."""

from __future__ import annotations

import json
import subprocess
import sys
from uuid import uuid4

import pytest

from bksb.airflow.provider import get_provider_info
from tests.conftest import DEFAULT_PASSWORD


def test_airflow_lists_the_hook_among_its_providers(airflow):
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "providers", "hooks", "--output", "json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    hooks = json.loads(done.stdout[done.stdout.index("[{") :])
    (ours,) = [hook for hook in hooks if hook["connection_type"] == "bksb"]
    assert (ours["class"], ours["hook_name"]) == ("bksb.airflow.hook.BksbHook", "bksb")


def test_the_form_is_as_airflow_demands_and_in_the_order_of_the_settings_window(airflow):
    import airflow as installed
    from jsonschema import validate

    schema = json.loads((_folder(installed) / "provider.yaml.schema.json").read_text(encoding="utf-8"))
    declared = get_provider_info()["connection-types"]
    validate(declared, schema["properties"]["connection-types"])

    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (meta,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "bksb"]
    assert [field["schema"]["title"] for field in meta.extra_fields.values()] == [
        "Integration Enabled",
        "Default Password",
        "Secret for passwords",
        "Auto Enrol on Courses",
        "Site URL",
        "Time zone",
        "Sources",
        "Link accounts that already carry the username",
        "Send date of birth",
        "Mail hours",
        "Reminder after days",
        "Staff to notify",
    ]
    standard = meta.standard_fields
    assert [standard.host.title, standard.login.title, standard.password.title] == [
        "API URL",
        "API Access Key",
        "API Secret Key",
    ]
    assert standard.url_schema.hidden is True


def _folder(package):
    from pathlib import Path

    return Path(package.__path__[0])


@pytest.fixture
def saved(airflow, sandbox, monkeypatch):
    """Saves a connection in Airflow's own database, as the form does; gone after the test."""
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
    # as the button's endpoint does: the hook finds the connection in the environment, written as a URI
    monkeypatch.setenv(f"AIRFLOW_CONN_{connection.conn_id.upper()}", connection.get_uri())
    assert connection.test_connection() == (True, "bksb answers and accepts the key.")


def test_a_connection_that_is_not_there_is_named_by_the_test_button(airflow):
    from bksb.airflow.hook import BksbHook

    works, said = BksbHook("bksb_that_is_not_there").test_connection()
    assert not works and "There is no Airflow connection" in said


def test_the_rest_api_shows_neither_secret_nor_default_password(saved, sandbox, airflow):
    from airflow.api_fastapi.core_api.datamodels.connections import ConnectionResponse
    from airflow.models.connection import Connection

    connection = Connection.get_connection_from_secrets(saved())
    shown = ConnectionResponse.model_validate(connection).model_dump_json()
    assert sandbox.url in shown
    assert sandbox.secret_key not in shown and DEFAULT_PASSWORD not in shown


def test_the_probe_is_a_command_that_takes_an_airflow_connection(connections, sandbox, airflow, capsys):
    from bksb.cli import main

    username = sandbox.site.users()[0].username
    assert main(["probe", "--conn", "bksb", "--username", username]) in (0, 1)
    told = capsys.readouterr()
    assert "InitialAssessmentResults" in told.out and username not in told.out + told.err
    assert main(["probe", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["probe"] == 1 and "send it to the maintainers" in told.err


def test_a_probe_that_can_ask_nothing_ends_with_two_and_says_why(connections, sandbox, monkeypatch, airflow, capsys):
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
