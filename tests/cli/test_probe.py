"""The command `probe` notices each variant of the sandbox, and reports nothing personal."""

from __future__ import annotations

import itertools
import json

import pytest

from bksb.cli.probe.report import Fact, Probe, as_json, as_table, region_of
from bksb.errors import KeyRefusedError, UnreachableError
from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.users import User
from sandbox.server import Sandbox
from sandbox.world.results import UNFINISHED, Component

INITIAL, DIAGNOSTIC = "initialAssessment", "diagnosticAssessment"
SESSIONS, REPORT = "getAssessmentSessionsForCourseV5", "GetEOAReportDataForAssessmentSessionV5"


def seen_of(facts: list[Fact]) -> dict[tuple[str, str], str]:
    return {(fact.call, fact.about): fact.seen for fact in facts}


def probed(sandbox: Sandbox, username: str | None = None) -> list[Fact]:
    return Probe(sandbox.url, sandbox.access_key, sandbox.secret_key).ask_all(username)


def marked(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.expected is False]


def much_assessed(sandbox: Sandbox) -> str:
    """Return the username of the account with the most results."""
    users = sandbox.site.users()
    return max(users, key=lambda user: len(sandbox.site.results(user.user_id, "initial"))).username


def newcomer(sandbox: Sandbox) -> User:
    """Create an account without any results."""
    for number in itertools.count(1):
        user = sandbox.site.create_user(f"n-{number}", "A", "B", "a@learner.example", "Change-me-2026")
        if not sandbox.site.results(user.user_id, "v5"):
            break
    for source in ("initial", "diagnostic"):
        for result in sandbox.site.results(user.user_id, source):
            sandbox.site.remove_result(user.user_id, source, result.session_id)
    return user


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize(
    ("body", "shape", "fields"),
    [
        ("json", "application/json; utf-8, JSON string", "-"),
        ("text", "text/plain; utf-8, plain text", "-"),
        ("message", "application/json; utf-8, JSON object", "Message (string)"),
    ],
)
def test_it_reports_how_bksb_answers_about_an_unknown_username(world, status, body, shape, fields):
    with Sandbox(world, behaviour=Behaviour(not_found_status=status, not_found_body=body)) as sandbox:
        facts = probed(sandbox)
    seen = seen_of(facts)
    assert seen["getUserId", "a username that no one has"] == f"HTTP {status}, {shape}"
    assert seen["getUserId", "fields of that answer"] == fields
    assert seen["getUserId", "it repeats the username asked for"] == "yes"
    assert seen["isUsernameExists", "a username that no one has"].endswith("JSON boolean (false)")
    assert marked(facts) == []


@pytest.mark.parametrize("cap", [20, 100, 1000])
def test_it_reports_a_cap_on_the_page_size(world, cap):
    with Sandbox(world, behaviour=Behaviour(page_cap=cap)) as sandbox:
        user = newcomer(sandbox)
        for _ in range(103):
            sandbox.site.add_result(user.user_id, "initial", "Maths Level 1", "2026-11-20T14:03:12")
        seen = seen_of(probed(sandbox, user.username))
    told = f"capped at {cap}" if cap < 103 else "this account has too few results to show a cap"
    assert seen[INITIAL, "page size"] == f"asked for 1000; the page says its size is {cap}; {told}"
    assert seen[INITIAL, "asked for 1 result a page"] == "got 1"
    assert "103" not in " ".join(seen.values())


@pytest.mark.parametrize(
    ("choice", "told"),
    [("always", "not under InitialAssessmentResults, and no other list"), ("never", ": array, empty")],
)
def test_it_reports_whether_an_empty_list_is_left_out(world, choice, told):
    with Sandbox(world, behaviour=Behaviour(leaves_out_empty_lists=choice)) as sandbox:
        facts = probed(sandbox, newcomer(sandbox).username)
    seen = seen_of(facts)
    assert seen[INITIAL, "the list of results"].endswith(told)
    assert seen[INITIAL, "its list of results"].endswith(told)
    assert seen[INITIAL, "fields of Pagination"] == (
        "CurrentPage (integer), TotalRecords (integer), RecordsPerPage (integer)"
    )
    assert "try another username" in seen[INITIAL, "a result"]
    assert marked(facts) == []


