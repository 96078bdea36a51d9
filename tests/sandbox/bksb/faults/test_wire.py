"""Responses that break on the way, over real HTTP."""

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
    with site.api.session.get(path, stream=True, timeout=10) as told:
        assert (told.headers["Transfer-Encoding"], "Content-Length" in told.headers) == ("chunked", False)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = told.content


def cut(site: FaultySite) -> None:
    told = site.page()
    assert (told.status_code, int(told.headers["Content-Length"])) == (200, len(told.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        told.json()
    assert site.user_id().json() == site.busy.user_id, "half a number would be a number"


CHECKS: dict[str, Callable[[FaultySite], None]] = {
    "truncated": broken_off,
    "truncated_chunk": broken_chunk,
    "cut_json": cut,
}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_fault_on_the_wire_does_what_it_says_and_no_more_once_it_is_off(site: FaultySite, kind: str) -> None:
    check_fault(site, kind, CHECKS[kind])


def test_every_fault_on_the_wire_is_checked() -> None:
    assert set(CHECKS) == kinds_of("wire")
