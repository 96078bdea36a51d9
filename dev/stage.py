"""Sets the stage: databases, invented people in the MIS, reporting tables, and the connections to them."""

from __future__ import annotations

import json
import os

from bksb.connection_fields import ConnectionFields
from bksb.errors import BksbSyncError
from bksb.reporting.migrations import migrate
from dev.services.clone import Clone
from dev.services.databases import prepare_databases
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from dev.services.sandbox_server import SandboxServer
from sandbox.mis import database as mis
from sandbox.world import storage as world

CONNECTIONS = (
    "AIRFLOW_CONN_BKSB",
    "AIRFLOW_CONN_MIS",
    "AIRFLOW_CONN_REPORTING",
    "AIRFLOW_CONN_SMTP_DEFAULT",
)


def refuse_real_connections(command: str) -> None:
    """Raises RunError if this shell points at a real system: invented people must never reach it."""
    found = [name for name in CONNECTIONS if name in os.environ]
    if found:
        raise RunError(
            f"{', '.join(found)} is set. The {command} invents people, and invented people must never reach a real "
            f"bksb, MIS or mail server, so it does not start. For the {command}: unset {' '.join(found)}. "
            "For the real thing: ./run airflow …"
        )


def reporting_fields(server: Postgres, clone: Clone, role: str) -> ConnectionFields:
    """The embedded reporting database, as one of its roles."""
    return ConnectionFields(
        conn_id="reporting",
        host=server.host,
        port=server.port,
        login=role,
        password=clone.secret(role),
        database="reporting",
    )


def migrate_reporting(server: Postgres, clone: Clone) -> None:
    """Brings the embedded reporting database up to date."""
    try:
        migrate(reporting_fields(server, clone, "bksb_owner"), writer="bksb_writer", reader="bksb_reader")
    except BksbSyncError as error:
        raise RunError(str(error)) from None


def prepare_stage(server: Postgres, clone: Clone) -> None:
    """Databases, roles, the MIS with its people, and the reporting tables; what is there already stays."""
    prepare_databases(server, clone)
    mis.fill(server.dsn("mis", "mis_owner", clone.secret("mis_owner")), world.load_or_create(clone.sandbox))
    migrate_reporting(server, clone)


def bksb_connection(clone: Clone, sandbox: SandboxServer) -> dict[str, object]:
    """The fields of an Airflow connection to the pretend bksb."""
    return {
        "conn_type": "bksb",
        "host": sandbox.url,
        "login": sandbox.access_key,
        "password": sandbox.secret_key,
        "extra": {
            "default_password": clone.secret("bksb_default_password"),
            "auto_enrol": True,
            "site_url": sandbox.url,
            "timezone": "Europe/London",
            "sources": "initial, diagnostic, v5",
            "notify": "skills@college.example",
            # a demo mails at any hour, and does not keep anybody waiting
            "mail_hours": "00:00-24:00",
            "mails_a_minute": 6000,
        },
    }


def sandbox_connections(server: Postgres, clone: Clone, sandbox: SandboxServer) -> dict[str, str]:
    """The environment variables that point Airflow's four connections at the sandbox."""
    connections: dict[str, dict[str, object]] = {
        "AIRFLOW_CONN_BKSB": bksb_connection(clone, sandbox),
        "AIRFLOW_CONN_MIS": {
            "conn_type": "generic",
            "host": server.host,
            "port": server.port,
            "login": "mis_reader",
            "password": clone.secret("mis_reader"),
            "schema": "mis",
            "extra": {"sqlalchemy_scheme": "postgresql+psycopg2"},
        },
        "AIRFLOW_CONN_REPORTING": {
            "conn_type": "postgres",
            "host": server.host,
            "port": server.port,
            "login": "bksb_writer",
            "password": clone.secret("bksb_writer"),
            "schema": "reporting",
        },
        "AIRFLOW_CONN_SMTP_DEFAULT": {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": sandbox.smtp_port,
            "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "skills@college.example"},
        },
    }
    return {name: json.dumps(fields) for name, fields in connections.items()}
