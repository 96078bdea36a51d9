"""From Airflow connections to the things the jobs work with."""

from __future__ import annotations

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
    """The Airflow connection of type `bksb`: its client and its settings."""

    conn_name_attr = "bksb_conn_id"
    default_conn_name = "bksb"
    conn_type = "bksb"
    hook_name = "bksb"

    def __init__(self, bksb_conn_id: str = default_conn_name, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.bksb_conn_id = bksb_conn_id

    @cached_property
    def fields(self) -> ConnectionFields:
        """The fields of the connection; ConfigurationError when there is none."""
        return connection_fields(self.bksb_conn_id)

    @cached_property
    def settings(self) -> Settings:
        """What the site has chosen; ConfigurationError names a wrong value."""
        return read_settings(self.fields.extra)

    @property
    def integration_enabled(self) -> bool:
        """Integration Enabled alone: while it is off, no other field is looked at."""
        return is_enabled(self.fields.extra)

    def get_conn(self) -> BksbClient:
        """A client for one task; threads may share it."""
        return make_client_from(self.fields)

    def test_connection(self) -> tuple[bool, str]:
        """What Airflow's Test button says: one read-only call to bksb, and in plain words what to mend where."""
        try:
            fields = self.fields
        except ConfigurationError as error:
            return False, str(error)
        return try_connection(fields)


def connection_fields(conn_id: str) -> ConnectionFields:
    """The fields of any Airflow connection; ConfigurationError says how to make one that is missing."""
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(
            f"There is no Airflow connection '{conn_id}': add it under Admin > Connections, or set "
            f"AIRFLOW_CONN_{conn_id.upper()} (README, Connections)."
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
    """The deployment that the connections `bksb`, `mis`, `reporting` and `smtp_default` describe; makes no call yet."""
    hook = hook or BksbHook()
    return Deployment(
        settings=hook.settings,
        mis=Mis(connection_fields("mis"), find_mis_query(), applicant_months=hook.settings.applicant_months),
        reporting=connection_fields("reporting"),
        make_client=hook.get_conn,
        open_mailer=open_airflow_mailer,
    )


def require_enabled_hook(conn_id: str = BksbHook.default_conn_name) -> BksbHook:
    """The hook, for a command that calls bksb; ConfigurationError while Integration Enabled is off."""
    hook = BksbHook(conn_id)
    if not hook.integration_enabled:
        raise ConfigurationError(OFF)
    return hook


def open_enabled_deployment() -> Deployment:
    """The deployment, for a command that calls bksb; ConfigurationError while Integration Enabled is off."""
    return open_deployment(require_enabled_hook())


def open_airflow_mailer(conn_id: str = CONNECTION) -> AbstractContextManager[Mailer]:
    """A Mailer over Airflow's SMTP connection, which says where the server is, how to encrypt and how to log in.

    ConfigurationError when the connection is missing, or names no host or no sender.
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
    """An encrypted and logged-in session, opened by Airflow's hook: of its sending, which repeats a message after any
    error, nothing is used."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    hook = SmtpHook(conn_id)
    try:
        return cast(smtplib.SMTP, hook.get_conn()._smtp_client)
    except Exception as error:
        if hook._smtp_client is not None:
            hook._smtp_client.close()
        raise translate_connect_error(error) from None
