"""What the Test button of a bksb connection does and says: one read-only call, and plain words for what came of it."""

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
    "Integration Enabled is off, so bksb was not called. While it is off, both DAGs end as skipped. "
    "Switch it on and test again."
)

WRONG_ADDRESS = (
    "Something answers at the API URL, but not like bksb's API. The API URL should be the API's root, "
    f"{EITHER_ROOT}: not your own site's address, and nothing after the name but /api. "
    "If it is right, bksb may be showing a maintenance page: test again in some minutes."
)

REMEDIES: tuple[tuple[type[BksbSyncError], str], ...] = (
    (
        UnreachableError,
        f"Compare the API URL with {EITHER_ROOT}, and check that Airflow's machine may reach it: "
        "firewall, DNS, or HTTPS_PROXY where a proxy is the only way out.",
    ),
    (
        TlsError,
        "If your network inspects encrypted traffic, point REQUESTS_CA_BUNDLE to the file of your own certificate "
        "authority, for every Airflow process; else check that the API URL is right and begins with https only "
        "where the server speaks it.",
    ),
    (
        ProxyError,
        "Check HTTPS_PROXY (and HTTP_PROXY, NO_PROXY) in the environment of every Airflow process: "
        "the proxy does not answer, wants a log-in, or does not let Airflow reach bksb.",
    ),
    (
        ApiTimeoutError,
        "bksb is slow just now, or a firewall swallows the call: test again in some minutes, then check that "
        "Airflow's machine may reach the API URL.",
    ),
    (UnexpectedResponseError, WRONG_ADDRESS),
    (RejectedError, WRONG_ADDRESS),
)

LATER = "Nothing has to be mended for that: test again in some minutes."

KEY_UNKNOWN = (
    "bksb refused the key (HTTP 401): compare API Access Key and API Secret Key with the ones in bksb under "
    f"{KEYS_PAGE}. There, the Status has to be Enabled and every Permission Allow."
)

KEY_NOT_ALLOWED = (
    "bksb refused the key (HTTP 403): it is disabled or lacks a permission. In bksb, under "
    f"{KEYS_PAGE}, set the Status to Enabled and every Permission to Allow."
)

WORKS = "bksb answers and accepts the key."

PATIENCE = (10.0, 20.0)
"""How long a person who pressed a button waits: seconds to connect, and between two bytes of the answer."""


def try_connection(fields: ConnectionFields, *, timeout_seconds: tuple[float, float] = PATIENCE) -> tuple[bool, str]:
    """Whether the DAGs could work with this connection, and a sentence that says so or what to mend and where.

    Makes one GET, for a username that cannot exist, and none while Integration Enabled is off. Nothing in the
    text comes from the connection's secrets or from an answer's body.
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
    remedy = next((words for kind, words in REMEDIES if isinstance(error, kind)), LATER)
    return f"{error} {remedy}"
