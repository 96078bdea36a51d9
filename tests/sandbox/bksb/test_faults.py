"""Every fault of the pretend bksb over real HTTP, and the switches for it."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour, BehaviourError
from sandbox.bksb.faults.bodies import IMPOSSIBLE_DATES, UNKNOWN_COURSE, UNKNOWN_RESULT
from sandbox.bksb.faults.catalogue import KINDS, Fault, FaultError
from sandbox.bksb.site import User
from sandbox.server import Sandbox
from sandbox.world.results import UNFINISHED
from tests.conftest import repository
from tests.sandbox.calls import Api

RESULTS = "InitialAssessmentResults"
SIZE = 20


@dataclass
class Site:
    """A sandbox with one fault on, and people to ask about."""

    sandbox: Sandbox
    api: Api

    def person(self, kind: str) -> User:
        stored = self.sandbox.world.person(self.sandbox.world.people_of(kind)[0]).bksb_username
        user = self.sandbox.site.find(stored or "")
        assert user is not None
        return user

    @property
    def busy(self) -> User:
        """Somebody with 230 results of each sort."""
        return self.person("very_many_results")

    def truth(self, user: User | None = None) -> list[int]:
        return [one.session_id for one in self.sandbox.site.results((user or self.busy).user_id, "initial")]

    def user_id(self) -> requests.Response:
        return self.api.get("users/user/getUserId", username=self.busy.username)

    def page(self, number: int = 1, user: User | None = None, source: str = "initial") -> requests.Response:
        user_id = (user or self.busy).user_id
        return self.api.get(f"results/{source}Assessment/{user_id}/all", page=number, recordsPerPage=SIZE)

    def rows(self, number: int = 1) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.page(number).json()[RESULTS]
        return rows

    def sessions(self, number: int = 1) -> list[int]:
        return [row["SessionId"] for row in self.rows(number)]

    def total(self, number: int = 1) -> Any:
        return self.page(number).json()["Pagination"].get("TotalRecords")

    def v5_sessions(self) -> Any:
        user = self.person("no_results")
        if not self.sandbox.site.results(user.user_id, "v5"):
            self.sandbox.site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00.5", "2026-11-22T10:00:00.5")
            self.sandbox.site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00.5", UNFINISHED)
        path = "assessmentSessions/getAssessmentSessionsForCourseV5"
        return self.api.get(path, courseSubject="ENG_NEW", userId=user.user_id).json()


@pytest.fixture
def site(sandbox: Sandbox, api: Api) -> Site:
    return Site(sandbox, api)


# Each kind


def is_refused(status: int) -> Callable[[Site], None]:
    def check(site: Site) -> None:
        for told in (site.user_id(), site.page(), site.api.create_user()):
            assert told.status_code == status
        assert site.sandbox.site.find("new.learner") is None

    return check


def is_answered(body: bytes, content_type: str | None) -> Callable[[Site], None]:
    def check(site: Site) -> None:
        for told in (site.user_id(), site.page(), site.api.create_user()):
            assert (told.status_code, told.headers.get("Content-Type")) == (200, content_type)
            assert body in told.content and bool(body) == bool(told.content)
        assert site.sandbox.site.find("new.learner") is None

    return check


JSON = "application/json; charset=utf-8"


def too_many_calls(site: Site) -> None:
    told = site.user_id()
    assert (told.status_code, "Retry-After" in told.headers) == (429, False)


def too_many_calls_in_seconds(site: Site) -> None:
    told = site.user_id()
    assert (told.status_code, told.headers["Retry-After"]) == (429, "2")


def too_many_calls_as_a_date(site: Site) -> None:
    asked_at = datetime.now(UTC)
    told = site.user_id()
    assert (told.status_code, told.headers["Retry-After"][-4:]) == (429, " GMT")
    assert 2 <= (parsedate_to_datetime(told.headers["Retry-After"]) - asked_at).total_seconds() < 10


def unavailable(site: Site) -> None:
    told = site.user_id()
    assert (told.status_code, told.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


def redirected(site: Site) -> None:
    path = f"{site.api.url}/api/users/user/getUserId?username=x"
    told = site.api.session.get(path, allow_redirects=False, timeout=10)
    assert (told.status_code, told.headers["Location"]) == (302, "/bksbLive2/Login.aspx")


def reset(site: Site) -> None:
    for call in (site.user_id, site.page, site.api.create_user):
        with pytest.raises(requests.ConnectionError, match="reset"):
            call()
    assert site.sandbox.site.find("new.learner") is None


def merged(site: Site) -> None:
    assert "not found" in site.user_id().json()
    assert site.api.get("users/isUsernameExists", username=site.busy.username).json() is False
    assert site.page().status_code == 200


def slow(site: Site) -> None:
    assert site.user_id().json() == site.busy.user_id


def lost_creation(site: Site) -> None:
    with pytest.raises(requests.ConnectionError):
        site.api.create_user()
    assert site.sandbox.site.find("new.learner") is not None


def failed_creation(site: Site) -> None:
    assert site.api.create_user().status_code == 500
    assert site.sandbox.site.find("new.learner") is not None
    assert "already exists" in site.api.create_user().json(), "a refusal made nobody, and so loses no answer"


def capped(site: Site) -> None:
    assert site.sessions() == site.truth()[:5]
    assert site.sessions(2) == site.truth()[5:10]
    assert site.page().json()["Pagination"] == {"CurrentPage": 1, "TotalRecords": 230, "RecordsPerPage": SIZE}


def shifting(site: Site) -> None:
    before, first = site.truth(), site.sessions()
    second = site.sessions(2)
    assert (first, second[0]) == (before[:SIZE], first[-1])
    assert site.truth()[1:] == before, "the new result is a real one, and the newest"
    assert site.sessions(2) == second, "asking again for page 2 shifts nothing further"
    only = site.person("one_result")
    assert site.page(2, only).json().get(RESULTS, []) == []
    assert len(site.truth(only)) == 1


def changing(site: Site) -> None:
    assert [site.total(number) for number in (1, 2, 3)] == [230, 231, 232]


def too_high(site: Site) -> None:
    assert site.total() == 233


def too_low(site: Site) -> None:
    assert site.total() == 115


def total_missing(site: Site) -> None:
    assert site.page().json()["Pagination"] == {"CurrentPage": 1, "RecordsPerPage": SIZE}


def pagination_missing(site: Site) -> None:
    assert list(site.page().json()) == [RESULTS]


def endless_same(site: Site) -> None:
    assert site.sessions(1) == site.sessions(2) == site.sessions(999) == site.truth()[:SIZE]
    only = site.person("one_result")
    assert [row["SessionId"] for row in site.page(7, only).json()[RESULTS]] == site.truth(only) * SIZE


def endless_new(site: Site) -> None:
    read = [session for number in range(1, 15) for session in site.sessions(number)]
    assert len(set(read)) == len(read) == 14 * SIZE
    assert read[:230] == site.truth()
    assert site.sessions(999) == site.sessions(999)
    assert len(site.page(1, site.person("no_results")).json()[RESULTS]) == SIZE


def out_of_range(status: int) -> Callable[[Site], None]:
    def check(site: Site) -> None:
        assert [site.page(number).status_code for number in (1, 12, 13, 99)] == [200, 200, status, status]

    return check


def last_page_again(site: Site) -> None:
    assert site.sessions(13) == site.sessions(12) == site.truth()[220:]


def list_missing(site: Site) -> None:
    assert list(site.page().json()) == ["Pagination"]
    assert list(site.api.get("userGroups/search").json()) == ["Pagination"]


def list_renamed(site: Site) -> None:
    assert [row["SessionId"] for row in site.page().json()["Results"]] == site.truth()[:SIZE]


def wrong_types(site: Site) -> None:
    kinds = {type(value) for row in site.rows() for value in row.values()}
    assert kinds == {list, dict, bool, float, type(None)}
    assert site.user_id().json() == [site.busy.user_id]
    assert isinstance(site.api.create_user().json()["UserId"], list)


def unknown_result(site: Site) -> None:
    assert {row["Result"] for row in site.rows()} == {UNKNOWN_RESULT}


def unknown_subject(site: Site) -> None:
    for row in site.rows():
        assert (row["CourseSubject"], row["AssessmentID"]) == (UNKNOWN_COURSE, 99999)
        assert not re.search("English|Maths|ICT", json.dumps(row))


def unknown_fields(site: Site) -> None:
    body = site.page().json()
    for told in (body, body["Pagination"], body[RESULTS][0], site.api.create_user().json()):
        assert told["Überraschung"] == [{"Nested": [1, None, "x"]}]


def numbers_as_strings(site: Site) -> None:
    assert site.user_id().json() == str(site.busy.user_id)
    assert site.page().json()["Pagination"] == {"CurrentPage": "1", "TotalRecords": "230", "RecordsPerPage": "20"}
    assert [row["SessionId"] for row in site.rows()] == [str(one) for one in site.truth()[:SIZE]]
    created = site.api.create_user().json()
    assert (created["UserId"].isdecimal(), created["IsActive"]) == (True, True)


def dates_like(pattern: str) -> Callable[[Site], None]:
    def check(site: Site) -> None:
        v5 = site.v5_sessions()
        dates = [row["ResultDate"] for row in site.rows()] + [one["DateStarted"] for one in v5]
        assert all(re.fullmatch(pattern, one) for one in dates)
        assert UNFINISHED in [one["DateCompleted"] for one in v5], "what is not finished is still not finished"
        site.sandbox.site.faults.clear()
        assert [one[:19] for one in dates[:SIZE]] == [row["ResultDate"][:19] for row in site.rows()]

    return check


def impossible_dates(site: Site) -> None:
    assert {row["ResultDate"] for row in site.rows()} == set(IMPOSSIBLE_DATES)


def broken_off(site: Site) -> None:
    for call in (site.user_id, site.page):
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            call()
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        site.api.create_user()
    assert site.sandbox.site.find("new.learner") is not None


def broken_chunk(site: Site) -> None:
    path = f"{site.api.url}/api/results/initialAssessment/{site.busy.user_id}/all"
    with site.api.session.get(path, stream=True, timeout=10) as told:
        assert (told.headers["Transfer-Encoding"], "Content-Length" in told.headers) == ("chunked", False)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = told.content


def cut(site: Site) -> None:
    told = site.page()
    assert (told.status_code, int(told.headers["Content-Length"])) == (200, len(told.content))
    with pytest.raises(requests.exceptions.JSONDecodeError):
        told.json()
    assert site.user_id().json() == site.busy.user_id, "half a number would be a number"


PLAYED: dict[str, Callable[[Site], None]] = {
    **{status: is_refused(int(status)) for status in ("400", "401", "403", "404", "408", "500")},
    "429": too_many_calls,
    "429_seconds": too_many_calls_in_seconds,
    "429_date": too_many_calls_as_a_date,
    "503": unavailable,
    "redirect": redirected,
    "html": is_answered(b"<html>", "text/html; charset=utf-8"),
    "json_string": is_answered(b'"An error has occurred."', JSON),
    "null": is_answered(b"null", JSON),
    "empty": is_answered(b"", None),
    "reset": reset,
    "merged_username": merged,
    "slow": slow,
    "create_then_timeout": lost_creation,
    "create_then_500": failed_creation,
    "capped_page": capped,
    "shifting_pages": shifting,
    "changing_total": changing,
    "total_too_high": too_high,
    "total_too_low": too_low,
    "total_missing": total_missing,
    "pagination_missing": pagination_missing,
    "endless_same": endless_same,
    "endless_new": endless_new,
    "out_of_range_400": out_of_range(400),
    "out_of_range_404": out_of_range(404),
    "repeated_last_page": last_page_again,
    "missing_list": list_missing,
    "renamed_list": list_renamed,
    "wrong_types": wrong_types,
    "unknown_result": unknown_result,
    "unknown_subject": unknown_subject,
    "unknown_fields": unknown_fields,
    "numbers_as_strings": numbers_as_strings,
    "dates_0_digits": dates_like(r"[^.]{19}"),
    "dates_3_digits": dates_like(r"[^.]{19}\.\d{3}"),
    "dates_7_digits": dates_like(r"[^.]{19}\.\d{7}"),
    "dates_z": dates_like(r"[^.]{19}(\.\d+)?Z"),
    "dates_impossible": impossible_dates,
    "truncated": broken_off,
    "truncated_chunk": broken_chunk,
    "cut_json": cut,
}
WITHOUT_LONG_WAITS: dict[str, dict[str, float]] = {"slow": {"seconds": 0.05}, "create_then_timeout": {"seconds": 0.05}}


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_does_what_it_says_and_no_more_once_it_is_off(site: Site, kind: str) -> None:
    well = site.user_id().json(), site.rows(3)
    site.sandbox.site.faults.add(Fault(kind, **WITHOUT_LONG_WAITS.get(kind, {})))
    PLAYED[kind](site)
    site.sandbox.site.faults.clear()
    if kind != "shifting_pages":
        assert (site.user_id().json(), site.rows(3)) == well
    assert site.api.create_user(Username="afterwards").json()["Username"] == "afterwards"


def test_each_fault_is_explained_in_the_documentation() -> None:
    told = (repository() / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert set(PLAYED) == set(KINDS)
    for kind, known in KINDS.items():
        assert f"| `{kind}` | {known.plays} |" in told
    for name, switch in Behaviour.__dataclass_fields__.items():
        assert f"| `{name}` | {switch.metadata['says']} |" in told


# When


def statuses(site: Site, count: int) -> list[int]:
    return [site.user_id().status_code for _ in range(count)]


def test_a_fault_can_be_kept_to_some_calls(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("500", calls=("getUserId", "createUser")))
    assert (site.user_id().status_code, site.page().status_code) == (500, 200)
    assert site.api.create_user().status_code == 500


@pytest.mark.parametrize("by", ["id", "id as text", "username", "username in upper case"])
def test_a_fault_can_be_kept_to_one_person_whatever_the_call_names_them_by(site: Site, by: str) -> None:
    user = site.busy
    meant: dict[str, int | str] = {
        "id": user.user_id,
        "id as text": str(user.user_id),
        "username": user.username,
        "username in upper case": user.username.upper(),
    }
    site.sandbox.site.faults.add(Fault("500", user=meant[by]))
    assert (site.user_id().status_code, site.page().status_code) == (500, 500)
    path = "assessmentSessions/getAssessmentSessionsForCourseV5"
    assert site.api.get(path, courseSubject="ENG_NEW", userId=user.user_id).status_code == 500
    other = site.person("one_result")
    assert site.page(user=other).status_code == 200
    assert site.api.get("users/user/getUserId", username=other.username).status_code == 200
    assert site.api.get("userGroups/search").status_code == 200


def test_a_creation_can_be_spoilt_for_one_username(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("create_then_500", user="Ill.Fated"))
    assert site.api.create_user(Username="ill.fated").status_code == 500
    assert site.api.create_user(Username="lucky").status_code == 200


def test_a_fault_lasts_as_many_answers_as_it_is_told_to(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("500", times=2))
    assert statuses(site, 4) == [500, 500, 200, 200]
    assert site.sandbox.site.faults.active() == ()
    assert site.sandbox.site.faults.played() == {"500": 2}
    assert site.sandbox.site.faults.is_idle


def test_times_are_kept_when_many_call_at_once(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("500", times=5))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: site.user_id().status_code, range(40)))
    assert seen.count(500) == 5


def test_a_probability_is_kept_and_its_dice_fall_the_same_for_the_same_seed(site: Site) -> None:
    faults = site.sandbox.site.faults

    def thrown(seed: int) -> list[int]:
        faults.clear()
        faults.seed = seed
        faults.add(Fault("500", probability=0.3))
        return statuses(site, 200)

    first = thrown(1)
    assert 35 <= first.count(500) <= 85
    assert thrown(1) == first
    assert thrown(2) != first


def test_the_dice_of_one_person_do_not_depend_on_what_others_do(site: Site) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("500", probability=0.5))
    alone = statuses(site, 30)
    faults.clear()
    faults.add(Fault("500", probability=0.5))
    among_others = []
    for _ in range(30):
        site.page(user=site.person("one_result"))
        among_others += statuses(site, 1)
    assert among_others == alone


def test_a_probability_of_none_and_of_one_are_never_and_always(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("500", probability=0))
    assert set(statuses(site, 20)) == {200}
    site.sandbox.site.faults.add(Fault("500", probability=1))
    assert set(statuses(site, 20)) == {500}


def test_the_pages_of_one_reading_agree_though_the_dice_fall_anew_for_the_next(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("capped_page", probability=0.5, cap=10))
    readings = []
    for _ in range(30):
        lengths = {len(site.sessions(number)) for number in (1, 2, 3)}
        assert len(lengths) == 1
        readings += lengths
    assert set(readings) == {10, SIZE}


def test_a_fault_of_a_listing_that_is_used_up_still_holds_for_the_reading_it_began(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("capped_page", times=1))
    assert [len(site.sessions(number)) for number in (1, 2, 46, 1, 2)] == [5, 5, 5, SIZE, SIZE]
    assert site.sandbox.site.faults.is_idle


def test_a_fault_that_cannot_show_is_not_counted(site: Site) -> None:
    for kind in ("shifting_pages", "changing_total", "capped_page", "dates_7_digits", "unknown_result"):
        site.sandbox.site.faults.add(Fault(kind, times=1))
    assert site.page(user=site.person("no_results")).status_code == 200
    assert site.sandbox.site.faults.played() == {}


def test_faults_add_up(site: Site) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("capped_page"), Fault("total_missing"), Fault("numbers_as_strings"), Fault("renamed_list"))
    body = site.page().json()
    assert ([row["SessionId"] for row in body["Results"]], body["Pagination"]["RecordsPerPage"]) == (
        [str(one) for one in site.truth()[:5]],
        "20",
    )
    assert "TotalRecords" not in body["Pagination"]


def test_one_fault_can_be_switched_off_and_the_others_stay(site: Site) -> None:
    faults = site.sandbox.site.faults
    faults.add(Fault("500"), Fault("404"))
    assert faults.remove(1)
    assert not faults.remove(1)
    assert statuses(site, 1) == [404]
    assert [one.number for one in faults.active()] == [2]


def test_a_wrong_key_is_refused_before_any_fault(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("500", times=1))
    told = requests.get(f"{site.api.url}/api/users/user/getUserId", auth=("wrong", "key"), timeout=10)
    assert told.status_code == 401
    assert site.sandbox.site.faults.played() == {}


def test_a_call_whose_client_has_gone_is_not_in_flight_for_long(site: Site) -> None:
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


def test_a_slow_creation_is_carried_out_though_its_client_has_gone(site: Site) -> None:
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


def test_a_lost_answer_makes_a_patient_client_wait(site: Site) -> None:
    site.sandbox.site.faults.add(Fault("create_then_timeout", seconds=0.3))
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        site.api.create_user()
    assert time.monotonic() - began >= 0.3


# What there is not


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "flood"}, "There is no fault 'flood'. There are: 400, 401,"),
        ({"kind": 500}, "There is no fault 500."),
        ({"kind": "500", "calls": ["getUser"]}, "There is no call 'getUser'. There are: createUser,"),
        ({"kind": "500", "calls": "getUserId"}, "calls is a list of calls"),
        ({"kind": "500", "calls": []}, "calls is a list of calls"),
        ({"kind": "500", "calls": [[]]}, r"There is no call \[\]"),
        (
            {"kind": "capped_page", "calls": ["getUserId"]},
            "capped_page cannot happen in getUserId; it can in: initialA",
        ),
        ({"kind": "500", "user": ""}, "user is a user id or a username"),
        ({"kind": "500", "user": True}, "user is a user id or a username"),
        ({"kind": "500", "probability": 1.1}, "probability is a number from 0 to 1."),
        ({"kind": "500", "probability": "1"}, "probability is a number from 0 to 1."),
        ({"kind": "500", "probability": float("nan")}, "probability is a number from 0 to 1."),
        ({"kind": "500", "times": 0}, "times is a whole number from 1"),
        ({"kind": "500", "times": 1.5}, "times is a whole number from 1"),
        ({"kind": "slow", "seconds": -1}, "seconds is a number from 0 to 86400."),
        ({"kind": "slow", "seconds": True}, "seconds is a number from 0 to 86400."),
        ({"kind": "capped_page", "cap": 0}, "cap is a whole number from 1"),
        ({"kind": "500", "seconds": 1}, "500 takes no seconds; only 429_seconds, 429_date, slow, create_then_timeout"),
        ({"kind": "slow", "cap": 1}, "slow takes no cap; only capped_page do"),
        ({"kind": "500", "often": 1}, "A fault has no 'often'. It has: kind, calls,"),
        ({}, "A fault is a JSON object with a kind"),
        ("500", "A fault is a JSON object with a kind"),
        (None, "A fault is a JSON object with a kind"),
        ([{"kind": "500"}, 7], "A fault is a JSON object with a kind"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_way_out(site: Site, told: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/faults", data=json.dumps(told), timeout=10)
    assert refused.status_code == 400
    assert re.match(message, refused.json()["Message"])
    assert site.sandbox.site.faults.active() == ()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("path", ["faults", "behaviour"])
def test_what_is_no_json_is_refused(site: Site, path: str, body: bytes) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/{path}", data=body, timeout=10)
    assert (refused.status_code, refused.json()["Message"]) == (400, "The body is not JSON.")


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"refusal_status": 500}, "refusal_status is one of 200, 400."),
        ({"not_found_body": "xml"}, "not_found_body is one of json, text, message."),
        ({"not_found_body": []}, "not_found_body is one of json, text, message."),
        ({"page_cap": 0}, "page_cap is a whole number from 1 to 1000."),
        ({"page_cap": True}, "page_cap is a whole number from 1 to 1000."),
        ({"page_cap": "20"}, "page_cap is a whole number from 1 to 1000."),
        ({"leaves_out_empty_lists": True}, "leaves_out_empty_lists is one of sometimes, always, never."),
        ({"mood": "bad"}, "There is no behaviour 'mood'. There are: refusal_status,"),
        ([], "The body is a JSON object of behaviours."),
    ],
)
def test_a_behaviour_that_there_is_not_is_refused(site: Site, switches: object, message: str) -> None:
    refused = requests.post(f"{site.api.url}/_sandbox/behaviour", json=switches, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["Message"].startswith(message)
    assert site.sandbox.site.behaviour == Behaviour()


def test_a_fault_or_behaviour_that_there_is_not_cannot_be_made_in_python_either() -> None:
    with pytest.raises(FaultError):
        Fault("flood")
    with pytest.raises(BehaviourError):
        Behaviour(page_cap=0)


# Switching over HTTP


def test_faults_are_listed_switched_on_and_off_over_http(site: Site) -> None:
    url = f"{site.api.url}/_sandbox/faults"
    assert requests.get(url, timeout=10).json()["kinds"] == {kind: known.plays for kind, known in KINDS.items()}
    one = {"kind": "capped_page", "calls": ["initialAssessment"], "user": site.busy.user_id, "cap": 3}
    assert requests.post(url, json=one, timeout=10).status_code == 200
    assert requests.post(f"{url}?seed=7", json=[{"kind": "500", "times": 1}], timeout=10).json()["seed"] == 7
    assert (statuses(site, 2), len(site.sessions())) == ([500, 200], 3)
    told = requests.get(url, timeout=10).json()
    assert told["faults"] == [{"number": 1, "probability": 1.0, "times": None, "seconds": None, "played": 1, **one}]
    assert told["played"] == {"500": 1, "capped_page": 1}
    assert requests.delete(f"{url}/1", timeout=10).json()["faults"] == []
    assert requests.delete(f"{url}/1", timeout=10).status_code == 404
    assert requests.delete(url, timeout=10).json()["played"] == {}
    assert requests.post(f"{url}?seed=x", json=one, timeout=10).json() == {"Message": "seed is a whole number."}


def test_behaviours_are_read_and_changed_over_http(site: Site) -> None:
    url = f"{site.api.url}/_sandbox/behaviour"
    usual = requests.get(url, timeout=10).json()
    changed = requests.post(url, json={"not_found_body": "text", "not_found_status": 404, "page_cap": 7}, timeout=10)
    assert changed.json() == {**usual, "not_found_body": "text", "not_found_status": 404, "page_cap": 7}
    told = site.api.get("users/user/getUserId", username="x")
    assert (told.status_code, told.text) == (404, "A user with username 'x' not found.")
    assert len(site.rows()) == 7


# Switching on the page


def shown(site: Site, **query: str) -> str:
    told = requests.get(f"{site.api.url}/faults", params=query, timeout=10)
    assert (told.status_code, told.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return told.text


def sent(site: Site, path: str, form: dict[str, Any]) -> requests.Response:
    return requests.post(f"{site.api.url}/faults{path}", data=form, timeout=10)


def test_the_page_lists_every_switch_and_is_linked_from_the_first_page(site: Site) -> None:
    assert 'href="/faults"' in requests.get(site.api.url, timeout=10).text
    page = shown(site)
    for kind in KINDS:
        assert f'href="/faults?kind={kind}#add">{kind}</a>' in page
        assert f"<option>{kind}" in page or f"<option selected>{kind}" in page
    for name in Behaviour.__dataclass_fields__:
        assert f'name="{name}"' in page
    assert "Nothing: bksb is well." in page
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_a_link_beside_a_fault_chooses_it_in_the_form(site: Site) -> None:
    assert "<option selected>reset" in shown(site, kind="reset")
    assert "<option selected>" in shown(site, kind="<i>"), "the behaviours as they are, and no fault"
    assert "<i>" not in shown(site, kind="<i>")


def test_a_person_switches_faults_on_and_off_on_the_page(site: Site) -> None:
    form = {"kind": "500", "calls": ["getUserId", "createUser"], "user": "", "probability": "", "times": "3"}
    page = sent(site, "", form)
    assert (page.status_code, page.url) == (200, f"{site.api.url}/faults")
    assert "createUser, getUserId; for everybody; 0 of 3 times" in page.text
    (on,) = site.sandbox.site.faults.active()
    assert on.fault == Fault("500", calls=("createUser", "getUserId"), times=3)
    assert statuses(site, 1) == [500]
    assert "1 of 3 times" in shown(site)
    sent(site, "", {"kind": "slow", "user": f" {site.busy.user_id} ", "seconds": "0.5", "probability": "0.25"})
    assert f"every call it can touch; for {site.busy.user_id}; with probability 0.25" in shown(site)
    page = sent(site, "/clear", {"number": "1"})
    assert [one.fault.kind for one in site.sandbox.site.faults.active()] == ["slow"]
    assert "Spoilt so far: 500 once" in page.text
    assert "not on any more" in sent(site, "/clear", {"number": "1"}).text
    sent(site, "/clear", {"number": "all"})
    assert site.sandbox.site.faults.active() == ()


def test_a_person_changes_behaviours_on_the_page(site: Site) -> None:
    form = {"refusal_status": "400", "not_found_status": "404", "not_found_body": "message", "page_cap": "9"}
    often = {"leaves_out_empty_lists": "never", "null_for_no_sessions": "always"}
    assert sent(site, "/behaviour", form | often).status_code == 200
    assert site.sandbox.site.behaviour == Behaviour(400, 404, "message", 9, "never", "always")
    assert "<option selected>message" in shown(site)


@pytest.mark.parametrize(
    ("path", "form", "message"),
    [
        ("", {"kind": "flood"}, "There is no fault &#x27;flood&#x27;."),
        ("", {}, "There is no fault &#x27;&#x27;."),
        ("", {"kind": "500", "times": "<b>"}, "times is a whole number, not “&lt;b&gt;”."),
        ("", {"kind": "500", "probability": "often"}, "probability is a number, not “often”."),
        ("", {"kind": "500", "probability": "nan"}, "probability is a number from 0 to 1."),
        ("", {"kind": "slow", "seconds": "1e9"}, "seconds is a number from 0 to 86400."),
        ("", {"kind": "capped_page", "calls": ["createUser"]}, "capped_page cannot happen in createUser"),
        ("/clear", {"number": "²"}, "That fault is not on any more."),
        ("/behaviour", {"page_cap": "many"}, "page_cap is a whole number from 1 to 1000."),
        ("/behaviour", {"mood": "bad"}, "There is no behaviour &#x27;mood&#x27;."),
    ],
)
def test_what_is_wrong_on_the_page_is_said_there_and_changes_nothing(
    site: Site, path: str, form: dict[str, Any], message: str
) -> None:
    refused = sent(site, path, form)
    assert refused.status_code == 400
    assert message in refused.text
    assert "Nothing was changed." in refused.text
    assert (site.sandbox.site.faults.active(), site.sandbox.site.behaviour) == ((), Behaviour())


def test_the_page_keeps_what_was_typed_and_escapes_it(site: Site) -> None:
    refused = sent(site, "", {"kind": "reset", "calls": "getUserId", "user": '"><script>', "times": "x"})
    assert "<option selected>reset" in refused.text
    assert 'value="getUserId" checked' in refused.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in refused.text
    sent(site, "", {"kind": "500", "user": "<script>alert(1)</script>"})
    assert "<script" not in shown(site)
    assert "for &lt;script&gt;" in shown(site)


def test_the_page_is_strict_but_lets_its_own_forms_be_sent(site: Site) -> None:
    headers = requests.get(f"{site.api.url}/faults", timeout=10).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["Cache-Control"] == "no-store"
