"""Unusual usernames, proposed and created or stored and linked, over real HTTP."""

from __future__ import annotations

import random
import string

import pytest

from tests.conftest import query
from tests.runs import accounts_of, rows_of, run_accounts, run_results

ODD = {
    "a space": "two words",
    "an at": "ada@college.example",
    "a plus": "ada+bksb",
    "an apostrophe": "o'neil",
    "a percent": "50%20off%",
    "a slash": "ada/lovelace/../x",
    "the delimiters of URLs and forms": "a&b=c?d#e;f:g",
    "quotes and a backslash": 'ada "the" \\ l',
    "a comma": "lovelace, ada",
    "leading zeros": "000123",
    "256 characters": "x" * 250 + "000256",
    "accents": "Zoë.Łęcka",
    "another script": "王.小明",
    "an emoji": "ada🎓",
}

CAPITALS = "Grace.HOPPER"


@pytest.fixture
def plain(world) -> list[str]:
    """Eligible people without anything unusual."""
    return sorted(world.people_of("plain"))


def named(deployment, mis_fields, plain, usernames, column) -> dict[str, str]:
    """Give each username to one plain person in this MIS column; return the usernames by person_id."""
    assert len(usernames) < len(plain)
    given = dict(zip(plain, usernames, strict=False))
    for person_id, username in given.items():
        query(mis_fields, f"update person set {column} = %s where person_id = %s", username, person_id)
    return given


def issues(deployment, person_id):
    statement = "select code, detail from bksb.issue where person_id = %s and resolved_at is null"
    return [tuple(row) for row in query(deployment.reporting, statement, person_id)]


def test_an_odd_proposed_username_is_created_unchanged_and_found_again(deployment, sandbox, mis_fields, plain):
    given = named(deployment, mis_fields, plain, ODD.values(), "learn_ref_number")
    run_accounts(deployment)
    known = accounts_of(deployment)
    for person_id, username in given.items():
        row = known[person_id]
        assert (row.state, row.origin, row.username) == ("active", "created", username)
        assert sandbox.site.user(row.bksb_user_id).username == username
        assert deployment.make_client().find_user_id(username) == row.bksb_user_id
    before = rows_of(deployment, "account", "account_link", "issue")
    sandbox.site.reset_counters()
    run_accounts(deployment, "manual__2")
    assert rows_of(deployment, "account", "account_link", "issue") == before
    assert "createUser" not in sandbox.site.calls


def test_an_odd_stored_username_is_linked_whatever_its_case(deployment, sandbox, mis_fields, plain):
    usernames = [*ODD.values(), CAPITALS]
    given = named(deployment, mis_fields, plain, usernames, "bksb_username")
    made = {
        username: sandbox.site.create_user(username.swapcase(), "A", "B", "a@learner.example", "a good password")
        for username in usernames
    }
    sandbox.site.reset_counters()
    run_accounts(deployment, person_ids=tuple(given))
    known = accounts_of(deployment)
    for person_id, username in given.items():
        row = known[person_id]
        assert (row.state, row.origin, row.bksb_user_id) == ("active", "linked", made[username].user_id), username
    assert sandbox.site.calls == {"getUserId": len(given)}
    before = rows_of(deployment, "account", "account_link", "issue")
    run_accounts(deployment, "manual__2", person_ids=tuple(given))
    assert rows_of(deployment, "account", "account_link", "issue") == before
    run_results(deployment, person_ids=tuple(given))
    synced = {row.bksb_user_id for row in query(deployment.reporting, "select bksb_user_id from bksb.account_source")}
    assert synced == {user.user_id for user in made.values()}


def test_an_odd_username_that_exists_in_another_case_is_reported_and_not_created(
    deployment, sandbox, mis_fields, plain
):
    given = named(deployment, mis_fields, plain, [*ODD.values(), CAPITALS], "learn_ref_number")
    for username in given.values():
        sandbox.site.create_user(username.swapcase(), "A", "B", "a@learner.example", "a good password")
    sandbox.site.reset_counters()
    run_accounts(deployment, person_ids=tuple(given))
    for person_id in given:
        assert issues(deployment, person_id) == [("username_taken", "the proposed username already exists in bksb")]
    assert "createUser" not in sandbox.site.calls


def test_two_people_with_odd_usernames_that_differ_only_in_case_get_no_account(deployment, mis_fields, plain):
    given = named(deployment, mis_fields, plain, ["Zoë.Ł", "zOË.ł", "A+b", "a+B"], "learn_ref_number")
    run_accounts(deployment, person_ids=tuple(given))
    for person_id in given:
        assert [code for code, _ in issues(deployment, person_id)] == ["account_claimed_twice"]


@pytest.mark.parametrize("username", ["x" * 257, "x" * 1000, "例" * 257])
def test_a_username_that_is_too_long_for_bksb_is_an_issue_and_all_others_get_accounts(
    deployment, sandbox, mis_fields, plain, username
):
    given = named(deployment, mis_fields, plain, [username], "learn_ref_number")
    run_accounts(deployment)
    (person_id,) = given
    assert accounts_of(deployment)[person_id].state == "blocked"
    ((code, detail),) = issues(deployment, person_id)
    assert code == "create_rejected" and detail.startswith("bksb refused to create the account: ")
    assert username not in detail
    assert {accounts_of(deployment)[other].state for other in plain[1:]} == {"active"}
    assert sandbox.site.find(username) is None


def test_a_username_that_is_too_long_to_store_is_an_issue_and_all_others_get_accounts(
    deployment, sandbox, mis_fields, plain
):
    random_text = "".join(random.Random(1).choices(string.ascii_letters, k=6000))
    (person_id,) = named(deployment, mis_fields, plain, [random_text], "learn_ref_number")
    run_accounts(deployment)
    assert [code for code, _ in issues(deployment, person_id)] == ["no_username"]
    assert sum(account.state == "active" for account in accounts_of(deployment).values()) > 50


@pytest.mark.parametrize("length", [256, 257, 5000])
def test_a_stored_username_of_any_length_that_bksb_does_not_know_is_an_issue(deployment, mis_fields, plain, length):
    given = named(deployment, mis_fields, plain, ["y" * length], "bksb_username")
    run_accounts(deployment, person_ids=tuple(plain[:3]))
    (person_id,) = given
    assert [code for code, _ in issues(deployment, person_id)] == ["username_not_found"]
    assert {accounts_of(deployment)[other].state for other in plain[1:3]} == {"active"}
