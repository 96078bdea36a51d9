"""The package as a site installs it: a wheel in its own environment, without a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bksb.connection_fields import ConnectionFields
from dev.bootstrap import installer_environment
from dev.services.postgres.server import Postgres
from sandbox.server import Sandbox
from tests.airflow_home import CONNECTIONS, as_json
from tests.conftest import fields_of, query, repository

pytestmark = pytest.mark.long

BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)


def run(*command: str | Path, **options: object) -> str:
    """Run a command and return its standard output. A failure shows all output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel and its requirements."""
    base = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", base, cwd=repository())
    (wheel,) = base.glob("*.whl")
    python = base / "venv" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    constraints = repository() / "constraints.txt"
    environment = installer_environment()
    run(uv, "venv", "--quiet", "--python", BASE_PYTHON, base / "venv", env=environment)
    run(uv, "pip", "install", "--quiet", "--python", python, "-c", constraints, wheel, env=environment, cwd=base)
    return python


@pytest.fixture
def environment(tmp_path: Path, python: Path) -> dict[str, str]:
    """A minimal environment: an empty HOME, and the programs of the new environment."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}


def test_the_package_is_the_installed_one(python: Path, environment: dict[str, str], tmp_path: Path) -> None:
    script = "import bksb, sys; print(bksb.__file__); print(*sys.path, sep='\\n')"
    where, *path = run(python, "-c", script, env=environment, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(python.parents[1])
    assert not [folder for folder in path if Path(folder).is_relative_to(repository() / "plugins")]


def test_help_and_preview_create_no_airflow_home(python: Path, environment: dict[str, str], tmp_path: Path) -> None:
    assert "migrate" in run(python, "-m", "bksb", "--help", env=environment, cwd=tmp_path)
    told = run(python, "-m", "bksb", "preview-mail", "--out", tmp_path / "out", env=environment, cwd=tmp_path)
    assert len(told.splitlines()) == 6
    assert list((tmp_path / "home").iterdir()) == []


def test_both_dags_run_as_they_do_in_a_checkout(
    python: Path,
    environment: dict[str, str],
    config: Path,
    empty_database: str,
    postgres: Postgres,
    mis_fields: ConnectionFields,
    sandbox: Sandbox,
    connections: dict[str, object],
    tmp_path: Path,
) -> None:
    reporting = fields_of(empty_database, "reporting")
    postgres.create_database("airflow_of_the_wheel")
    shutil.copytree(repository() / "dags", tmp_path / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (config / "templates" / "invitation.subject.txt").write_text("From a wheel")
    environment |= {
        **{name: os.environ[name] for name in CONNECTIONS},
        "AIRFLOW_CONN_REPORTING": as_json(reporting, "postgres"),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.dsn("airflow_of_the_wheel").replace(
            "postgresql://", "postgresql+psycopg2://"
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "",
        "BKSB_CONFIG": str(config),
    }

    def airflow(*arguments: str) -> str:
        return run(python, "-m", "airflow", *arguments, env=environment, cwd=tmp_path)

    run(python, "-m", "bksb", "migrate", env=environment, cwd=tmp_path)
    airflow("db", "migrate")
    assert "bksb.airflow.hook.BksbHook" in airflow("providers", "hooks", "--output", "plain")
    airflow("dags", "test", "bksb_accounts", "--mark-success-pattern", "approve_plan")
    airflow("dags", "test", "bksb_results")

    created = query(reporting, "select 1 from bksb.account where state = 'active' and origin = 'created'")
    # the run is about yesterday, so it leaves out people who start today
    accounts = query(
        reporting,
        "select bksb_user_id from bksb.account join bksb.run_person using (person_id) "
        "where dag_id = 'bksb_results' and state = 'active'",
    )
    loaded = query(reporting, "select bksb_user_id, source, session_id, result_raw from bksb.assessment_result")
    truth = Counter(
        (account.bksb_user_id, source, str(result.session_id), str(result.result))
        for account in accounts
        for source in ("initial", "diagnostic")
        for result in sandbox.site.results(account.bksb_user_id, source)
    )
    assert 30 < len(created) < len(accounts) and len(truth) > 500
    assert Counter(map(tuple, loaded)) == truth
    subjects = [message.subject for message in sandbox.mailbox.messages()]
    assert 30 < len(subjects) <= len(created) and set(subjects) == {"From a wheel"}
