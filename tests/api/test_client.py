"""The client over real HTTP, with the sandbox and with scripted responses."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bksb.api.client import V5_SUBJECTS, BksbClient
from bksb.api.parsing import USERNAME_IS_TAKEN, NewUser
from bksb.api.transport import RetryBudget
from bksb.errors import BksbSyncError, ConfigurationError, KeyRefusedError, RejectedError, TransientError
from sandbox.bksb.behaviour import Behaviour
from sandbox.server import Sandbox
from tests.conftest import DEFAULT_PASSWORD, IMPATIENT, client_of

NEW_USER = NewUser(
    username="Unmistakeable 'Zed+1' @ x",
    given_names="Zébédée",
    family_name="O'Unmistakeable",
    email="zebedee@learner.example",
    password=DEFAULT_PASSWORD,
    date_of_birth=date(2009, 2, 28),
    auto_enrol=True,
)


def scripted_client(scripted, **budget) -> BksbClient:
    return BksbClient(scripted.url, "AK", "SK", budget=RetryBudget(**budget) if budget else IMPATIENT)


def page(sessions, total, size=2, name="InitialAssessmentResults"):
    rows = [{"SessionId": n, "Result": "English Level 1", "ResultDate": "2026-11-20T14:03:12"} for n in sessions]
    return json.dumps({name: rows, "Pagination": {"TotalRecords": total, "RecordsPerPage": size}})


def add_result(sandbox, user_id, source="initial"):
    sandbox.site.add_result(user_id, source, "English Level 1", "2026-11-20T14:03:12")


def test_a_created_user_is_found_by_a_username_with_any_characters(client, sandbox):
    created = client.create_user(NEW_USER)
    assert client.find_user_id(NEW_USER.username) == created.user_id
    assert client.find_user_id(NEW_USER.username.upper()) == created.user_id
    kept = sandbox.site.user(created.user_id)
    assert (kept.username, kept.first_name, kept.last_name, kept.email, kept.date_of_birth, kept.auto_enrol) == (
        NEW_USER.username,
        "Zébédée",
        "O'Unmistakeable",
        "zebedee@learner.example",
        date(2009, 2, 28),
        True,
    )


def test_an_unknown_date_of_birth_is_left_out(scripted):
    scripted.answer(200, '{"UserId": 7, "Username": "x"}')
    scripted_client(scripted).create_user(NewUser("x", "A", "B", "a@b.example", DEFAULT_PASSWORD))
    form = parse_qs(scripted.seen[0][2])
    assert not [name for name in form if name.startswith("DateOfBirth")]
    assert form["AutoEnrolCourses"] == ["false"]


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("body", ["json", "text", "message"])
def test_an_unknown_username_is_recognised_in_every_form_of_response(world, status, body):
    with Sandbox(world, behaviour=Behaviour(not_found_status=status, not_found_body=body)) as sandbox:
        assert client_of(sandbox).find_user_id("nobody at all") is None


@pytest.mark.parametrize("body", ["42", '"42"', " 42 "])
def test_a_user_id_may_come_as_number_or_text(scripted, body):
    scripted.answer(200, body)
    assert scripted_client(scripted).find_user_id("x") == 42


@pytest.mark.parametrize("status", [200, 400])
def test_a_refused_creation_names_a_reason_but_not_the_person(world, status):
    with Sandbox(world, behaviour=Behaviour(refusal_status=status)) as sandbox:
        client = client_of(sandbox)
        client.create_user(NEW_USER)
        with pytest.raises(RejectedError, match="the username is taken") as caught:
            client.create_user(NEW_USER)
    assert "Unmistakeable" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("A user with username 'x' already exists.", True),
        ("The user name is already in use", True),
        ("User L1 already exists", True),
        ("This username is taken.", True),
        ("The username is invalid because it contains spaces", False),
        ("Username is too long. Please use a shorter one", False),
        ("Password may not contain the username, please use another one that is not in use", False),
    ],
)
def test_only_a_sentence_about_an_existing_user_means_that_the_username_is_taken(scripted, text, is_taken):
    scripted.answer(400, json.dumps(text))
    with pytest.raises(RejectedError) as caught:
        scripted_client(scripted).create_user(NEW_USER)
    assert (caught.value.reason == USERNAME_IS_TAKEN) == is_taken


def test_every_page_is_read_and_each_session_once(client, sandbox):
    user = client.create_user(NEW_USER)
    for source in ("initial", "diagnostic"):
        for _ in range(250):
            add_result(sandbox, user.user_id, source)
    for read, source in ((client.initial_assessments, "initial"), (client.diagnostic_assessments, "diagnostic")):
        truth = [str(result.session_id) for result in sandbox.site.results(user.user_id, source)]
        assert len(truth) >= 250
        assert sorted(record.session_id for record in read(user.user_id).entries) == sorted(truth)


@pytest.mark.parametrize("cap", [1, 7, 20])
def test_a_server_that_caps_its_pages_loses_nothing(world, cap):
    with Sandbox(world, behaviour=Behaviour(page_cap=cap)) as sandbox:
        client = client_of(sandbox)
        user_id = client.create_user(NEW_USER).user_id
        while len(sandbox.site.results(user_id, "initial")) < 41:
            add_result(sandbox, user_id)
        assert len(client.initial_assessments(user_id).entries) == len(sandbox.site.results(user_id, "initial"))


def test_one_page_that_says_it_is_all_costs_one_call(client, sandbox):
    user_id = client.create_user(NEW_USER).user_id
    add_result(sandbox, user_id)
    sandbox.site.reset_counters()
    client.initial_assessments(user_id)
    assert sum(sandbox.site.calls.values()) == 1


def test_a_listing_with_fewer_entries_than_its_total_is_not_complete(scripted):
    scripted.answer(200, page([2, 1], 9))
    listing = scripted_client(scripted).initial_assessments(1)
    assert [record.session_id for record in listing.entries] == ["2", "1"]
    assert listing.is_complete is False


def test_without_a_total_reading_ends_at_a_page_with_nothing_new(scripted):
    rows = {"InitialAssessmentResults": [{"SessionId": 1}]}
    scripted.answer(200, json.dumps(rows))
    assert len(scripted_client(scripted).initial_assessments(1).entries) == 1
    # the page of repeats may have shifted, so the listing is read again to confirm it
    assert len(scripted.seen) == 4


@pytest.mark.parametrize("body", ['{"Pagination": {"TotalRecords": 0}}', '{"InitialAssessmentResults": null}'])
def test_a_list_that_is_absent_is_empty(scripted, body):
    scripted.answer(200, body)
    assert scripted_client(scripted).initial_assessments(1).entries == []


@pytest.mark.parametrize(
    "body",
    [
        "<html>busy</html>",
        '"try later"',
        "[1, 2]",
        "null",
        '{"InitialAssessmentResults": [{"Result": "x"}]}',
        '{"InitialAssessmentResults": [1',
        "",
        "true",
    ],
)
def test_a_body_that_is_not_a_list_of_results_is_an_error(scripted, body):
    scripted.answer(200, body)
    with pytest.raises(TransientError):
        scripted_client(scripted).initial_assessments(1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once_and_says_where_to_correct_it(scripted, status):
    scripted.answer(status, "Unmistakeable")
    for call in (lambda c: c.find_user_id("x"), lambda c: c.create_user(NEW_USER)):
        with pytest.raises(KeyRefusedError, match="Admin Options > API Access Keys > Configure Access Key"):
            call(scripted_client(scripted))
    assert len(scripted.seen) == 2


def test_a_cookie_that_bksb_sets_comes_back_with_the_next_call(scripted):
    scripted.answer(200, "true", Set_Cookie="affinity=7; Path=/")
    scripted.answer(200, "true")
    client = scripted_client(scripted)
    for _ in range(2):
        assert client.username_exists("x")
    assert [headers.get("Cookie") for headers in scripted.headers] == [None, "affinity=7"]
    assert len({headers["Authorization"] for headers in scripted.headers}) == 1


def test_the_sandbox_refuses_a_wrong_key(sandbox):
    with pytest.raises(KeyRefusedError):
        BksbClient(sandbox.url, sandbox.access_key, "wrong", budget=IMPATIENT).find_user_id("x")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_get_is_repeated_after_a_server_error(scripted, status):
    scripted.answer(status, "busy")
    scripted.answer(200, "42")
    assert scripted_client(scripted).find_user_id("x") == 42
    assert len(scripted.seen) == 2


def test_a_get_fails_when_its_attempts_are_used_up(scripted):
    scripted.answer(503, "busy")
    with pytest.raises(TransientError, match="HTTP 503"):
        scripted_client(scripted, attempts=3, first_wait_seconds=0.01).find_user_id("x")
    assert len(scripted.seen) == 3


@pytest.mark.parametrize("answer", [(500, "oops", {}), (200, '{"UserId": 7, "Userna', {"Content_Length": "999"})])
def test_a_creation_is_never_sent_twice(scripted, answer):
    status, body, headers = answer
    scripted.answer(status, body, **headers)
    with pytest.raises(TransientError):
        scripted_client(scripted).create_user(NEW_USER)
    assert [method for method, _, _ in scripted.seen] == ["POST"]


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_delays_every_call_whether_it_holds_seconds_or_a_date(scripted, as_date):
    wanted = 1.0
    later = datetime.now(UTC) + timedelta(seconds=2)
    scripted.answer(429, "slow down", Retry_After=format_datetime(later, usegmt=True) if as_date else "1")
    scripted.answer(200, "42")
    began = time.monotonic()
    assert scripted_client(scripted, total_seconds=30.0).find_user_id("x") == 42
    assert time.monotonic() - began >= wanted * 0.9


def test_a_wait_longer_than_the_budget_is_left_to_the_next_try_of_the_task(scripted):
    scripted.answer(429, "slow down", Retry_After="3600")
    with pytest.raises(TransientError) as caught:
        scripted_client(scripted).find_user_id("x")
    assert caught.value.retry_after == 3600


def test_a_closed_port_points_to_the_api_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(TransientError, match="is the API URL right"):
        BksbClient(url, "AK", "SK", budget=IMPATIENT).find_user_id("x")


def test_no_error_holds_the_username_the_url_or_the_body(scripted):
    secret = "Unmistakeable"
    for status, body in [(200, f"<p>{secret}"), (400, f'"{secret}"'), (500, secret), (404, f'{{"a": "{secret}"}}')]:
        scripted.answers.clear()
        scripted.answer(status, body)
        for call in (lambda c: c.find_user_id(secret), lambda c: c.create_user(NEW_USER)):
            with pytest.raises(BksbSyncError) as caught:
                call(scripted_client(scripted))
            assert secret not in str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
    assert secret not in repr(NEW_USER) + repr(scripted_client(scripted))


def test_values_that_postgresql_cannot_store_are_removed(scripted):
    row = '{"SessionId": 1, "AssessmentID": 9223372036854775808, "Result": "half \\ud83d pair\\u0000", "Extra": [NaN]}'
    scripted.answer(200, f'{{"InitialAssessmentResults": [{row}], "Pagination": {{"TotalRecords": 1}}}}')
    (record,) = scripted_client(scripted).initial_assessments(1).entries
    assert (record.result, record.assessment_id) == ("half ? pair", None)
    assert json.dumps(record.raw, ensure_ascii=False).encode() and "\0" not in record.raw["Result"]
    assert record.raw["Extra"] == ["NaN"]


@pytest.mark.parametrize(
    "body", ['"404 page not found"', '{"message": "Not Found"}', "Service not found", "0", "-1", "²"]
)
def test_only_bksbs_own_sentence_means_that_a_username_is_unknown(scripted, body):
    scripted.answer(404, body)
    with pytest.raises(TransientError):
        scripted_client(scripted).find_user_id("x")


def test_a_path_that_bksb_does_not_serve_points_to_the_api_url(scripted):
    scripted.answer(404, '{"Message": "No HTTP resource was found that matches the request URI."}')
    with pytest.raises(TransientError, match="check the API URL"):
        scripted_client(scripted).find_user_id("x")


def test_a_redirect_is_not_followed(scripted):
    scripted.answer(302, "", Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(ConfigurationError, match="redirects to another address"):
        scripted_client(scripted).find_user_id("x")
    assert len(scripted.seen) == 1


def test_a_server_that_never_responds_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = BksbClient(
            f"http://127.0.0.1:{listener.getsockname()[1]}",
            "AK",
            "SK",
            timeout_seconds=(1.0, 0.2),
            budget=RetryBudget(attempts=1),
        )
        with pytest.raises(TransientError, match="no answer in time"):
            client.find_user_id("x")


def test_retry_after_in_response_to_a_creation_delays_the_next_one(scripted):
    scripted.answer(429, "slow down", Retry_After="1")
    scripted.answer(200, '{"UserId": 7, "Username": "x"}')
    client = scripted_client(scripted, total_seconds=30.0)
    began = time.monotonic()
    with pytest.raises(TransientError):
        client.create_user(NEW_USER)
    client.create_user(NewUser("x", "A", "B", "a@b.example", DEFAULT_PASSWORD))
    assert time.monotonic() - began >= 0.9


def test_a_pause_longer_than_a_call_may_wait_ends_the_call_at_once(scripted):
    scripted.answer(429, "slow down", Retry_After="600")
    client = scripted_client(scripted)
    for _ in range(3):
        with pytest.raises(TransientError):
            client.find_user_id("x")
    assert len(scripted.seen) == 1


def test_a_created_user_with_another_username_leaves_the_outcome_in_doubt(scripted):
    scripted.answer(200, '{"UserId": 7, "Username": "somebody else"}')
    with pytest.raises(TransientError, match="another username"):
        scripted_client(scripted).create_user(NEW_USER)


@pytest.mark.parametrize("body", ["upstream request timeout", "{}", "null", "[]", '{"Message": "?"}'])
def test_an_unclear_response_to_a_creation_leaves_the_outcome_in_doubt(scripted, body):
    scripted.answer(200, body)
    with pytest.raises(TransientError):
        scripted_client(scripted).create_user(NEW_USER)


def test_a_truncated_response_is_requested_again(scripted):
    scripted.answer(200, '{"InitialAssessmentResults": [{"Sess')
    scripted.answer(200, page([1], 1))
    assert len(scripted_client(scripted).initial_assessments(1).entries) == 1


def test_no_log_of_any_level_holds_a_username(scripted, caplog):
    caplog.set_level(logging.DEBUG)
    scripted.answer(200, "7", **{"Broken_header\x00": "x"})
    scripted.answer(200, "7")
    scripted_client(scripted).find_user_id("Unmistakeable")
    scripted_client(scripted).find_user_id("Unmistakeable")
    assert "Unmistakeable" not in caplog.text and "username" not in caplog.text


def test_a_username_exists_or_not(client, scripted):
    client.create_user(NEW_USER)
    assert client.username_exists(NEW_USER.username) and not client.username_exists("nobody at all")
    for body, truth in (('"True"', True), ("false", False)):
        scripted.answers.clear()
        scripted.answer(200, body)
        assert scripted_client(scripted).username_exists("x") is truth


def test_a_log_in_link_is_returned_but_not_in_repr(client):
    link = client.auto_login_link(client.create_user(NEW_USER).user_id)
    assert link.url.startswith("http") and link.expires_raw
    assert link.url not in repr(link)


def test_v5_sessions_and_their_components_are_read(client, sandbox):
    seen = finished = 0
    for user in sandbox.site.users():
        sessions = [s for subject in V5_SUBJECTS for s in client.v5_sessions(user.user_id, subject)]
        truth = {str(session.session_id) for session in sandbox.site.results(user.user_id, "v5")}
        assert {session.session_id for session in sessions} == truth
        seen += len(sessions)
        for session in sessions:
            assert session.assessment_kind in ("initial", "diagnostic") and session.started_raw
            if session.is_finished:
                finished += 1
                assert all(c.name or c.raw for c in client.v5_components(user.user_id, session.session_id))
    assert seen > finished > 0


@pytest.mark.parametrize("body", ["[]", "null"])
def test_no_v5_session_is_an_empty_list(scripted, body):
    scripted.answer(200, body)
    assert scripted_client(scripted).v5_sessions(1, "ENG_NEW") == []


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_is_never_read_as_an_empty_list(scripted, status):
    scripted.answer(status, '{"Message": "An error has occurred."}')
    client = scripted_client(scripted)
    for call in (
        lambda: client.v5_sessions(1, "ENG_NEW"),
        lambda: client.v5_components(1, "2"),
        lambda: client.search_user_groups(),
        lambda: client.initial_assessments(1),
        lambda: client.auto_login_link(1),
        lambda: client.username_exists("x"),
    ):
        with pytest.raises((TransientError, RejectedError)):
            call()


def test_groups_are_found(client):
    assert isinstance(client.search_user_groups("Every"), list)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "InitialAssessmentResults",
                    "Pagination",
                    "TotalRecords",
                    "SessionId",
                    "UserId",
                    "Message",
                    "Link",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values, st.sampled_from([200, 400, 404]))
def test_any_json_body_gives_a_typed_result_or_one_of_our_errors(scripted, value, status):
    scripted.answers.clear()
    scripted.answer(status, json.dumps(value))
    client = scripted_client(scripted, attempts=1)
    for call in (
        lambda: client.find_user_id("x"),
        lambda: client.username_exists("x"),
        lambda: client.create_user(NEW_USER),
        lambda: client.auto_login_link(1),
        lambda: client.initial_assessments(1),
        lambda: client.v5_sessions(1, "ENG_NEW"),
        lambda: client.v5_components(1, "2"),
        lambda: client.search_user_groups(),
    ):
        with contextlib.suppress(BksbSyncError):
            call()


@pytest.mark.parametrize("header", ["soon", "", "-5", "1.5", "Mon, Nov"])
def test_an_unreadable_retry_after_is_ignored(scripted, header):
    scripted.answer(429, "slow down", Retry_After=header)
    with pytest.raises(TransientError) as caught:
        scripted_client(scripted, attempts=1).find_user_id("x")
    assert caught.value.retry_after is None


@pytest.mark.parametrize("header", ["Mon, 23 Nov 2020 10:00:00 GMT", "Mon, 23 Nov 2020 10:00:00 -0000", "0"])
def test_a_retry_after_in_the_past_means_no_wait(scripted, header):
    scripted.answer(429, "slow down", Retry_After=header)
    scripted.answer(200, "7")
    assert scripted_client(scripted).find_user_id("x") == 7


@pytest.mark.parametrize("session_id", ["[1]", "{}", "true", "1.5", "null", '""', f'"{"9" * 201}"'])
def test_a_session_without_a_usable_id_is_an_error(scripted, session_id):
    row = f'{{"SessionId": {session_id}}}'
    scripted.answer(200, f'{{"InitialAssessmentResults": [{row}], "Pagination": {{"TotalRecords": 1}}}}')
    with pytest.raises(TransientError):
        scripted_client(scripted).initial_assessments(1)
    scripted.answers.clear()
    scripted.answer(200, f"[{row}]")
    with pytest.raises(TransientError):
        scripted_client(scripted).v5_sessions(1, "ENG_NEW")


def test_a_missing_list_without_a_total_is_not_an_empty_list(scripted):
    scripted.answer(200, '{"Pagination": {"CurrentPage": 1}}')
    with pytest.raises(TransientError):
        scripted_client(scripted).initial_assessments(1)


@pytest.mark.parametrize(("status", "beyond"), [(404, '{"Message": "Page 2 not found."}'), (400, '"no"'), (200, "{}")])
def test_every_response_for_a_page_beyond_the_end_ends_a_listing(scripted, status, beyond):
    # a refusal may also mean that the user is gone, so the listing has to be read again first
    for _ in range(1 if status == 200 else 2):
        scripted.answer(200, '{"InitialAssessmentResults": [{"SessionId": 1}]}')
        scripted.answer(status, beyond)
    listing = scripted_client(scripted).initial_assessments(1)
    assert len(listing.entries) == 1 and listing.is_complete
