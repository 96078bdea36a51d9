"""The fields of an Airflow connection, without Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bksb.errors import ConfigurationError


@dataclass(frozen=True)
class ConnectionFields:
    """One Airflow connection; `database` is Airflow's field "schema". Secrets stay out of `repr`."""

    conn_id: str
    host: str | None
    port: int | None
    login: str | None = field(repr=False)
    password: str | None = field(repr=False)
    database: str | None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def required(self, name: str, label: str) -> str:
        """Return the text of a field. ConfigurationError names the field by its label if it is empty."""
        value = getattr(self, name)
        if not value:
            raise ConfigurationError(f"The Airflow connection '{self.conn_id}' has no {label}: fill it in.")
        return str(value)


LIBPQ_EXTRAS = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "connect_timeout",
    "keepalives_idle",
    "application_name",
)
"""Extras of a PostgreSQL connection that are passed to libpq under the same name."""


def make_libpq_arguments(fields: ConnectionFields) -> dict[str, Any]:
    """Return the keyword arguments for `psycopg2.connect`. The type of the connection does not matter.

    Connecting to a server that does not answer fails after 10 s, unless extra `connect_timeout` says otherwise.
    """
    arguments: dict[str, Any] = {
        "host": fields.host,
        "port": fields.port,
        "user": fields.login,
        "password": fields.password,
        "dbname": fields.required("database", "database name (field Schema)"),
        "connect_timeout": 10,
        "application_name": "bksb sync",
    }
    arguments |= {name: fields.extra[name] for name in LIBPQ_EXTRAS if name in fields.extra}
    return {name: value for name, value in arguments.items() if value is not None}
