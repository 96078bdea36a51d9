"""Ends the log of each failed try with one line that says what to do."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.exceptions import AirflowTaskTimeout

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
    (KeyRefusedError, "check the key in bksb under Admin Options > API Access Keys, then clear this task."),
    (MisContractError, "correct the MIS or its query, as the error above says. Then clear this task."),
    (CheckFailedError, "see Checks in docs/troubleshooting.md, correct the cause, then clear this task."),
    (ConfigurationError, "correct what the error above names, then clear this task or start a new run."),
    (FatalError, "report the error above to the maintainers (see the README)."),
    (UnreachableError, "check the API URL, firewall, DNS and proxy. Then clear this task."),
    (TlsError, "check REQUESTS_CA_BUNDLE and the API URL. Then clear this task."),
    (ProxyError, "check HTTPS_PROXY and NO_PROXY of all Airflow processes. Then clear this task."),
    (ApiTimeoutError, "clear this task later. If it keeps failing, check the API URL, firewall and proxy."),
    (UnexpectedResponseError, "check the API URL. If it is right, clear this task when bksb works again."),
    (MessageDeferredError, "check the mail server of connection 'smtp_default'. Then clear this task."),
    (DeliveryUnknownError, "check the mail server of connection 'smtp_default'. Then clear this task."),
    (TransientError, "clear this task when the system that the error above names works again."),
    (RejectedError, "report the error above to the maintainers (see the README)."),
    (AirflowTaskTimeout, "clear this task. It ran into its time limit, and continues where it stopped."),
)
"""What to do about each kind of error, the most specific kind first. The log page cuts off longer lines."""

UNEXPECTED = "clear this task. If it fails again, report the error above (see the README)."


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
