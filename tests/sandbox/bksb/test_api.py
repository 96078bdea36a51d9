"""Access to the calls of the simulated bksb."""

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.calls import Api


@pytest.mark.parametrize(
    "path", ["users/isUsernameExists?username=x", "results/initialAssessment/310001/all", "no/such/call"]
)
def test_a_call_without_the_right_key_is_denied(sandbox: Sandbox, path: str) -> None:
    for keys in (None, ("", ""), (sandbox.access_key, "wrong"), ("wrong", sandbox.secret_key), ("ключ", "x")):
        auth = keys and requests.auth.HTTPBasicAuth(keys[0].encode(), keys[1].encode())
        denied = requests.get(f"{sandbox.url}/api/{path}", auth=auth, timeout=10)
        assert denied.status_code == 401
        assert denied.headers["WWW-Authenticate"].startswith("Basic")
    assert sandbox.site.calls == {"unauthorised": 5}


def test_an_unknown_call_is_not_found(api: Api) -> None:
    response = api.get("users/noSuchCall")
    assert response.status_code == 404
    assert "Message" in response.json()
