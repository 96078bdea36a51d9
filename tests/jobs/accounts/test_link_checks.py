"""All links are checked within a week. A link that bksb moved or merged becomes stale, and can heal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bksb.api.client import BksbClient
from bksb.errors import TransientError
from sandbox.bksb.faults.catalogue import Fault
from tests.conftest import query
from tests.runs import rows_of, run_accounts


@pytest.fixture
def linked(deployment, sandbox):
    """A deployment after its first run, with the sandbox's call counters at zero."""
    run_accounts(deployment, invite=False)
    sandbox.site.reset_counters()
    return deployment


def account_of(deployment, person_id):
    return query(deployment.reporting, "select * from bksb.account where person_id = %s", person_id)[0]


def some_account(deployment, origin="created"):
    statement = "select * from bksb.account where state = 'active' and origin = %s order by person_id limit 1"
    return query(deployment.reporting, statement, origin)[0]


def links_of(deployment, person_id):
    statement = (
        "select bksb_user_id, to_at is null as holds from bksb.account_link where person_id = %s order by from_at"
    )
    return [tuple(row) for row in query(deployment.reporting, statement, person_id)]


def stale_issues(deployment):
    statement = "select person_id, detail from bksb.issue where code = 'stale_link' and resolved_at is null"
    return {row.person_id: row.detail for row in query(deployment.reporting, statement)}


def a_day_passes(deployment, days=1):
    query(deployment.reporting, "update bksb.account set checked_at = checked_at - %s * interval '1 day'", days)


def make_due(deployment, person_id):
    query(deployment.reporting, "update bksb.account set checked_at = '2026-01-01' where person_id = %s", person_id)