@pytest.mark.parametrize(("choice", "shape"), [("always", "JSON null"), ("never", "JSON array, empty")])
def test_it_reports_how_an_account_without_v5_sessions_looks(world, choice, shape):
    with Sandbox(world, behaviour=Behaviour(null_for_no_sessions=choice)) as sandbox:
        seen = seen_of(probed(sandbox, newcomer(sandbox).username))
    assert seen[SESSIONS, "sessions of ENG_NEW"].endswith(shape)
    assert seen[SESSIONS, "sessions of MATHS_NEW"].endswith(shape)


def test_it_reports_the_formats_of_dates_results_and_reports(sandbox):
    user, site = newcomer(sandbox), sandbox.site
    user_id = user.user_id
    for result, date in (
        (71, "2026-11-20T14:03:12"),
        ("71", "2026-11-19T14:03:12.123"),
        ("71%", "2026-11-18T14:03:12Z"),
    ):
        site.add_result(user_id, "diagnostic", result, date)
    site.add_result(user_id, "initial", "See tutor", "20/11/2026")
    component = Component("Reading", "Level 1", None, "2026-11-20T14:03:12.1234567")
    site.add_session(user_id, "ENG_NEW", 1, "2026-11-20T14:03:12", "2026-11-20T15:03:12", (component,))
    site.add_session(user_id, "ENG_NEW", 2, "2026-11-21T14:03:12", UNFINISHED)
    facts = probed(sandbox, user.username)
    seen = seen_of(facts)
    assert seen[DIAGNOSTIC, "Result"] == ("a JSON integer / a text of digits / a text of digits with a percent sign")
    assert seen[DIAGNOSTIC, "ResultDate"] == (
        "0 fractional digits, Z / 0 fractional digits, no zone / 3 fractional digits, no zone"
    )
    assert seen[DIAGNOSTIC, "order"] == "newest first"
    assert seen[INITIAL, "ResultDate"] == "a text of another form"
    assert seen[INITIAL, "our tables know every Result"] == "no"
    assert "Result (string)" in seen[INITIAL, "fields of a result"]
    assert seen[SESSIONS, "DateCompleted of ENG_NEW"] == "0 fractional digits, no zone / 0001-01-01"
    assert seen[SESSIONS, "AssessmentType of ENG_NEW is 1 or 2"] == "yes"
    assert "MeasuredAt (string)" in seen[REPORT, "finished session of ENG_NEW: fields of a component"]
    assert seen[REPORT, "finished session of ENG_NEW: MeasuredAt"] == "7 fractional digits, no zone"
    assert seen["userGroups/search", "fields of a page"] == "UserGroups (array), Pagination (object)"
    assert {(fact.call, fact.about) for fact in marked(facts)} == {
        (DIAGNOSTIC, "ResultDate"),
        (INITIAL, "ResultDate"),
        (INITIAL, "our tables know every Result"),
    }


def test_it_makes_at_most_twenty_calls_and_never_writes(sandbox):
    username = much_assessed(sandbox)
    sandbox.site.reset_counters()
    probed(sandbox, username)
    assert sum(sandbox.site.calls.values()) <= 20
    assert not {"createUser", "getAutoLoginLink"} & set(sandbox.site.calls)


def test_a_username_that_bksb_does_not_know_is_reported(sandbox):
    facts = probed(sandbox, "nobody at all")
    assert "gives no id" in seen_of(facts)["results", "of an account"]
    assert marked(facts)


UNMISTAKEABLE = ("zebedee", "unmistakeable", "o'zed", "zed@learner.example", "4242", "1 january 2009", "2009-01")


def test_the_report_contains_nothing_about_the_person(sandbox):
    username = "Unmistakeable 'Zed+1' @ x"
    user = sandbox.site.create_user(username, "Zebedee", "O'Zed", "zed@learner.example", "Change-me-2026")
    for source in ("initial", "diagnostic"):
        sandbox.site.add_result(
            user.user_id,
            source,
            "Zebedee was unmistakeable, 4242%",
            "2009-01-01T00:00:00",
            course_subject="UNMISTAKEABLE",
            course_name="Zebedee's own course",
            assessment_name="Zebedee",
            assessment_id=4242,
        )
    component = Component("Zebedee", "Unmistakeable", "4242", "1 January 2009")
    session_id = sandbox.site.add_session(user.user_id, "ENG_NEW", 4242, "Zebedee", "2009-01-02T00:00:00", (component,))
    facts = probed(sandbox, username)
    for report in (as_table(facts, "UK"), as_json(facts, "UK"), repr(facts)):
        assert seen_of(facts)[REPORT, "finished session of ENG_NEW: fields of a component"] != "-"
        told = report.lower()
        assert not [word for word in (*UNMISTAKEABLE, str(user.user_id), str(session_id)) if word in told]
        assert sandbox.url not in report and sandbox.access_key not in report and sandbox.secret_key not in report


