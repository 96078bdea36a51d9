"""Turns the errors of `requests` into ours. Their own messages hold URLs with usernames, so none is passed on."""

from __future__ import annotations

import socket
from http.client import RemoteDisconnected

import requests
from requests import exceptions
from urllib3.exceptions import NameResolutionError

from bksb.addresses import EITHER_ROOT
from bksb.errors import (
    ApiTimeoutError,
    BksbSyncError,
    ConfigurationError,
    ProxyError,
    TlsError,
    TransientError,
    UnreachableError,
)

NO_ADDRESS = f"The API URL of the bksb connection is not a web address: it should look like {EITHER_ROOT}."


def translate_request_error(error: requests.RequestException) -> BksbSyncError:
    """Return the error to raise (`from None`) for a request without a response."""
    # order matters: SSLError, ProxyError and ConnectTimeout are ConnectionErrors, and InvalidProxyURL is an InvalidURL
    if isinstance(error, exceptions.SSLError):
        return TlsError(_no_answer_text("the TLS certificate or handshake failed"))
    if isinstance(error, (exceptions.ProxyError, exceptions.InvalidProxyURL)):
        return ProxyError(_no_answer_text("the proxy failed"))
    if isinstance(error, (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema)):
        return ConfigurationError(NO_ADDRESS)
    if isinstance(error, exceptions.ConnectTimeout):
        return ApiTimeoutError(_no_answer_text("connecting took too long"))
    if isinstance(error, exceptions.Timeout) or _is_caused_by(error, TimeoutError):
        return ApiTimeoutError(_no_answer_text("no answer in time"))
    if _is_caused_by(error, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, RemoteDisconnected):
        return TransientError(_no_answer_text("the connection broke off"))
    if isinstance(error, exceptions.ConnectionError):
        if _is_caused_by(error, NameResolutionError, socket.gaierror):
            return UnreachableError(_no_answer_text("its host name cannot be resolved: is the API URL right?"))
        if _is_caused_by(error, ConnectionRefusedError):
            return UnreachableError(_no_answer_text("nothing listens there: is the API URL right?"))
        return UnreachableError(_no_answer_text("no connection: is the API URL right, and reachable from here?"))
    if isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        return TransientError(_no_answer_text("the answer broke off"))
    return TransientError(_no_answer_text(type(error).__name__))


def _no_answer_text(cause: str) -> str:
    return f"bksb did not answer ({cause})."


def _is_caused_by(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Return whether one of `kinds` caused the error. urllib3 keeps it as cause, context, `reason` or argument."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or one in seen:
            continue
        if isinstance(one, kinds):
            return True
        seen.append(one)
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return False
