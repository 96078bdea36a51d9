"""The fields of an Airflow connection as plain data, and what the two databases make of them."""

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
        """The text of a field that has to be there; ConfigurationError names it by its label."""
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
"""Extras of a PostgreSQL connection that are handed to libpq under the same name."""


def make_libpq_arguments(fields: ConnectionFields) -> dict[str, Any]:
    """Keyword arguments for `psycopg2.connect`; a server that is away is noticed after 10 s by default."""
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
