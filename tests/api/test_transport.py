"""The URLs that calls may go to, and the errors of calls without a response."""

from __future__ import annotations

import pytest
import requests

from bksb.api.client import BksbClient
from bksb.api.request_errors import translate_request_error
from bksb.errors import ApiTimeoutError, ConfigurationError, TransientError, UnreachableError


@pytest.mark.parametrize("url", ["live2api.bksblive2.co.uk", "ftp://bksb", "https://", "https://[::1", "https://x:y"])
def test_an_invalid_url_is_answered_with_an_example(url):
    with pytest.raises(ConfigurationError, match=r"is not a web address: .* https://live2api\.bksblive2\.co\.uk"):
        BksbClient(url, "key", "secret")


@pytest.mark.parametrize("host", ["live2api.bksblive2.co.uk", "192.0.2.1"])
def test_plain_http_is_accepted_for_this_machine_and_its_own_network_only(host):
    with pytest.raises(ConfigurationError, match=r"has to begin with https://\."):
        BksbClient(f"http://{host}", "key", "secret")
    for near in ("127.0.0.1", "bksb", "localhost"):
        BksbClient(f"http://{near}", "key", "secret")


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (requests.exceptions.ConnectTimeout(), ApiTimeoutError, "connecting took too long"),
        (requests.exceptions.ConnectionError(), UnreachableError, "reachable from here"),
        (requests.exceptions.RetryError(), TransientError, "RetryError"),
    ],
)
def test_a_call_without_a_response_raises_the_error_of_its_cause(error, kind, cause):
    told = translate_request_error(error)
    assert type(told) is kind
    assert cause in str(told)
