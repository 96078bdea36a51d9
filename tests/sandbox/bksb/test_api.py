"""The pretend bksb over real HTTP."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.site import User
from sandbox.server import Sandbox
from sandbox.world.population import World
from sandbox.world.results import UNFINISHED, Component
from tests.sandbox.calls import Api

BORN = {
    "DateOfBirth[Year]": "2004",
    "DateOfBirth[Month]": "2",
    "DateOfBirth[Day]": "29",
    "DateOfBirth[Hour]": "0",
    "DateOfBirth[Minute]": "0",
    "DateOfBirth[Second]": "0",
    "DateOfBirth[Millisecond]": "0",
}
LISTS = {
    "initial": ("results/initialAssessment", "InitialAssessmentResults"),
    "diagnostic": ("results/diagnosticAssessment", "DiagnosticAssessmentResults"),
}


def user_of(sandbox: Sandbox, kind: str) -> User:
    person = sandbox.world.person(sandbox.world.people_of(kind)[0])
    user = sandbox.site.find(person.bksb_username or "")
    assert user is not None
    return user


# The key


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
    answer = api.get("users/noSuchCall")
    assert answer.status_code == 404
    assert "Message" in answer.json()


# createUser


def test_a_created_user_is_answered_with_id_and_username_and_can_be_found(sandbox: Sandbox, api: Api) -> None:
    created = api.create_user(Username="O'Mock +1@zoë", **BORN).json()
    assert created["Username"] == "O'Mock +1@zoë"
    user = sandbox.site.user(created["UserId"])
    assert user is not None
    assert (user.first_name, user.last_name, user.email) == (
        "Mockingly",
        "Sample",
        "mockingly@learner.example",
    )
    assert (user.date_of_birth, user.auto_enrol) == (date(2004, 2, 29), True)
    assert sandbox.site.has_password(user.user_id, "a good password")
    assert api.get("users/user/getUserId", username="o'mock +1@ZOË").json() == user.user_id


def test_what_may_be_left_out_of_create_user_is_left_out(sandbox: Sandbox, api: Api) -> None:
    form = {"Username": "bare", "Firstname": "A", "Lastname": "B", "Password": "12345678"}
    created = api.session.post(f"{sandbox.url}/api/users/createUser", data=form, timeout=10).json()
    user = sandbox.site.user(created["UserId"])
    assert user is not None
    assert (user.email, user.date_of_birth, user.auto_enrol) == ("", None, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Username": ""}, "Username is required."),
        ({"Firstname": "  "}, "Firstname is required."),
        ({"Lastname": ""}, "Lastname is required."),
        ({"Password": ""}, "Password is required."),
        ({"Password": "1234567"}, "Password must be at least 8 characters."),
        ({"Username": "u" * 257}, "Username must be 256 characters or fewer."),
        ({"AutoEnrolCourses": "1"}, "AutoEnrolCourses must be true or false."),
        ({**BORN, "DateOfBirth[Year]": "2003"}, "DateOfBirth is not valid."),
        ({**BORN, "DateOfBirth[Hour]": "24"}, "DateOfBirth is not valid."),
        ({"DateOfBirth[Year]": "2003"}, "DateOfBirth is not valid."),
        ({"DateOfBirth": "2003-01-01"}, "DateOfBirth is not valid."),
    ],
)
def test_a_refused_user_is_answered_with_the_reason_as_a_json_string(
    sandbox: Sandbox, api: Api, fields: dict[str, str], reason: str
) -> None:
    before = sandbox.site.users()
    refused = api.create_user(**fields)
    assert (refused.status_code, refused.json()) == (200, reason)
    assert sandbox.site.users() == before


def test_a_username_that_is_taken_is_refused_whatever_its_case(sandbox: Sandbox, api: Api) -> None:
    api.create_user(Username="Taken.Name")
    assert api.create_user(Username="tAKEN.nAME").json() == "A user with username 'tAKEN.nAME' already exists."
    assert api.create_user(Username="u" * 256).json()["Username"] == "u" * 256


def test_of_many_creations_of_one_username_at_once_one_succeeds(sandbox: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: api.create_user(Username="wanted").json(), range(16)))
    assert len([answer for answer in answers if isinstance(answer, dict)]) == 1
    assert len([user for user in sandbox.site.users() if user.username == "wanted"]) == 1


def test_create_user_reads_forms_only(sandbox: Sandbox, api: Api) -> None:
    answer = api.session.post(f"{sandbox.url}/api/users/createUser", json={"Username": "x"}, timeout=10)
    assert answer.status_code == 415


# Looking usernames up


@pytest.mark.parametrize(
    "kind",
    [
        "stored_username",
        "stored_in_other_case",
        "username_with_at",
        "username_with_plus",
        "username_with_apostrophe",
        "username_with_space",
        "username_non_ascii",
    ],
)
def test_every_sort_of_username_is_found_when_percent_encoded(sandbox: Sandbox, api: Api, kind: str) -> None:
    username = sandbox.world.person(sandbox.world.people_of(kind)[0]).bksb_username
    assert api.get("users/isUsernameExists", username=username).json() is True
    assert api.get("users/user/getUserId", username=username).json() == user_of(sandbox, kind).user_id


def test_a_plus_that_is_not_encoded_is_a_space(sandbox: Sandbox, api: Api) -> None:
    sandbox.site.create_user("a+b", "A", "B", "", "12345678")
    assert api.session.get(f"{api.url}/api/users/isUsernameExists?username=a+b", timeout=10).json() is False
    assert api.session.get(f"{api.url}/api/users/isUsernameExists?username=a%2Bb", timeout=10).json() is True


def test_an_unknown_username_does_not_exist_and_has_the_documented_text_for_an_id(api: Api) -> None:
    assert api.get("users/isUsernameExists", username="no body").json() is False
    answer = api.get("users/user/getUserId", username="no body")
    assert (answer.status_code, answer.json()) == (200, "A user with username 'no body' not found.")


@pytest.mark.parametrize("path", ["users/isUsernameExists", "users/user/getUserId"])
def test_a_look_up_without_a_username_is_invalid(api: Api, path: str) -> None:
    assert api.get(path).status_code == 400


def test_an_auto_login_link_names_the_user_and_expires_soon(sandbox: Sandbox, api: Api) -> None:
    user = user_of(sandbox, "username_with_plus")
    answer = api.get(f"users/user/{user.user_id}/getAutoLoginLink").json()
    assert parse_qs(urlsplit(answer["Link"]).query)["username"] == [user.username]
    assert timedelta(0) < datetime.fromisoformat(answer["Expiry"]) - datetime.now() < timedelta(hours=2)  # noqa: DTZ005


# Results


def all_pages(api: Api, user_id: int, source: str, size: int) -> list[dict[str, Any]]:
    path, list_name = LISTS[source]
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        body = api.get(f"{path}/{user_id}/all", page=page, recordsPerPage=size).json()
        assert body["Pagination"]["CurrentPage"] == page
        results = body.get(list_name, [])
        if not results:
            assert len(found) == body["Pagination"]["TotalRecords"]
            return found
        found += results
        page += 1


@pytest.mark.parametrize("source", ["initial", "diagnostic"])
@pytest.mark.parametrize("size", [7, 20, 500])
def test_all_pages_together_are_exactly_the_results(sandbox: Sandbox, api: Api, source: Any, size: int) -> None:
    user_id = user_of(sandbox, "very_many_results").user_id
    truth = sandbox.site.results(user_id, source)
    found = all_pages(api, user_id, source, size)
    assert [
        (one["SessionId"], one["ResultDate"], one["Result"], one["CourseSubject"], one["AssessmentID"]) for one in found
    ] == [(one.session_id, one.completed_raw, one.result, one.course_subject, one.assessment_id) for one in truth]


def test_a_page_holds_20_results_unless_asked_and_100_at_most(sandbox: Sandbox, api: Api) -> None:
    path = f"results/initialAssessment/{user_of(sandbox, 'very_many_results').user_id}/all"
    usual, capped = api.get(path).json(), api.get(path, recordsPerPage=5000).json()
    assert (len(usual["InitialAssessmentResults"]), usual["Pagination"]["RecordsPerPage"]) == (20, 20)
    assert (len(capped["InitialAssessmentResults"]), capped["Pagination"]["RecordsPerPage"]) == (100, 100)
    assert capped["Pagination"]["TotalRecords"] == 230


def test_an_empty_list_is_empty_for_some_and_absent_for_others(sandbox: Sandbox, api: Api) -> None:
    bodies = []
    for user in sandbox.site.users()[:2]:
        body = api.get(f"results/initialAssessment/{user.user_id}/all", page=99).json()
        assert body.get("InitialAssessmentResults", []) == []
        bodies.append("InitialAssessmentResults" in body)
    assert set(bodies) == {True, False}


def test_results_carry_fields_that_no_document_names(sandbox: Sandbox, api: Api) -> None:
    user = user_of(sandbox, "one_result")
    (result,) = api.get(f"results/initialAssessment/{user.user_id}/all").json()["InitialAssessmentResults"]
    assert {"AttemptNumber", "ReportUrl"} < set(result)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"page": 0}, 400),
        ({"page": -1}, 400),
        ({"page": "x"}, 400),
        ({"recordsPerPage": 0}, 400),
        ({"page": 10**9}, 200),
    ],
)
def test_pages_start_at_1(sandbox: Sandbox, api: Api, query: dict[str, Any], status: int) -> None:
    user_id = sandbox.site.users()[0].user_id
    assert api.get(f"results/initialAssessment/{user_id}/all", **query).status_code == status


@pytest.mark.parametrize(("user_id", "status"), [("999999", 404), ("-1", 400), ("abc", 400), ("1" * 30, 400)])
def test_results_of_nobody_are_an_error(api: Api, user_id: str, status: int) -> None:
    answer = api.get(f"results/initialAssessment/{user_id}/all")
    assert (answer.status_code, list(answer.json())) == (status, ["Message"])


# V5


def test_v5_sessions_are_listed_by_course_subject_with_their_components(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "very_many_results").user_id
    truth = sandbox.site.results(user_id, "v5")
    listed: list[dict[str, Any]] = []
    for subject in ("ENG_NEW", "MATHS_NEW"):
        sessions = api.get(
            "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject=subject, userId=user_id
        ).json()
        listed += sessions or []
    assert {one["SessionId"] for one in listed} == {one.session_id for one in truth}
    assert {one["AssessmentType"] for one in listed} <= {1, 2}
    for one in truth:
        report = api.get(
            "assessmentSessions/GetEOAReportDataForAssessmentSessionV5",
            sessionId=one.session_id,
            userId=user_id,
        ).json()
        names = [component["CourseComponentName"] for component in report["AssessmentEOAData"]]
        assert names == [component.course_component_name for component in one.components]


def test_an_unfinished_v5_session_is_dated_the_year_one_and_reports_nothing(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    session_id = sandbox.site.add_session(user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", UNFINISHED)
    (session,) = api.get(
        "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject="ENG_NEW", userId=user_id
    ).json()
    assert (session["SessionId"], session["DateCompleted"]) == (session_id, "0001-01-01T00:00:00")
    report = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=session_id, userId=user_id)
    assert report.json() == {"AssessmentEOAData": []}


def test_keys_of_a_component_can_be_missing(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    bare = Component("Reading", "Working at Entry 3", None, None)
    session_id = sandbox.site.add_session(user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", "2026-11-22T10:00:00", (bare,))
    report = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=session_id, userId=user_id)
    assert report.json() == {
        "AssessmentEOAData": [{"CourseComponentName": "Reading", "AbilityMeasurement": "Working at Entry 3"}]
    }


def test_no_v5_sessions_are_an_empty_list_for_some_and_null_for_others(sandbox: Sandbox, api: Api) -> None:
    answers = [
        api.get(
            "assessmentSessions/getAssessmentSessionsForCourseV5", courseSubject="OTHER", userId=user.user_id
        ).json()
        for user in sandbox.site.users()[:2]
    ]
    assert sorted(answers, key=str) == [None, []] or sorted(answers, key=str) == [[], None]


def test_a_v5_session_of_somebody_else_is_not_found(sandbox: Sandbox, api: Api) -> None:
    user_id = user_of(sandbox, "no_results").user_id
    answer = api.get("assessmentSessions/GetEOAReportDataForAssessmentSessionV5", sessionId=1, userId=user_id)
    assert answer.status_code == 404


def test_every_user_is_in_the_group_everyone(api: Api) -> None:
    body = api.get("userGroups/search", page=1, recordsPerPage=20, query="every").json()
    assert [group["Name"] for group in body["UserGroups"]] == ["Everyone"]
    assert api.get("userGroups/search", query="nothing").json()["UserGroups"] == []


# Where the evidence leaves it open


def test_another_behaviour_can_be_chosen(world: World) -> None:
    behaviour = Behaviour(
        refusal_status=400,
        not_found_status=404,
        not_found_body="message",
        page_cap=5,
        leaves_out_empty_lists="never",
        null_for_no_sessions="always",
    )
    with Sandbox(world, behaviour=behaviour) as sandbox, requests.Session() as session:
        session.auth = (sandbox.access_key, sandbox.secret_key)
        api = Api(sandbox.url, session)
        assert api.create_user(Username="").status_code == 400
        unknown = api.get("users/user/getUserId", username="x")
        assert (unknown.status_code, unknown.json()) == (
            404,
            {"Message": "A user with username 'x' not found."},
        )
        user_id = user_of(sandbox, "sixty_results").user_id
        assert len(api.get(f"results/initialAssessment/{user_id}/all").json()["InitialAssessmentResults"]) == 5
        for user in sandbox.site.users()[:2]:
            page = api.get(f"results/initialAssessment/{user.user_id}/all", page=99).json()
            assert page["InitialAssessmentResults"] == []
            sessions = api.get(
                "assessmentSessions/getAssessmentSessionsForCourseV5",
                courseSubject="OTHER",
                userId=user.user_id,
            )
            assert sessions.json() is None


def test_an_unknown_username_can_be_answered_in_plain_text(world: World) -> None:
    with Sandbox(world, behaviour=Behaviour(not_found_body="text", not_found_status=400)) as sandbox:
        answer = requests.get(
            f"{sandbox.url}/api/users/user/getUserId",
            params={"username": "x"},
            auth=(sandbox.access_key, sandbox.secret_key),
            timeout=10,
        )
    assert (answer.status_code, answer.text) == (400, "A user with username 'x' not found.")
    assert answer.headers["Content-Type"].startswith("text/plain")


# The sandbox's own calls


def test_the_state_counts_calls_and_results_and_can_be_reset(sandbox: Sandbox, api: Api) -> None:
    api.create_user()
    api.create_user()
    api.get("users/isUsernameExists", username="x")
    state = requests.get(f"{sandbox.url}/_sandbox/state", timeout=10).json()
    assert state["calls"] == {"createUser": 2, "isUsernameExists": 1}
    assert state["peak_concurrency"] == 1
    assert state["users"] == [{"UserId": one.user_id, "Username": one.username} for one in sandbox.site.users()]
    assert state["results"] == sandbox.site.counts()
    requests.post(f"{sandbox.url}/_sandbox/reset_counters", timeout=10)
    state = requests.get(f"{sandbox.url}/_sandbox/state", timeout=10).json()
    assert (state["calls"], state["peak_concurrency"]) == ({}, 0)


def test_the_truth_about_one_user_can_be_asked_for(sandbox: Sandbox) -> None:
    user_id = user_of(sandbox, "sixty_results").user_id
    truth = requests.get(f"{sandbox.url}/_sandbox/results", params={"user_id": user_id}, timeout=10).json()
    assert truth["initial"] == [asdict(one) for one in sandbox.site.results(user_id, "initial")]
    assert len(truth["diagnostic"]) == 60
    assert [one["session_id"] for one in truth["v5"]] == [one.session_id for one in sandbox.site.results(user_id, "v5")]
    assert requests.get(f"{sandbox.url}/_sandbox/results", params={"user_id": 1}, timeout=10).status_code == 404


def test_32_slow_calls_are_served_at_once(sandbox: Sandbox, api: Api) -> None:
    requests.post(f"{sandbox.url}/_sandbox/latency", params={"seconds": 0.5}, timeout=10)
    together = threading.Barrier(32)

    def call(number: int) -> None:
        together.wait()
        api.get("users/isUsernameExists", username=str(number))

    api.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
    began = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(call, range(32)))
    assert sandbox.site.peak_concurrency == 32
    assert time.monotonic() - began < 8, "one after the other they take 16 s"


def test_a_latency_that_would_block_everything_is_refused(sandbox: Sandbox) -> None:
    for seconds in (-1, 61, "nan"):
        answer = requests.post(f"{sandbox.url}/_sandbox/latency", params={"seconds": seconds}, timeout=10)
        assert answer.status_code == 400
    assert sandbox.site.latency == 0