def test_all_links_are_checked_within_a_week_and_about_as_many_each_day(linked, sandbox):
    links = query(linked.reporting, "select count(*) as n from bksb.account where state = 'active'")[0].n
    looked_at = []
    for day in range(7):
        a_day_passes(linked)
        sandbox.site.reset_counters()
        run_accounts(linked, f"manual__day{day}")
        checked = query(
            linked.reporting,
            "select counts ->> 'checked' as n from bksb.sync_run where run_id = %s",
            f"manual__day{day}",
        )
        looked_at.append(int(checked[0].n))
    unseen = "select count(*) as n from bksb.account where checked_at < now() - interval '7 days'"
    assert query(linked.reporting, unseen)[0].n == 0
    assert links <= sum(looked_at) < links + 7 and max(looked_at) == -(-links // 7)


def test_a_second_run_on_the_same_day_checks_no_link_again(linked, sandbox):
    a_day_passes(linked)
    run_accounts(linked, "manual__2")
    before = rows_of(linked, "account", "account_link", "issue")
    asked = sandbox.site.calls["getUserId"]
    sandbox.site.reset_counters()
    run_accounts(linked, "manual__3")
    assert rows_of(linked, "account", "account_link", "issue") == before
    assert sandbox.site.calls.get("getUserId", 0) < asked


def test_a_username_that_no_longer_exists_makes_the_link_stale_and_creates_no_account(linked, sandbox):
    account = some_account(linked)
    sandbox.site.rename(account.bksb_user_id, "renamed by hand")
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    assert account_of(linked, account.person_id).state == "stale"
    assert "no longer exists in bksb" in stale_issues(linked)[account.person_id]
    assert links_of(linked, account.person_id) == [(account.bksb_user_id, True)]
    run_accounts(linked, "manual__3")
    assert account_of(linked, account.person_id).state == "stale" and account.person_id in stale_issues(linked)
    assert sandbox.site.calls.get("createUser", 0) == 0


def test_a_link_that_is_right_again_heals_by_itself(linked, sandbox):
    account = some_account(linked)
    sandbox.site.rename(account.bksb_user_id, "renamed by hand")
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    sandbox.site.rename(account.bksb_user_id, account.username)
    a_day_passes(linked)
    run_accounts(linked, "manual__3")
    assert account_of(linked, account.person_id).state == "active" and stale_issues(linked) == {}
    assert links_of(linked, account.person_id) == [(account.bksb_user_id, True)]


@pytest.mark.parametrize("origin", ["created", "linked"])
def test_a_merged_account_goes_stale_and_heals_when_the_mis_names_the_right_one(linked, sandbox, mis_fields, origin):
    account = some_account(linked, origin)
    right = sandbox.site.create_user("the.right.one", "Any", "Body", "any.body@learner.example", "Any-password-1")
    sandbox.site.merge(right.user_id, account.bksb_user_id)
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    assert account_of(linked, account.person_id).state == "stale"
    query(mis_fields, "update person set bksb_username = 'The.Right.One' where person_id = %s", account.person_id)
    run_accounts(linked, "manual__3")
    healed = account_of(linked, account.person_id)
    assert (healed.state, healed.bksb_user_id, healed.origin) == ("active", right.user_id, "linked")
    assert links_of(linked, account.person_id) == [(account.bksb_user_id, False), (right.user_id, True)]
    assert stale_issues(linked) == {}
    before = rows_of(linked, "account", "account_link", "issue")
    run_accounts(linked, "manual__4")
    assert rows_of(linked, "account", "account_link", "issue") == before


def test_a_stale_link_stays_stale_if_the_mis_names_a_username_that_does_not_exist(linked, sandbox, mis_fields):
    account = some_account(linked)
    sandbox.site.rename(account.bksb_user_id, "renamed by hand")
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    query(mis_fields, "update person set bksb_username = 'nobody.at.all' where person_id = %s", account.person_id)
    run_accounts(linked, "manual__3")
    assert account_of(linked, account.person_id).state == "stale" and account.person_id in stale_issues(linked)
    codes = "select code from bksb.issue where person_id = %s and resolved_at is null order by 1"
    assert [row.code for row in query(linked.reporting, codes, account.person_id)] == [
        "stale_link",
        "username_not_found",
    ]


def test_a_link_never_moves_to_the_account_of_another_person(linked, sandbox):
    first, second = query(
        linked.reporting, "select * from bksb.account where origin = 'created' and state = 'active' order by 1 limit 2"
    )
    sandbox.site.merge(second.bksb_user_id, first.bksb_user_id)
    sandbox.site.rename(second.bksb_user_id, first.username)
    make_due(linked, first.person_id)
    run_accounts(linked, "manual__2")
    assert account_of(linked, first.person_id).state == "stale"
    assert f"user {second.bksb_user_id}" in stale_issues(linked)[first.person_id]
    assert account_of(linked, second.person_id).bksb_user_id == second.bksb_user_id


def test_a_check_without_an_answer_makes_no_link_stale(linked, sandbox):
    account = some_account(linked)
    make_due(linked, account.person_id)

    class Silent(BksbClient):
        def find_user_id(self, username):
            if username == account.username:
                raise TransientError("no answer")
            return super().find_user_id(username)

    silent = replace(linked, make_client=lambda: Silent(sandbox.url, sandbox.access_key, sandbox.secret_key))
    run_accounts(silent, "manual__2")
    assert account_of(linked, account.person_id).state == "active" and stale_issues(linked) == {}
    unanswered = "select count(*) as n from bksb.issue where code = 'bksb_no_answer' and resolved_at is null"
    assert query(linked.reporting, unanswered)[0].n == 1
    run_accounts(linked, "manual__3")
    assert query(linked.reporting, unanswered)[0].n == 0
    assert account_of(linked, account.person_id).checked_at.year > 2025


def test_the_link_of_a_person_who_has_left_is_checked_too(linked, sandbox, mis_fields):
    account = some_account(linked)
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", account.person_id)
    query(mis_fields, "update application set system_status = 'Dormant' where person_id = %s", account.person_id)
    sandbox.site.rename(account.bksb_user_id, "renamed by hand")
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    assert account_of(linked, account.person_id).state == "stale"


def test_checking_a_link_does_not_resolve_a_username_mismatch(linked, mis_fields):
    account = some_account(linked)
    query(mis_fields, "update person set bksb_username = 'somebody.else' where person_id = %s", account.person_id)
    make_due(linked, account.person_id)
    run_accounts(linked, "manual__2")
    codes = "select code from bksb.issue where person_id = %s and resolved_at is null"
    assert [row.code for row in query(linked.reporting, codes, account.person_id)] == ["username_mismatch"]
    assert account_of(linked, account.person_id).checked_at.year > 2025


def test_a_link_without_an_answer_is_one_issue_and_a_second_run_rewrites_no_row(linked, sandbox):
    account = some_account(linked)
    make_due(linked, account.person_id)
    sandbox.site.faults.add(Fault("500", user=account.username, calls=("getUserId",)))
    run_accounts(linked, "manual__2")
    before = rows_of(linked, "issue", "account")
    run_accounts(linked, "manual__3")
    assert rows_of(linked, "issue", "account") == before
    statement = "select resolved_at from bksb.issue where code = 'bksb_no_answer' and person_id = %s"
    assert [row.resolved_at for row in query(linked.reporting, statement, account.person_id)] == [None]


def test_links_without_an_answer_do_not_delay_a_new_account_and_its_invitation(linked, sandbox, mis_fields):
    eight = query(linked.reporting, "select * from bksb.account where state = 'active' order by 1 limit 8")
    for account in eight:
        make_due(linked, account.person_id)
        sandbox.site.faults.add(Fault("500", user=account.username, calls=("getUserId",)))
    newcomer = "insert into person (person_id, learn_ref_number, forenames, surname, email) values (%s, %s, %s, %s, %s)"
    query(mis_fields, newcomer, "N1", "LN1", "Nova", "Newcomer", "n1@learner.example")
    programme = "insert into episode values (910001, 'N1', 'T', 'Live', 'In Learning', current_date, null, null)"
    query(mis_fields, programme)
    with pytest.raises(TransientError, match="8 people in a row"):
        run_accounts(linked, "manual__2")
    # like Airflow's next try, or the next morning's run
    run_accounts(linked, "manual__2")
    assert account_of(linked, "N1").state == "active"
    assert len(sandbox.mailbox.messages(to="n1@learner.example")) == 1


def test_a_merged_account_of_an_applicant_who_became_a_learner_heals(linked, sandbox, mis_fields):
    query(
        mis_fields, "insert into person (person_id, forenames, surname, email) values ('A9', 'N', 'N', 'a9@x.example')"
    )
    query(mis_fields, "insert into application values (910009, 'A9', 'T', 'Live', 'Applied', current_date - 7)")
    run_accounts(linked, "manual__2")
    was = account_of(linked, "A9").bksb_user_id
    right = sandbox.site.create_user("the.right.one", "N", "N", "a9@x.example", "a good password").user_id
    sandbox.site.merge(right, was)
    make_due(linked, "A9")
    run_accounts(linked, "manual__3")
    assert account_of(linked, "A9").state == "stale"
    query(mis_fields, "update application set application_status = 'Transferred' where person_id = 'A9'")
    query(
        mis_fields,
        "insert into person select 'P9', 'LP9', forenames, surname, email, date_of_birth, 'the.right.one', person_id"
        " from person where person_id = 'A9'",
    )
    programme = "insert into episode values (910010, 'P9', 'T', 'Live', 'In Learning', current_date - 1, null, null)"
    query(mis_fields, programme)
    run_accounts(linked, "manual__4")
    run_accounts(linked, "manual__5")
    healed = account_of(linked, "P9")
    assert (healed.state, healed.bksb_user_id) == ("active", right)
    assert links_of(linked, "P9") == [(was, False), (right, True)]
    assert stale_issues(linked) == {}
