"""Turns Airflow connections into what the jobs work with: clients, settings, and the whole deployment."""

from __future__ import annotations

import os
import smtplib
from contextlib import AbstractContextManager
from functools import cached_property, partial
from typing import Any, cast

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from bksb.airflow.connection_test import OFF, try_connection
from bksb.api.client import BksbClient
from bksb.api.connect import make_client_from
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.errors import ConfigurationError
from bksb.folders import find_mis_query
from bksb.mail.smtp import CONNECTION, Mailer, open_mailer, translate_connect_error
from bksb.mis import Mis
from bksb.settings import Settings, is_enabled, read_settings


class BksbHook(BaseHook):
    """Gives the client and the settings of an Airflow connection of type `bksb`."""

    conn_name_attr = "bksb_conn_id"
    default_conn_name = "bksb"
    conn_type = "bksb"
    hook_name = "bksb"

    def __init__(self, bksb_conn_id: str = default_conn_name, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.bksb_conn_id = bksb_conn_id

    @cached_property
    def fields(self) -> ConnectionFields:
        """The fields of the connection. Raises ConfigurationError if there is no such connection."""
        return connection_fields(self.bksb_conn_id)

    @cached_property
    def settings(self) -> Settings:
        """The site's settings. Raises ConfigurationError, which names a wrong value."""
        return read_settings(self.fields.extra)

    @property
    def integration_enabled(self) -> bool:
        """Whether Integration Enabled is on. Reads no other field, so wrong settings raise no error here."""
        return is_enabled(self.fields.extra)

    def get_conn(self) -> BksbClient:
        """Return a client for one task. Threads may share it."""
        return make_client_from(self.fields)

    def test_connection(self) -> tuple[bool, str]:
        """Make one read-only call to bksb, and return whether it worked and what to correct: Airflow's Test button."""
        try:
            fields = self.fields
        except ConfigurationError as error:
            return False, str(error)
        return try_connection(fields)


def connection_fields(conn_id: str) -> ConnectionFields:
    """Return the fields of an Airflow connection. ConfigurationError says how to add one that is missing."""
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{conn_id.upper()}"
        if variable in os.environ:
            raise ConfigurationError(
                f"{variable} is set, but Airflow cannot read it: correct its JSON (see docs/connections.md)."
            ) from None
        raise ConfigurationError(
            f"There is no Airflow connection '{conn_id}': add it under Admin > Connections, or set {variable} "
            "(see docs/connections.md)."
        ) from None
    extra = connection.extra_dejson
    return ConnectionFields(
        conn_id=conn_id,
        host=connection.host or None,
        port=connection.port,
        login=connection.login or None,
        password=connection.password or None,
        database=connection.schema or None,
        extra=extra if isinstance(extra, dict) else {},
    )


def open_deployment(hook: BksbHook | None = None) -> Deployment:
    """Return the deployment that the four connections describe. Opens no connection yet."""
    hook = hook or BksbHook()
    return Deployment(
        settings=hook.settings,
        mis=Mis(connection_fields("mis"), find_mis_query(), applicant_months=hook.settings.applicant_months),
        reporting=connection_fields("reporting"),
        make_client=hook.get_conn,
        open_mailer=open_airflow_mailer,
    )


def require_enabled_hook(conn_id: str = BksbHook.default_conn_name) -> BksbHook:
    """Return the hook for a command that calls bksb. ConfigurationError while Integration Enabled is off."""
    hook = BksbHook(conn_id)
    if not hook.integration_enabled:
        raise ConfigurationError(OFF)
    return hook


def open_enabled_deployment() -> Deployment:
    """Return the deployment for a command that calls bksb. ConfigurationError while Integration Enabled is off."""
    return open_deployment(require_enabled_hook())


def open_airflow_mailer(conn_id: str = CONNECTION) -> AbstractContextManager[Mailer]:
    """Open a Mailer with the server, encryption and log-in of Airflow's SMTP connection.

    ConfigurationError if the connection is missing, or has no host or no sender.
    """
    fields = connection_fields(conn_id)
    fields.required("host", "host (of the mail server)")
    sender = fields.extra.get("from_email")
    if not isinstance(sender, str) or not sender.strip():
        raise ConfigurationError(
            f"The Airflow connection '{conn_id}' names no sender: fill in From email (extra from_email)."
        )
    return open_mailer(partial(_open_smtp_session, conn_id), sender.strip())


def _open_smtp_session(conn_id: str) -> smtplib.SMTP:
    """Return an encrypted session that is logged in, opened by Airflow's hook.

    The hook does not send: it repeats a message after any error, and a message must never be sent twice.
    """
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    hook = SmtpHook(conn_id)
    try:
        return cast(smtplib.SMTP, hook.get_conn()._smtp_client)
    except Exception as error:
        if hook._smtp_client is not None:
            hook._smtp_client.close()
        raise translate_connect_error(error) from None
