"""Makes a client from the fields of a bksb connection."""

from __future__ import annotations

from urllib.parse import urlsplit

from bksb.api.client import BksbClient
from bksb.api.request_errors import NO_ADDRESS
from bksb.api.transport import RetryBudget
from bksb.connection_fields import ConnectionFields
from bksb.errors import ConfigurationError


def make_client_from(
    fields: ConnectionFields,
    *,
    timeout_seconds: tuple[float, float] = (10.0, 30.0),
    budget: RetryBudget | None = None,
) -> BksbClient:
    """Return a client for a connection. ConfigurationError names a field that is missing or wrong."""
    url, access_key, secret_key = read_access(fields)
    return BksbClient(url, access_key, secret_key, timeout_seconds=timeout_seconds, budget=budget)


def read_access(fields: ConnectionFields) -> tuple[str, str, str]:
    """Return API URL, access key and secret key. ConfigurationError names a field that is missing or wrong."""
    url = fields.required("host", "API URL").strip()
    access_key = fields.required("login", "API Access Key (login)").strip()
    secret_key = fields.required("password", "API Secret Key (password)").strip()
    return _add_port(url, fields.port), access_key, secret_key


def _add_port(url: str, port: int | None) -> str:
    """Return the URL with the Port of the form. See docs/decisions/0010-port-in-the-form.md for why there is one."""
    try:
        parts = urlsplit(url)
        named = parts.port
    except ValueError:
        raise ConfigurationError(NO_ADDRESS) from None
    usual = {"http": 80, "https": 443}.get(parts.scheme.lower())
    if not port or port == (named or usual):
        return url
    if named:
        raise ConfigurationError(f"The API URL names port {named}, but the field Port says {port}: make them the same.")
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
