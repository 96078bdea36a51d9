"""Responses that break on the connection, over real HTTP."""

from collections.abc import Callable

import pytest
import requests

from tests.sandbox.bksb.faults.faulty_site import FaultySite, check_fault, kinds_of


def broken_off(site: FaultySite) -> None:
    for call in (site.user_id, site.page):
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            call()
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        site.api.create_user()
    assert site.sandbox.site.find("new.learner") is not None


def broken_chunk(site: FaultySite) -> None:
    path = f"{site.api.url}/api/results/initialAssessment/{site.busy.user_id}/all"
    with site.api.session.get(path, stream=True, timeout=10) as response:
        assert (response.headers["Transfer-Encoding"], "Content-Length" in response.headers) == ("chunked", False)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = response.content


def cut(site: FaultySite) -> None:
    response = site.page()
    assert (response.status_code, int(response.headers["Content-Length"])) == (200, len(response.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()
    assert site.user_id().json() == site.busy.user_id, "half a number is still a number, so it is not cut"


CHECKS: dict[str, Callable[[FaultySite], None]] = {
    "truncated": broken_off,
    "truncated_chunk": broken_chunk,
    "cut_json": cut,
}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_fault_on_the_connection_acts_only_while_it_is_on(site: FaultySite, kind: str) -> None:
    check_fault(site, kind, CHECKS[kind])


def test_every_fault_on_the_connection_is_checked() -> None:
    assert set(CHECKS) == kinds_of("wire")
