"""Ends the log of each failed try with one line that says what to do."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from bksb.addresses import KEYS_PAGE
from bksb.errors import (
    ApiTimeoutError,
    CheckFailedError,
    ConfigurationError,
    DeliveryUnknownError,
    FatalError,
    KeyRefusedError,
    MessageDeferredError,
    MisContractError,
    ProxyError,
    RejectedError,
    TlsError,
    TransientError,
    UnexpectedResponseError,
    UnreachableError,
)

log = logging.getLogger(__name__)

NEXT_STEPS: tuple[tuple[type[BaseException], str], ...] = (
    (
        KeyRefusedError,
        f"in bksb, under {KEYS_PAGE}, check the keys, Status and Permissions. Then clear this task.",
    ),
    (MisContractError, "correct the MIS or its query, as the error above says. Then clear this task."),
    (
        CheckFailedError,
        "look up the check that the error above names in docs/troubleshooting.md, then clear this task.",
    ),
    (
        ConfigurationError,
        "correct the connection, setting, file or parameter that the error above names. Then clear this task.",
    ),
    (FatalError, "report the error above to the maintainers (see the README)."),
    (
        UnreachableError,
        "check the API URL, and that Airflow's machine may reach it (firewall, DNS, proxy). Then clear this task.",
    ),
    (TlsError, "check REQUESTS_CA_BUNDLE of every Airflow process, and the API URL. Then clear this task."),
    (ProxyError, "check HTTPS_PROXY and NO_PROXY of every Airflow process. Then clear this task."),
    (
        ApiTimeoutError,
        "clear this task when bksb is well again. If it keeps failing, check that Airflow may reach the API URL.",
    ),
    (UnexpectedResponseError, "check the API URL. If it is right, wait until bksb is well, then clear this task."),
    (MessageDeferredError, "check the mail server of connection 'smtp_default'. Then clear this task."),
    (DeliveryUnknownError, "check the mail server of connection 'smtp_default'. Then clear this task."),
    (TransientError, "wait until the system that the error above names works again, then clear this task."),
    (RejectedError, "report the error above to the maintainers (see the README): it should not stop a task."),
    (AirflowTaskTimeout, "clear this task. It ran into its time limit, and continues where it stopped."),
)
"""What to do about each kind of error, the most specific kind first."""

UNEXPECTED = "clear this task. If it fails again, report the error above to the maintainers (see the README)."


def find_next_step(error: object) -> str:
    """Return the line to log for a task that failed with `error` and is not tried again."""
    step = next((step for kind, step in NEXT_STEPS if isinstance(error, kind)), UNEXPECTED)
    return f"What to do: {step}"


def log_next_step(context: Any) -> None:
    """Log what to do about a task that has failed: a callback for `on_failure_callback`."""
    _log_last(find_next_step(context.get("exception")))


def log_retry(context: Any) -> None:
    """Log that Airflow tries the task again: a callback for `on_retry_callback`."""
    ti = context["ti"]
    _log_last(
        "What to do: nothing yet. Airflow tries this task again by itself "
        f"(this was try {ti.try_number} of {ti.max_tries + 1})."
    )


def _log_last(line: str) -> None:
    # Airflow runs callbacks inside the log group "Post Execute", which its log page shows folded
    log.info("::endgroup::")
    log.error(line)
