"""The Airflow connections of ./run: the caller's own, or those of the embedded databases and the simulated bksb."""

from __future__ import annotations

import json
import os
import sys

from bksb.connection_fields import ConnectionFields
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from dev.services.sandbox_server import SandboxServer

CONNECTIONS = (
    "AIRFLOW_CONN_BKSB",
    "AIRFLOW_CONN_MIS",
    "AIRFLOW_CONN_REPORTING",
    "AIRFLOW_CONN_SMTP_DEFAULT",
)


def has_own_connections() -> bool:
    """Whether the caller has set a connection.

    If so, ./run adds none of its own, because invented people must never reach a real bksb.
    """
    return any(name in os.environ for name in CONNECTIONS)


def announce_sandbox() -> None:
    """Says on stderr that a command uses invented people: a forgotten `export` would otherwise go unnoticed."""
    print("No AIRFLOW_CONN_... variable is exported: using the invented people of this folder.", file=sys.stderr)


def refuse_own_connections(command: str) -> None:
    """Raises RunError if the caller has set a connection."""
    if has_own_connections():
        found = [name for name in CONNECTIONS if name in os.environ]
        raise RunError(
            f"{', '.join(found)} is set. The {command} works with invented people, and these must never reach a real "
            f"bksb, MIS or mail server. To run the {command}: unset {' '.join(found)}. "
            "To use your own systems: ./run airflow …"
        )


def embedded_fields(server: Postgres, conn_id: str, database: str, login: str, password: str) -> ConnectionFields:
    """The fields of a connection to a database of the embedded server, as one of its roles."""
    return ConnectionFields(
        conn_id=conn_id, host=server.host, port=server.port, login=login, password=password, database=database
    )


def reporting_connection(host: str, port: int, role: str, password: str) -> dict[str, object]:
    """The fields of an Airflow connection to the reporting database."""
    return {
        "conn_type": "generic",
        "host": host,
        "port": port,
        "login": role,
        "password": password,
        "schema": "reporting",
    }


def reporting_variable(server: Postgres, clone: Clone, role: str) -> dict[str, str]:
    """The environment variable that defines Airflow's connection to the embedded reporting database."""
    fields = reporting_connection(server.host, server.port, role, clone.secret(role))
    return {"AIRFLOW_CONN_REPORTING": json.dumps(fields)}


def bksb_connection(clone: Clone, sandbox: SandboxServer) -> dict[str, object]:
    """The fields of an Airflow connection to the simulated bksb."""
    return {
        "conn_type": "bksb",
        "host": sandbox.url,
        "login": sandbox.access_key,
        "password": sandbox.secret_key,
        "extra": {
            "password_secret": clone.secret("bksb_password_secret"),
            "auto_enrol": True,
            "site_url": sandbox.url,
            "timezone": "Europe/London",
            "sources": "initial, diagnostic, v5",
            "notify": "skills@college.example",
            # a demo sends e-mail at any hour, and fast
            "mail_hours": "00:00-24:00",
            "mails_a_minute": 6000,
        },
    }


def mis_connection(host: str, port: int, login: str, password: str) -> dict[str, object]:
    """The fields of an Airflow connection to the simulated MIS."""
    return {
        "conn_type": "generic",
        "host": host,
        "port": port,
        "login": login,
        "password": password,
        "schema": "mis",
        "extra": {"sqlalchemy_scheme": "postgresql+psycopg2"},
    }


def smtp_connection(host: str, port: int) -> dict[str, object]:
    """The fields of an Airflow connection to the mail server of the sandbox."""
    return {
        "conn_type": "smtp",
        "host": host,
        "port": port,
        "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "skills@college.example"},
    }


def sandbox_variables(server: Postgres, clone: Clone, sandbox: SandboxServer) -> dict[str, str]:
    """The environment variables that connect Airflow to the sandbox, and that make it ignore a site's own files."""
    connections: dict[str, dict[str, object]] = {
        "AIRFLOW_CONN_BKSB": bksb_connection(clone, sandbox),
        "AIRFLOW_CONN_MIS": mis_connection(server.host, server.port, "mis_reader", clone.secret("mis_reader")),
        "AIRFLOW_CONN_SMTP_DEFAULT": smtp_connection("127.0.0.1", sandbox.smtp_port),
    }
    return {
        **{name: json.dumps(fields) for name, fields in connections.items()},
        **reporting_variable(server, clone, "bksb_writer"),
        "BKSB_CONFIG": str(clone.no_config),
    }
