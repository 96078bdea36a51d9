"""Faults instead of a response, before it, or after an account is created, over real HTTP."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
import requests

from sandbox.bksb.faults.catalogue import Fault
from tests.sandbox.bksb.faults.faulty_site import JSON, FaultySite, check_fault, kinds_of


def is_refused(status: int) -> Callable[[FaultySite], None]:
    def check(site: FaultySite) -> None:
        for response in (site.user_id(), site.page(), site.api.create_user()):
            assert response.status_code == status
        assert site.sandbox.site.find("new.learner") is None

    return check


def is_ok_with(body: bytes, content_type: str | None) -> Callable[[FaultySite], None]:
    def check(site: FaultySite) -> None:
        for response in (site.user_id(), site.page(), site.api.create_user()):
            assert (response.status_code, response.headers.get("Content-Type")) == (200, content_type)
            assert body in response.content and bool(body) == bool(response.content)
        assert site.sandbox.site.find("new.learner") is None

    return check


def too_many_calls(site: FaultySite) -> None:
    response = site.user_id()
    assert (response.status_code, "Retry-After" in response.headers) == (429, False)


def too_many_calls_in_seconds(site: FaultySite) -> None:
    response = site.user_id()
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")


def too_many_calls_as_a_date(site: FaultySite) -> None:
    asked_at = datetime.now(UTC)
    response = site.user_id()
    assert (response.status_code, response.headers["Retry-After"][-4:]) == (429, " GMT")
    assert 2 <= (parsedate_to_datetime(response.headers["Retry-After"]) - asked_at).total_seconds() < 10


def unavailable(site: FaultySite) -> None:
    response = site.user_id()
    assert (response.status_code, response.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


def redirected(site: FaultySite) -> None:
    path = f"{site.api.url}/api/users/user/getUserId?username=x"
    response = site.api.session.get(path, allow_redirects=False, timeout=10)
    assert (response.status_code, response.headers["Location"]) == (302, "/bksbLive2/Login.aspx")


def reset(site: FaultySite) -> None:
    for call in (site.user_id, site.page, site.api.create_user):
        with pytest.raises(requests.ConnectionError, match="reset"):
            call()
    assert site.sandbox.site.find("new.learner") is None


def merged(site: FaultySite) -> None:
    assert "not found" in site.user_id().json()
    assert site.api.get("users/isUsernameExists", username=site.busy.username).json() is False
    assert site.page().status_code == 200


def slow(site: FaultySite) -> None:
    assert site.user_id().json() == site.busy.user_id


def lost_creation(site: FaultySite) -> None:
    with pytest.raises(requests.ConnectionError):
        site.api.create_user()
    assert site.sandbox.site.find("new.learner") is not None


def failed_creation(site: FaultySite) -> None:
    assert site.api.create_user().status_code == 500
    assert site.sandbox.site.find("new.learner") is not None
    assert "already exists" in site.api.create_user().json(), "a refused creation is not affected"


CHECKS: dict[str, Callable[[FaultySite], None]] = {
    **{status: is_refused(int(status)) for status in ("400", "401", "403", "404", "408", "500")},
    "429": too_many_calls,
    "429_seconds": too_many_calls_in_seconds,
    "429_date": too_many_calls_as_a_date,
    "503": unavailable,
    "redirect": redirected,
    "html": is_ok_with(b"<html>", "text/html; charset=utf-8"),
    "json_string": is_ok_with(b'"An error has occurred."', JSON),
    "null": is_ok_with(b"null", JSON),
    "empty": is_ok_with(b"", None),
    "reset": reset,
    "merged_username": merged,
    "slow": slow,
    "create_then_timeout": lost_creation,
    "create_then_500": failed_creation,
}
WITHOUT_LONG_WAITS: dict[str, dict[str, float]] = {"slow": {"seconds": 0.05}, "create_then_timeout": {"seconds": 0.05}}


@pytest.mark.parametrize("kind", CHECKS)
def test_each_fault_of_a_whole_call_acts_only_while_it_is_on(site: FaultySite, kind: str) -> None:
    check_fault(site, kind, CHECKS[kind], **WITHOUT_LONG_WAITS.get(kind, {}))


def test_every_fault_of_a_whole_call_is_checked() -> None:
    assert set(CHECKS) == kinds_of("instead", "wait", "made")


def test_a_wrong_key_is_refused_before_any_fault(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("500", times=1))
    response = requests.get(f"{site.api.url}/api/users/user/getUserId", auth=("wrong", "key"), timeout=10)
    assert response.status_code == 401
    assert site.sandbox.site.faults.count_played() == {}


def test_a_slow_read_ends_when_its_client_disconnects(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("slow", seconds=600, calls=("getUserId",)))
    path = f"{site.api.url}/api/users/user/getUserId?username=x"
    with pytest.raises(requests.ReadTimeout):
        site.api.session.get(path, timeout=0.2)
    end = time.monotonic() + 10
    while True:
        site.sandbox.site.reset_counters()
        if site.sandbox.site.peak_concurrency == 0:
            break
        assert time.monotonic() < end
    site.sandbox.site.faults.clear()


def test_a_slow_creation_is_carried_out_after_its_client_disconnects(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("slow", seconds=0.6))
    with pytest.raises(requests.ReadTimeout):
        site.api.session.post(
            f"{site.api.url}/api/users/createUser",
            data={"Username": "late", "Firstname": "A", "Lastname": "B", "Password": "a good password"},
            timeout=0.1,
        )
    assert site.sandbox.site.find("late") is None
    end = time.monotonic() + 10
    while site.sandbox.site.find("late") is None:
        assert time.monotonic() < end


def test_a_lost_creation_keeps_the_client_waiting(site: FaultySite) -> None:
    site.sandbox.site.faults.add(Fault("create_then_timeout", seconds=0.3))
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        site.api.create_user()
    assert time.monotonic() - began >= 0.3
