"""Sends one call to bksb and returns the response. Repeats a GET, honours Retry-After, and raises our errors.

Proxies and private certificate authorities work as in any program that uses requests (HTTPS_PROXY, NO_PROXY,
REQUESTS_CA_BUNDLE). No log line or exception holds a URL, a header or a body.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import SplitResult, quote, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from bksb.addresses import KEYS_PAGE
from bksb.api.request_errors import NO_ADDRESS, translate_request_error
from bksb.api.responses import Response
from bksb.errors import ConfigurationError, KeyRefusedError, TransientError

Outcome = TypeVar("Outcome")

CHECK_THE_KEY = (
    f"In bksb, under {KEYS_PAGE}, check that Status is Enabled and every Permission is set to Allow. "
    "Then compare the access key and secret key with the Airflow connection."
)

LONGEST_RETRY_AFTER = 3600
"""Longest wait that a server can ask for, in seconds. Longer waits are cut to this."""

_RETRY_AFTER = Retry(retry_after_max=LONGEST_RETRY_AFTER)


@dataclass(frozen=True)
class RetryBudget:
    """Limits of one call: `attempts` for a GET, and `total_seconds` for all of them together, with the waits."""

    attempts: int = 5
    total_seconds: float = 120.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0


class Throttle:
    """A pause that all threads of one task share. If bksb asks one call to slow down, all calls wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = 0.0

    def hold(self, seconds: float) -> None:
        """Let no call start for `seconds` from now. Does not shorten a pause that is already longer."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + min(seconds, LONGEST_RETRY_AFTER))

    def wait(self, deadline: float) -> None:
        """Return when calls may start again. TransientError at once if that is after `deadline` (monotonic)."""
        while (left := self._not_before - time.monotonic()) > 0:
            if self._not_before > deadline:
                raise TransientError("bksb asked for a pause that is longer than this call may wait.", retry_after=left)
            time.sleep(left)


def clean_api_root(url: str) -> str:
    """Return the root of all calls, ending in `/api/`.

    Accepts the root with or without `/api` and a trailing slash, in any case, with blanks around it. Raises
    ConfigurationError unless it is an https URL. http is accepted only for this machine and its own network (a name
    without a dot), because it would send the key and personal data unencrypted.
    """
    cleaned = url.strip().rstrip("/")
    parts = _split(cleaned)
    if parts is None or parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigurationError(NO_ADDRESS)
    if parts.scheme.lower() == "http" and not _is_near(parts.hostname or ""):
        raise ConfigurationError("The API URL of the bksb connection has to begin with https://.")
    if cleaned.lower().endswith("/api"):
        cleaned = cleaned[: -len("/api")].rstrip("/")
    return cleaned + "/api/"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        return None
    return parts


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


class PreparedSession:
    """The session of one thread, with everything that all calls share prepared once.

    Otherwise requests reads the environment and builds URL and headers for each call, which takes as much processor
    time as the rest of the call.
    """

    def __init__(self, root: str, auth: AuthBase) -> None:
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        self._auth = auth
        self._usual = self._session.prepare_request(requests.Request("GET", root, auth=auth))
        self._root = str(self._usual.url)
        self._settings = self._session.merge_environment_settings(self._root, {}, False, None, None)

    def send(
        self, method: str, rest: str, form: Mapping[str, str] | None, timeout_seconds: tuple[float, float]
    ) -> requests.Response:
        """Send one request. `rest` follows the root in the URL, and has to be quoted already."""
        if form is None:
            request = self._usual.copy()
            request.method, request.url = method, self._root + rest
            if self._session.cookies:
                request.prepare_cookies(self._session.cookies)
        else:
            asked = requests.Request(method, self._root + rest, data=form, auth=self._auth)
            request = self._session.prepare_request(asked)
        return self._session.send(request, timeout=timeout_seconds, allow_redirects=False, **self._settings)


class Transport:
    """Sends the calls of one bksb customer. Threads may share it: each gets its own `requests.Session`."""

    def __init__(
        self, url: str, access_key: str, secret_key: str, timeout_seconds: tuple[float, float], budget: RetryBudget
    ) -> None:
        """`timeout_seconds`: (to connect, between two bytes of the response)."""
        self._root = clean_api_root(url)
        # as bytes, because requests encodes text in Latin-1 and fails on other characters
        self._auth = HTTPBasicAuth(access_key.encode(), secret_key.encode())
        _silence_urllib3()
        self._timeout = timeout_seconds
        self._budget = budget
        self._throttle = Throttle()
        self._local = threading.local()

    def __repr__(self) -> str:
        return f"Transport({urlsplit(self._root).hostname})"

    def get(
        self, call: str, path: str, parameters: Mapping[str, str] | None, read: Callable[[Response], Outcome]
    ) -> Outcome:
        """Send a GET and return what `read` makes of the response.

        Both are repeated while they raise TransientError, with growing waits and jitter.
        """
        deadline = time.monotonic() + self._budget.total_seconds
        attempt = 1
        while True:
            try:
                return read(self._send("GET", call, path, deadline, parameters=parameters))
            except TransientError as error:
                wait = self._wait_before(attempt) if error.retry_after is None else error.retry_after
                if attempt >= self._budget.attempts or time.monotonic() + wait > deadline:
                    raise
                if error.retry_after is None:
                    time.sleep(wait)
                attempt += 1

    def post(self, call: str, path: str, form: Mapping[str, str]) -> Response:
        """Send a POST once. After a TransientError the outcome is in doubt."""
        return self._send("POST", call, path, time.monotonic() + self._budget.total_seconds, form=form)

    def _wait_before(self, attempt: int) -> float:
        longest = min(self._budget.longest_wait_seconds, self._budget.first_wait_seconds * 2 ** (attempt - 1))
        return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides no secret

    def _send(
        self,
        method: str,
        call: str,
        path: str,
        deadline: float,
        *,
        parameters: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request. Raises for no response, a refused key, a redirect, and "try again later"."""
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (parameters or {}).items())
        self._throttle.wait(deadline)
        try:
            response = self._session().send(method, path + (f"?{query}" if query else ""), form, self._timeout)
        except requests.RequestException as error:
            raise translate_request_error(error) from None
        return self._require_usable(call, response)

    def _require_usable(self, call: str, response: requests.Response) -> Response:
        status = response.status_code
        if status in (401, 403):
            raise KeyRefusedError(f"bksb refused the key (HTTP {status}). {CHECK_THE_KEY}", status=status)
        if 300 <= status < 400:
            raise ConfigurationError(
                f"The API URL of the bksb connection redirects to another address (HTTP {status}): enter that address "
                "(often the same with https://), and check that it is not a log-in page of your network."
            )
        if status in (408, 429) or status >= 500:
            retry_after = retry_after_seconds(response.headers.get("Retry-After"))
            if retry_after is not None:
                self._throttle.hold(retry_after)
            raise TransientError(f"bksb asked to try again later (HTTP {status}).", retry_after=retry_after)
        return Response.of(call, response)

    def _session(self) -> PreparedSession:
        session: PreparedSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = PreparedSession(self._root, self._auth)
        return session


def retry_after_seconds(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which may hold seconds or an HTTP date. None if not usable."""
    if header is None:
        return None
    try:
        return float(_RETRY_AFTER.parse_retry_after(header))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _silence_urllib3() -> None:
    """Stop urllib3 from logging paths with queries, which hold usernames, at DEBUG and WARNING."""
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logging.getLogger(name).setLevel(logging.ERROR)
