"""Airflow for the tests: its own home and metadata database, set up before Airflow is first imported."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bksb.connection_fields import ConnectionFields
from dev.services.postgres.server import Postgres
from sandbox.server import Sandbox
from tests.conftest import DEFAULT_PASSWORD, fields_of, repository

CONNECTIONS = ("AIRFLOW_CONN_BKSB", "AIRFLOW_CONN_MIS", "AIRFLOW_CONN_REPORTING", "AIRFLOW_CONN_SMTP_DEFAULT")


@pytest.fixture(scope="session")
def airflow(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A migrated Airflow with the DAGs and plugins of this checkout."""
    assert "airflow" not in sys.modules, "Airflow was imported before its home was set"
    postgres.create_database("airflow")
    metadata = postgres.dsn("airflow").replace("postgresql://", "postgresql+psycopg2://")
    settings = {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository() / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(repository() / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "",
        "AIRFLOW__DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in CONNECTIONS:
            patch.delenv(name, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        from airflow.utils.db import initdb

        initdb()
        yield
        from airflow.settings import dispose_orm

        dispose_orm()


@pytest.fixture
def connections(
    reporting: ConnectionFields, mis_fields: ConnectionFields, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Set the four connections as environment variables. Returns the one of bksb, to change."""
    bksb = {
        "conn_type": "bksb",
        "host": f"{sandbox.url}/api/",
        "login": sandbox.access_key,
        "password": sandbox.secret_key,
        "extra": {
            "default_password": DEFAULT_PASSWORD,
            "site_url": "https://college.bksblive2.example",
            "mail_hours": "00:00-24:00",
            "mails_a_minute": 60_000,
        },
    }
    smtp = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": sandbox.smtp_port,
        "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "skills@college.example"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(smtp))
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(bksb))
    monkeypatch.setenv("AIRFLOW_CONN_MIS", as_json(mis_fields, "generic"))
    monkeypatch.setenv("AIRFLOW_CONN_REPORTING", as_json(reporting, "generic"))
    return bksb


def as_json(fields: ConnectionFields, conn_type: str) -> str:
    """Return a connection in the form of AIRFLOW_CONN_*."""
    return json.dumps(
        {
            "conn_type": conn_type,
            "host": fields.host,
            "port": fields.port,
            "login": fields.login,
            "password": fields.password,
            "schema": fields.database,
            "extra": dict(fields.extra),
        }
    )


def set_connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, dsn: str) -> None:
    """Point a connection at another PostgreSQL database."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", as_json(fields_of(dsn, conn_id), "generic"))


@pytest.fixture
def run_accounts(airflow: None) -> Iterator[Callable[[str | None], Any]]:
    """Runs bksb_accounts to its end in this process, and answers its question. Returns the DagRun.

    If the answer is None, the question times out.
    """
    with ThreadPoolExecutor(max_workers=1) as people:

        def run(answer: str | None) -> Any:
            from airflow.dag_processing.dagbag import DagBag

            ended = threading.Event()
            with dag_test_waiting() as waiting:
                person = people.submit(answer_when_asked, answer, waiting, ended)
                try:
                    dag_run = DagBag(str(repository() / "dags")).dags["bksb_accounts"].test(run_after=datetime.now(UTC))
                finally:
                    ended.set()
                    person.result()
            return dag_run

        yield run


@contextmanager
def dag_test_waiting() -> Iterator[threading.Event]:
    """An event that is set when dag.test() has found that a task waits for a person.

    An answer before that is lost: dag.test() writes the state of the task once more.
    """
    waiting = threading.Event()

    def note(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Waiting for Human-in-the-loop input"):
            waiting.set()
        return True

    logger = logging.getLogger("airflow.sdk.definitions.dag")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addFilter(note)
    try:
        yield waiting
    finally:
        logger.removeFilter(note)
        logger.setLevel(level)


def answer_when_asked(answer: str | None, waiting: threading.Event, ended: threading.Event) -> None:
    """Answer as the button in Airflow does, or time out, when dag.test() waits. Returns when `ended` is set.

    An error fails the task, because dag.test() would wait without end.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    while not ended.wait(0.1):
        if not waiting.is_set():
            continue
        waiting.clear()
        with create_session() as session:
            for asking in session.query(TaskInstance).where(TaskInstance.state == "awaiting_input").all():
                try:
                    if answer is None:
                        time_out(asking, session)
                    else:
                        give(answer, asking, session)
                except BaseException:
                    session.rollback()
                    asking.set_state("failed", session=session)
                    session.commit()
                    raise


def give(answer: str, asking: Any, session: Any) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail

    update_hitl_detail(
        dag_id=asking.dag_id,
        dag_run_id=asking.run_id,
        task_id=asking.task_id,
        update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[answer]),
        user=SimpleAuthManagerUser(username="skills-manager", role="admin"),
        session=session,
    )


def time_out(asking: Any, session: Any) -> None:
    """End the time for an answer, and let the scheduler notice."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    left = asking.trigger_timeout - datetime.now(UTC)
    assert timedelta(hours=19) < left <= timedelta(hours=20)
    asking.trigger_timeout = datetime.now(UTC) - timedelta(seconds=1)
    session.commit()
    SchedulerJobRunner(Job()).check_awaiting_input_timeouts()


@pytest.fixture(autouse=True)
def quiet_environment() -> None:
    """Fail if the environment has a real bksb connection."""
    for name in CONNECTIONS:
        assert "bksblive2" not in os.environ.get(name, "")