def test_personal_content_in_field_names_and_headers_is_withheld(scripted):
    scripted.answer(
        200,
        json.dumps(
            {"zebedee@learner.example": 1, "Zebedee": "Zebedee O'Zed not found", "4242": [{"Unmistakeable": 2}]}
        ),
        Content_Type="application/zebedee@learner.example",
        X_Rate_Limit_Zebedee_4242="x",
        Retry_After="1 January 2009",
    )
    facts = Probe(scripted.url, "AK", "SK").ask_all("Unmistakeable")
    told = as_table(facts, "UK").lower()
    assert not [word for word in UNMISTAKEABLE if word in told]
    assert "(name withheld)" in told and "an unusual content type" in told and "as a date" in told
    assert marked(facts)


@pytest.mark.parametrize(
    ("body", "kind"),
    [("<html>busy</html>", "HTML or XML"), ('{"half', "broken JSON"), ("", "empty body"), ("null", "JSON null")],
)
def test_answers_of_an_unknown_form_are_marked_and_do_not_stop_it(scripted, body, kind):
    scripted.answer(200, body, Content_Type="text/html; charset=utf-8")
    facts = Probe(scripted.url, "AK", "SK").ask_all("somebody")
    assert kind in seen_of(facts)["getUserId", "a username that no one has"]
    assert ("getUserId", "a username that no one has") in {(fact.call, fact.about) for fact in marked(facts)}
    assert "? " in as_table(facts, "UK")


def test_a_permission_that_some_calls_lack_is_reported(scripted):
    scripted.answer(200, "\"A user with username 'x' not found.\"")
    scripted.answer(403, "", Retry_After="20", X_RateLimit_Remaining="0")
    facts = Probe(scripted.url, "AK", "SK").ask_all(None)
    seen = seen_of(facts)
    assert seen["isUsernameExists", "a username that no one has"].startswith("HTTP 403")
    assert seen["all", "Retry-After"] == "in seconds"
    assert seen["all", "headers about limits"] == "x-ratelimit-remaining"


def test_a_refused_key_or_an_unreachable_address_is_an_error(scripted):
    scripted.answer(401, "")
    with pytest.raises(KeyRefusedError, match="API Access Keys"):
        Probe(scripted.url, "AK", "SK").ask_all(None)
    with pytest.raises(UnreachableError):
        Probe("http://127.0.0.1:1", "AK", "SK").ask_all(None)


def test_a_call_without_a_complete_answer_is_a_fact_and_the_other_calls_are_made(scripted):
    scripted.answer(200, "\"A user with username 'x' not found.\"")
    scripted.answer(200, "fal", Content_Length="99")
    scripted.answer(200, '{"UserGroups": []}')
    facts = Probe(scripted.url, "AK", "SK").ask_all(None)
    assert [fact.call for fact in marked(facts)] == ["isUsernameExists", "isUsernameExists"]
    assert seen_of(facts)["userGroups/search", "fields of a page"] == "UserGroups (array)"


def test_both_reports_contain_every_fact_and_ask_to_be_shared(sandbox):
    facts = probed(sandbox, much_assessed(sandbox))
    table, data = as_table(facts, "Australia"), json.loads(as_json(facts, "Australia"))
    assert all(fact.seen in table for fact in facts) and "Australia" in table
    assert table.rstrip().endswith("for every site.") and "send it to the maintainers" in table
    assert (data["probe"], data["region"], len(data["facts"])) == (1, "Australia", len(facts))


def test_only_the_service_of_the_url_is_shown():
    assert region_of(" https://live2api.bksblive2.co.uk/api/ ") == "UK"
    assert region_of("https://LIVE2API.bksblive2.com.au") == "Australia"
    assert region_of("https://college.example") == "another address"
