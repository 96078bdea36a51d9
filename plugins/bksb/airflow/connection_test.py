"""Tests a bksb connection for the Test button: makes one read-only call and explains the result."""

from __future__ import annotations

import uuid

from bksb.addresses import EITHER_ROOT, KEYS_PAGE
from bksb.api.connect import make_client_from
from bksb.api.transport import RetryBudget
from bksb.connection_fields import ConnectionFields
from bksb.errors import (
    ApiTimeoutError,
    BksbSyncError,
    ConfigurationError,
    FatalError,
    KeyRefusedError,
    ProxyError,
    RejectedError,
    TlsError,
    UnexpectedResponseError,
    UnreachableError,
)
from bksb.settings import is_enabled, read_settings

OFF = (
    "Integration Enabled is off, so bksb was not called. While it is off, the tasks of both DAGs are "
    "skipped. Switch it on, then test again."
)

WRONG_ADDRESS = (
    "A server answers at the API URL, but it is not bksb's API. Enter the root of the API: "
    f"{EITHER_ROOT}. Do not enter your own site's address, or anything after the host name except /api. "
    "If the API URL is right, bksb may be showing a maintenance page: test again in a few minutes."
)

ADVICE: tuple[tuple[type[BksbSyncError], str], ...] = (
    (
        UnreachableError,
        f"Compare the API URL with {EITHER_ROOT}. Check that Airflow's machine may reach it: "
        "firewall, DNS, and HTTPS_PROXY if your network needs a proxy.",
    ),
    (
        TlsError,
        "If your network inspects encrypted traffic, point REQUESTS_CA_BUNDLE to the file with your certificate "
        "authority, for every Airflow process. Otherwise check that the API URL is right.",
    ),
    (
        ProxyError,
        "Check HTTPS_PROXY (and HTTP_PROXY, NO_PROXY) in the environment of every Airflow process: "
        "the proxy does not answer, needs a log-in, or does not let Airflow reach bksb.",
    ),
    (
        ApiTimeoutError,
        "bksb is slow at the moment, or a firewall drops the call: test again in a few minutes. If that fails, check "
        "that Airflow's machine may reach the API URL.",
    ),
    (UnexpectedResponseError, WRONG_ADDRESS),
    (RejectedError, WRONG_ADDRESS),
)

LATER = "There is nothing to change: test again in a few minutes."

KEY_UNKNOWN = (
    "bksb refused the key (HTTP 401): compare API Access Key and API Secret Key with the ones in bksb under "
    f"{KEYS_PAGE}. Status has to be Enabled there, and every Permission Allow."
)

KEY_NOT_ALLOWED = (
    "bksb refused the key (HTTP 403): it is disabled or lacks a permission. In bksb, under "
    f"{KEYS_PAGE}, set Status to Enabled and every Permission to Allow."
)

WORKS = "bksb answers and accepts the key."

TIMEOUT_SECONDS = (10.0, 20.0)
"""Limits for the one call: seconds to connect, and between two bytes of the response."""


def try_connection(
    fields: ConnectionFields, *, timeout_seconds: tuple[float, float] = TIMEOUT_SECONDS
) -> tuple[bool, str]:
    """Return whether the DAGs could work with this connection, and a text that says so or what to correct where.

    Makes one GET, for a username that cannot exist, or none while Integration Enabled is off. The text holds nothing
    from the connection's secrets or from a response.
    """
    try:
        if not is_enabled(fields.extra):
            return False, OFF
        settings = read_settings(fields.extra)
        client = make_client_from(fields, timeout_seconds=timeout_seconds, budget=RetryBudget(attempts=1))
        if client.username_exists(f"bksb-sync-test-{uuid.uuid4()}"):
            return False, WRONG_ADDRESS
    except BksbSyncError as error:
        return False, _explain(error)
    try:
        settings.require_initial_password()
    except ConfigurationError as error:
        return True, f"{WORKS} Results can be fetched and accounts linked, but no account can be created yet: {error}"
    return True, WORKS


def _explain(error: BksbSyncError) -> str:
    if isinstance(error, KeyRefusedError):
        return KEY_NOT_ALLOWED if error.status == 403 else KEY_UNKNOWN
    if isinstance(error, FatalError):
        return str(error)
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), LATER)
    return f"{error} {advice}"
