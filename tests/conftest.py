"""Shared fixtures: a real PostgreSQL, a simulated bksb over real HTTP, and a deployment that connects them."""

from __future__ import annotations

import itertools
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extras
import pytest

from bksb.api.client import BksbClient
from bksb.api.transport import RetryBudget
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mail.smtp import Mailer, open_mailer, translate_connect_error
from bksb.mis import Mis
from bksb.reporting.migrations import migrate
from bksb.rules.times import MailHours
from bksb.settings import Settings
from dev.services.postgres.server import Postgres
from sandbox.mis import database as sandbox_mis
from sandbox.server import Sandbox
from sandbox.world.people import invent
from sandbox.world.population import World
from sandbox.world.storage import london_today

pytest_plugins = ["tests.airflow_home", "tests.clones", "tests.scripted_bksb"]

IMPATIENT = RetryBudget(attempts=2, total_seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.01)
"""Retries almost at once, so that tests of failures are fast."""

DEFAULT_PASSWORD = "Change-me-2026"

SENDER = "Skills <skills@college.example>"

SETTINGS = Settings(
    default_password=DEFAULT_PASSWORD,
    site_url="https://college.bksblive2.example",
    mail_hours=MailHours.from_text("00:00-24:00"),
    mails_a_minute=60_000,
)
"""Settings of a site that mails at any hour, as fast as it can."""

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL for the test session, from the embedded binaries."""
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The DSN of an empty database."""
    name = f"empty_{next(_numbers)}"
    postgres.create_database(name)
    yield postgres.dsn(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a migrated reporting database, to copy."""
    postgres.create_database("reporting_template")
    migrate(fields_of(postgres.dsn("reporting_template"), "reporting"))
    return "reporting_template"


@pytest.fixture
def reporting(postgres: Postgres, migrated_template: str) -> Iterator[ConnectionFields]:
    """The connection fields of a migrated reporting database for one test."""
    name = f"reporting_{next(_numbers)}"
    postgres.create_database(name, template=migrated_template)
    yield fields_of(postgres.dsn(name), "reporting")
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def world() -> World:
    """A hundred and twenty synthetic people, with every kind of edge case."""
    return invent(120, london_today())


@pytest.fixture(scope="session")
def mis_template(postgres: Postgres, world: World) -> str:
    """The name of a filled MIS, to copy."""
    postgres.create_database("mis_template")
    sandbox_mis.fill(postgres.dsn("mis_template"), world)
    return "mis_template"


@pytest.fixture
def mis_fields(postgres: Postgres, mis_template: str) -> Iterator[ConnectionFields]:
    """The connection fields of a filled MIS for one test."""
    name = f"mis_{next(_numbers)}"
    postgres.create_database(name, template=mis_template)
    yield fields_of(postgres.dsn(name), "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def background() -> Iterator[ThreadPoolExecutor]:
    """Threads that close what one test used while the next test runs."""
    with ThreadPoolExecutor(max_workers=4) as threads:
        yield threads


@pytest.fixture
def sandbox(world: World, background: ThreadPoolExecutor) -> Iterator[Sandbox]:
    """A simulated bksb for one test, over real HTTP."""
    with ExitStack() as stack:
        yield stack.enter_context(Sandbox(world))
        background.submit(stack.pop_all().close)  # takes 0.2 s


@pytest.fixture
def client(sandbox: Sandbox) -> BksbClient:
    """A client of the sandbox with a short retry budget."""
    return client_of(sandbox)


@pytest.fixture
def deployment(reporting: ConnectionFields, mis_fields: ConnectionFields, sandbox: Sandbox) -> Deployment:
    """A whole deployment for one test: MIS, reporting database, bksb and mailbox, all real."""
    return Deployment(
        settings=SETTINGS,
        mis=Mis(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"),
        reporting=reporting,
        make_client=lambda: client_of(sandbox),
        open_mailer=lambda: mailer_of(sandbox),
    )


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for a site's own files during this test, with nothing but an empty `templates/`."""
    folder = tmp_path / "config"
    (folder / "templates").mkdir(parents=True)
    monkeypatch.setenv("BKSB_CONFIG", str(folder))
    return folder


def mailer_of(sandbox: Sandbox) -> AbstractContextManager[Mailer]:
    """Return a mailer that sends through the sandbox's mail server."""
    return open_mailer(lambda: smtp_of(sandbox), SENDER)


def smtp_of(sandbox: Sandbox) -> smtplib.SMTP:
    """Open a session with the sandbox's mail server."""
    try:
        return smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10)
    except (smtplib.SMTPException, OSError) as error:
        raise translate_connect_error(error) from None


def client_of(sandbox: Sandbox, kind: type[BksbClient] = BksbClient) -> BksbClient:
    """Return a client of a sandbox, of this class, with a short retry budget."""
    return kind(sandbox.url, sandbox.access_key, sandbox.secret_key, budget=IMPATIENT)


def fields_of(dsn: str, conn_id: str, extra: dict[str, Any] | None = None) -> ConnectionFields:
    """Return the connection fields for a libpq URI."""
    parts = urlsplit(dsn)
    return ConnectionFields(
        conn_id=conn_id,
        host=parts.hostname,
        port=parts.port,
        login=parts.username,
        password=parts.password,
        database=parts.path.lstrip("/"),
        extra=extra or {},
    )


def query(fields: ConnectionFields, statement: str, *parameters: object) -> list[Any]:
    """Return the rows of a statement, read without the project's own code."""
    with (
        psycopg2.connect(
            host=fields.host,
            port=fields.port,
            user=fields.login,
            password=fields.password,
            dbname=fields.database,
            cursor_factory=psycopg2.extras.NamedTupleCursor,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def repository() -> Path:
    """The folder of this checkout."""
    return Path(__file__).resolve().parents[1]
