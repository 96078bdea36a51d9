"""bksb_accounts from end to end, with a real MIS, a real reporting database and the sandbox."""

from __future__ import annotations

import itertools
import logging
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from bksb.api.client import BksbClient
from bksb.api.transport import RetryBudget
from bksb.errors import (
    BksbSyncError,
    ConfigurationError,
    KeyRefusedError,
    MisContractError,
    RejectedError,
    TransientError,
)
from bksb.folders import SQL_FOLDER
from bksb.jobs.accounts import apply_plan, plan_accounts, record_plan
from bksb.jobs.runs import fail_run
from bksb.jobs.threads import THREADS
from bksb.mis import Mis
from bksb.rules.task_split import bucket_of
from sandbox.bksb.faults.catalogue import Fault
from sandbox.mailbox.faults import MailFault
from tests.conftest import DEFAULT_PASSWORD, IMPATIENT, client_of, query
from tests.runs import a_run, accounts_of, rows_of, run_accounts


def open_issues(deployment) -> dict[str, str]:
    rows = query(deployment.reporting, "select person_id, code from bksb.issue where resolved_at is null order by 2")
    return {row.person_id: row.code for row in rows}


def test_every_eligible_person_gets_an_account_or_an_issue_with_the_reason(deployment, sandbox, world):
    run = run_accounts(deployment)
    known, issues = accounts_of(deployment), open_issues(deployment)
    assert set(known) == world.eligible_on(run.day)
    unmailed = world.people_of("refused_email")
    assert {p for p, account in known.items() if account.state == "blocked"} == set(issues) - set(unmailed)
    assert {account.state for account in known.values()} == {"active", "blocked"}
    for kind, code in {
        "no_email": "no_email",
        "blank_email": "no_email",
        "malformed_email": "no_email",
        "shared_email": "duplicate_email",
        "shared_email_other_case": "duplicate_email",
        "no_given_name": "no_name",
        "no_family_name": "no_name",
        "same_learn_ref_number": "account_claimed_twice",
        "stored_on_two_people": "account_claimed_twice",
        "stored_but_unknown": "username_not_found",
        "username_taken": "username_taken",
        "username_taken_in_other_case": "username_taken",
        "refused_email": "invitation_failed",
    }.items():
        people = world.people_of(kind)
        assert people and {issues[person_id] for person_id in people} == {code}, kind


def test_the_reporting_database_and_bksb_have_the_same_accounts(deployment, sandbox, world):
    before = {user.username for user in sandbox.site.users()}
    run_accounts(deployment)
    users = {user.user_id: user for user in sandbox.site.users()}
    active = [account for account in accounts_of(deployment).values() if account.state == "active"]
    for account in active:
        assert users[account.bksb_user_id].username.lower() == account.username.lower()
    created = {user.username for user in users.values()} - before
    assert created == {account.username for account in active if account.origin == "created"}
    links = query(deployment.reporting, "select person_id, bksb_user_id from bksb.account_link where to_at is null")
    assert {(a.person_id, a.bksb_user_id) for a in active} == {(row.person_id, row.bksb_user_id) for row in links}


def test_a_new_account_has_names_email_date_of_birth_and_the_default_password(deployment, sandbox, world):
    run_accounts(deployment)
    mis = {person.person_id: person for person in deployment.mis.read_people(world.today)}
    created = [a for a in accounts_of(deployment).values() if a.origin == "created"]
    assert created
    for account in created:
        user, person = sandbox.site.user(account.bksb_user_id), mis[account.person_id]
        assert (user.first_name, user.last_name, user.email, user.date_of_birth) == (
            person.given_names,
            person.family_name,
            person.email,
            person.date_of_birth,
        )
        assert user.has_password(deployment.settings.default_password)


def test_a_second_run_changes_nothing_and_creates_no_account(deployment, sandbox):
    run_accounts(deployment)
    tables = ("account", "account_link", "issue", "learner", "learner_contact")
    before = rows_of(deployment, *tables)
    sandbox.site.reset_counters()
    run_accounts(deployment, "manual__2")
    assert rows_of(deployment, *tables) == before
    assert sandbox.site.calls.get("createUser", 0) == 0
    assert sandbox.site.calls.get("getUserId", 0) <= len(open_issues(deployment))


def test_a_run_with_nothing_to_do_says_so_in_one_line_of_each_task(deployment, mis_fields, caplog):
    run_accounts(deployment)
    # these people are planned again every day
    query(
        mis_fields,
        "update person set email = null, bksb_username = null where person_id = any(%s)",
        [person_id for person_id, code in open_issues(deployment).items() if code.startswith("username_")],
    )
    run_accounts(deployment, "manual__2")
    caplog.set_level(logging.INFO)
    caplog.clear()
    run_accounts(deployment, "manual__3")
    states = [account.state for account in accounts_of(deployment).values()]
    active, blocked = states.count("active"), states.count("blocked")
    assert active > 50 and blocked > 5
    need_attention = len(open_issues(deployment))
    refused_by_mail_server = need_attention - blocked
    assert [record.getMessage() for record in caplog.records if record.name.startswith("bksb.")] == [
        f"Nothing to do in bksb: all {active} eligible people who can have an account have one; "
        f"{blocked} need attention (see bksb.issue).",
        "Nothing to do in bksb: no account to create or link, no link to check.",
        f"Nothing to send: no invitation or reminder is due; {refused_by_mail_server} need attention (see bksb.issue).",
        "Nothing to do in this run: no account to create or link, no link to check, no mail sent. "
        f"{active} accounts are active, 0 links are stale, {need_attention} people need attention (see bksb.issue).",
    ]


def test_a_run_for_named_people_with_nothing_to_do_counts_only_them(deployment, world, caplog):
    named = tuple(sorted(world.people_of("plain"))[:2])
    run_accounts(deployment, person_ids=named)
    caplog.set_level(logging.INFO)
    run_accounts(deployment, "manual__2", person_ids=(*named, named[0]))
    assert "Nothing to do in bksb: all 2 named people who can have an account have one; 0 need" in caplog.text


def test_a_task_that_is_tried_again_says_that_nothing_is_left_to_do(deployment, world, caplog):
    run = a_run(deployment, "bksb_accounts", person_ids=tuple(sorted(world.people_of("plain"))[:2]))
    plan_accounts(deployment, run)
    (share,) = record_plan(deployment, run)
    caplog.set_level(logging.INFO)
    apply_plan(deployment, run, share)
    assert "2 people: created 2 accounts" in caplog.text and "Nothing left to do" not in caplog.text
    apply_plan(deployment, run, share)
    assert "Nothing left to do in this task" in caplog.text


def test_a_dry_run_plans_what_the_next_run_does_and_changes_nothing_else(deployment, sandbox, caplog):
    caplog.set_level("INFO")
    untouched = ("learner", "learner_contact", "account", "account_link", "issue", "run_person")
    before = rows_of(deployment, *untouched)
    sandbox.site.reset_counters()
    run_accounts(deployment, "manual__dry", dry_run=True)
    assert rows_of(deployment, *untouched) == before
    assert sandbox.site.calls == {}
    assert caplog.messages[-1] == "Dry run: nothing was done. The plan is in bksb.latest_plan."
    run_accounts(deployment, "manual__real")
    plan = "select person_id, action, reason from bksb.planned_action where run_id = %s order by 1"
    dry, real = (query(deployment.reporting, plan, run_id) for run_id in ("manual__dry", "manual__real"))
    assert dry == real and dry


def test_latest_plan_shows_only_the_plan_of_the_latest_accounts_run(deployment):
    def plan_of(run_id: str) -> list[tuple[object, ...]]:
        statement = "select person_id, action, reason, username from bksb.planned_action where run_id = %s order by 1"
        return query(deployment.reporting, statement, run_id)

    def latest() -> tuple[set[str], list[tuple[object, ...]]]:
        statement = "select run_id, person_id, action, reason, username from bksb.latest_plan order by 2"
        rows = query(deployment.reporting, statement)
        return {row.run_id for row in rows}, [row[1:] for row in rows]

    run_accounts(deployment, "manual__all", dry_run=True)
    assert latest() == ({"manual__all"}, plan_of("manual__all"))
    one = plan_of("manual__all")[0].person_id
    run_accounts(deployment, "manual__a_single_one", dry_run=True, person_ids=(one,))
    assert latest() == ({"manual__a_single_one"}, plan_of("manual__a_single_one"))
    assert len(plan_of("manual__a_single_one")) == 1 < len(plan_of("manual__all"))
    query(
        deployment.reporting,
        "insert into bksb.planned_action (dag_id, run_id, person_id, action, reason, planned_at) "
        "values ('bksb_results', 'scheduled__later', %s, 'link', '', now() + interval '1 hour')",
        one,
    )
    assert latest()[0] == {"manual__a_single_one"}
    run_accounts(deployment, "manual__all", dry_run=True)
    assert latest() == ({"manual__all"}, plan_of("manual__all"))


def test_a_new_account_takes_at_most_two_calls_and_an_active_one_none(deployment, sandbox):
    sandbox.site.reset_counters()
    run_accounts(deployment)
    created = sum(account.origin == "created" for account in accounts_of(deployment).values())
    asked = query(deployment.reporting, "select count(*) as n from bksb.planned_action where action <> 'blocked'")[0].n
    assert sandbox.site.calls["createUser"] == created
    assert sandbox.site.calls["getUserId"] == asked
    assert sandbox.site.peak_concurrency <= 8


def test_the_run_is_recorded_with_its_figures(deployment, world):
    run_accounts(deployment)
    (line,) = query(deployment.reporting, "select * from bksb.sync_run")
    known = accounts_of(deployment).values()
    assert (line.state, line.attempt, line.finished_at is not None) == ("success", 1, True)
    assert line.counts["eligible"] == len(known)
    assert line.counts["created"] == sum(a.origin == "created" for a in known)
    assert line.counts["linked"] == sum(a.origin == "linked" for a in known)
    assert line.counts["need_attention"] == sum(a.state == "blocked" for a in known) + len(
        world.people_of("refused_email")
    )


def test_a_person_corrected_in_the_mis_gets_an_account_next_time_and_the_issue_is_resolved(
    deployment, mis_fields, world
):
    run_accounts(deployment)
    (person_id,) = world.people_of("no_email")
    query(mis_fields, "update person set email = 'corrected@learner.example' where person_id = %s", person_id)
    run_accounts(deployment, "manual__2")
    assert accounts_of(deployment)[person_id].state == "active"
    assert person_id not in open_issues(deployment)
    history = query(deployment.reporting, "select resolved_at from bksb.issue where person_id = %s", person_id)
    assert [row.resolved_at is not None for row in history] == [True]


def test_a_person_who_is_no_longer_eligible_keeps_the_account_and_loses_the_issue(deployment, mis_fields, world):
    run_accounts(deployment)
    gone_active = next(a.person_id for a in accounts_of(deployment).values() if a.origin == "created")
    (gone_blocked,) = world.people_of("no_email")
    for person_id in (gone_active, gone_blocked):
        for table in ("episode", "application"):
            query(mis_fields, f"update {table} set system_status = 'Dormant' where person_id = %s", person_id)
    run_accounts(deployment, "manual__2")
    assert accounts_of(deployment)[gone_active].state == "active"
    assert gone_blocked not in accounts_of(deployment)
    assert gone_blocked not in open_issues(deployment)
    eligible = query(deployment.reporting, "select person_id from bksb.learner where not eligible")
    assert {row.person_id for row in eligible} == {gone_active, gone_blocked}
    sides = query(deployment.reporting, "select side, person_id from bksb.unmatched where person_id = %s", gone_active)
    assert [row.side for row in sides] == ["account without eligible learner"]


def test_the_account_follows_an_applicant_who_becomes_a_learner(deployment, sandbox, mis_fields):
    run_accounts(deployment)
    applicant = next(
        a for a in accounts_of(deployment).values() if a.person_id.startswith("A") and a.origin == "created"
    )
    query(
        mis_fields,
        "update application set application_status = 'Transferred' where person_id = %s",
        applicant.person_id,
    )
    query(
        mis_fields,
        "insert into person select 'P900000', learn_ref_number, forenames, surname, email, date_of_birth, null, "
        "person_id from person where person_id = %s",
        applicant.person_id,
    )
    query(
        mis_fields,
        "insert into episode values (900000, 'P900000', 'Test', 'Live', 'In Learning', current_date - 1, null, null)",
    )
    sandbox.site.reset_counters()
    run_accounts(deployment, "manual__2")
    known = accounts_of(deployment)
    assert known["P900000"].bksb_user_id == applicant.bksb_user_id
    assert applicant.person_id not in known
    assert sandbox.site.calls.get("createUser", 0) == 0
    links = query(
        deployment.reporting,
        "select person_id from bksb.account_link where bksb_user_id = %s",
        applicant.bksb_user_id,
    )
    assert [row.person_id for row in links] == ["P900000"]


def test_existing_accounts_with_the_proposed_username_are_linked_if_the_setting_allows_it(deployment, sandbox, world):
    trusting = replace(deployment, settings=replace(deployment.settings, link_existing=True))
    run_accounts(trusting)
    for person_id in world.people_of("username_taken"):
        assert accounts_of(deployment)[person_id].origin == "linked"


def test_a_run_for_named_people_serves_only_them(deployment, sandbox, world):
    plain = sorted(world.people_of("plain"))[:2]
    run_accounts(deployment, person_ids=tuple(plain))
    assert set(accounts_of(deployment)) == set(plain)
    assert open_issues(deployment) == {}


def test_naming_a_person_who_is_not_eligible_fails_before_anything_is_changed(deployment, sandbox):
    with pytest.raises(ConfigurationError, match="names 1 people who are not eligible.*NOBODY"):
        run_accounts(deployment, person_ids=("NOBODY",))
    assert accounts_of(deployment) == {}
    assert sandbox.site.calls == {}


def test_without_a_default_password_the_run_fails_and_changes_nothing(deployment, sandbox):
    bare = replace(deployment, settings=replace(deployment.settings, default_password="short"))
    with pytest.raises(ConfigurationError, match="Default Password"):
        run_accounts(bare)
    assert accounts_of(deployment) == {} and sandbox.site.calls == {}


def test_a_broken_mis_query_changes_nothing(deployment, sandbox, tmp_path, mis_fields):
    run_accounts(deployment)
    tables = ("account", "issue", "learner", "learner_contact")
    before = rows_of(deployment, *tables)
    path = tmp_path / "eligible_learners.sql"
    path.write_text((SQL_FOLDER / "mis" / "eligible_learners.sql").read_text().replace("    person.email,\n", ""))
    sandbox.site.reset_counters()
    with pytest.raises(MisContractError, match="email"):
        run_accounts(replace(deployment, mis=Mis(mis_fields, path)), "manual__2")
    assert rows_of(deployment, *tables) == before
    assert sandbox.site.calls == {}


def test_a_wrong_key_stops_the_run_and_the_next_run_serves_everyone(deployment, sandbox, world):
    def wrong_key() -> BksbClient:
        return BksbClient(sandbox.url, sandbox.access_key, "wrong-secret", budget=RetryBudget(attempts=1))

    with pytest.raises(KeyRefusedError):
        run_accounts(replace(deployment, make_client=wrong_key))
    assert {account.state for account in accounts_of(deployment).values()} == {"pending", "blocked"}
    run_accounts(deployment, "manual__2")
    assert {a.state for a in accounts_of(deployment).values()} == {"active", "blocked"}


def test_an_unreachable_bksb_fails_the_run_and_the_next_one_catches_up(deployment, sandbox):
    def unreachable() -> BksbClient:
        return BksbClient("http://127.0.0.1:1", "AK", "SK", budget=RetryBudget(attempts=1))

    with pytest.raises(TransientError, match="8 people in a row"):
        run_accounts(replace(deployment, make_client=unreachable))
    run_accounts(deployment, "manual__2")
    assert {a.state for a in accounts_of(deployment).values()} == {"active", "blocked"}
    assert "bksb_no_answer" not in open_issues(deployment).values()


def test_after_a_lost_reply_the_username_is_looked_up_and_the_account_is_not_created_twice(deployment, sandbox):
    class LosesAnswers(BksbClient):
        def create_user(self, new_user):
            super().create_user(new_user)
            raise TransientError("the reply was lost")

    lossy = replace(deployment, make_client=lambda: LosesAnswers(sandbox.url, sandbox.access_key, sandbox.secret_key))
    run_accounts(lossy)
    created = [a for a in accounts_of(deployment).values() if a.origin == "created"]
    assert created and {a.state for a in created} == {"active"}
    assert sandbox.site.calls["createUser"] == len(created)


class Killed(BaseException):
    """Simulates a killed process: our code does not catch it."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_during_a_creation_neither_duplicates_nor_loses_the_account(deployment, sandbox, moment):
    class Dies(BksbClient):
        def create_user(self, new_user):
            if moment == "after":
                super().create_user(new_user)
            raise Killed

    with pytest.raises(Killed):
        run_accounts(replace(deployment, make_client=lambda: Dies(sandbox.url, sandbox.access_key, sandbox.secret_key)))
    assert "creating" in {account.state for account in accounts_of(deployment).values()}
    run_accounts(deployment, "manual__2")
    known = accounts_of(deployment)
    assert {account.state for account in known.values()} == {"active", "blocked"}
    usernames = [user.username.lower() for user in sandbox.site.users()]
    assert len(usernames) == len(set(usernames))
    assert {a.username.lower() for a in known.values() if a.username} <= set(usernames)


def test_one_learner_that_bksb_refuses_does_not_stop_the_others(deployment, sandbox, world):
    refused = sorted(world.people_of("plain"))[0]
    username = next(p for p in deployment.mis.read_people(world.today) if p.person_id == refused).proposed_username

    class RefusesOne(BksbClient):
        def create_user(self, new_user):
            if new_user.username == username:
                new_user = replace(new_user, family_name="")
            return super().create_user(new_user)

    run_accounts(
        replace(deployment, make_client=lambda: RefusesOne(sandbox.url, sandbox.access_key, sandbox.secret_key))
    )
    known = accounts_of(deployment)
    assert known[refused].state == "blocked" and open_issues(deployment)[refused] == "create_rejected"
    assert sum(account.origin == "created" for account in known.values()) > 50


def test_a_person_who_stops_being_eligible_after_the_plan_gets_no_account(deployment, sandbox, mis_fields, world):
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    shares = record_plan(deployment, run)
    gone = sorted(world.people_of("plain"))[0]
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", gone)
    for buckets in shares:
        apply_plan(deployment, run, buckets)
    assert accounts_of(deployment)[gone].state == "pending"
    run_accounts(deployment, "manual__2")
    assert gone not in accounts_of(deployment)


def test_a_failed_run_is_recorded_and_the_next_try_continues_it(deployment):
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    fail_run(deployment, run)
    states = "select attempt, state from bksb.sync_run order by attempt"
    assert [tuple(row) for row in query(deployment.reporting, states)] == [(1, "failed")]
    run_accounts(deployment)
    assert [tuple(row) for row in query(deployment.reporting, states)] == [(1, "failed"), (2, "success")]


def test_an_unmigrated_database_stops_the_run_before_anything_is_sent(deployment, sandbox, empty_database):
    from tests.conftest import fields_of

    bare = replace(deployment, reporting=fields_of(empty_database, "reporting"))
    with pytest.raises(BksbSyncError, match="bksb migrate"):
        run_accounts(bare)
    assert sandbox.site.calls == {}


def test_a_task_serves_only_the_people_of_its_buckets(deployment):
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    (share,) = record_plan(deployment, run)
    half = set(share[::2])
    apply_plan(deployment, run, half)
    served = {p for p, account in accounts_of(deployment).items() if account.state == "active"}
    waiting = {p for p, account in accounts_of(deployment).items() if account.state == "pending"}
    assert served and {bucket_of(person_id) for person_id in served} <= half
    assert waiting and not {bucket_of(person_id) for person_id in waiting} & half


def test_two_runs_at_once_create_each_account_once(deployment, sandbox):
    sandbox.site.latency = 0.01
    runs = [a_run(deployment, "bksb_accounts", f"manual__{n}") for n in range(3)]
    for run in runs:
        plan_accounts(deployment, run)
    shares = [record_plan(deployment, run) for run in runs]
    (share,) = shares[0]
    failures: list[BaseException] = []

    def apply(run) -> None:
        try:
            apply_plan(deployment, run, share)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=apply, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    created = [a for a in accounts_of(deployment).values() if a.origin == "created"]
    assert created and sandbox.site.calls["createUser"] == len(created)
    assert "username_taken" not in {
        code for person, code in open_issues(deployment).items() if accounts_of(deployment)[person].state == "active"
    }


@pytest.mark.parametrize("sends", [True, False])
def test_the_date_of_birth_and_auto_enrol_are_sent_only_if_the_settings_say_so(deployment, sandbox, world, sends):
    choosing = replace(deployment.settings, send_date_of_birth=sends, auto_enrol=sends)
    plain = sorted(world.people_of("plain"))[:3]
    run_accounts(replace(deployment, settings=choosing), person_ids=tuple(plain))
    for account in accounts_of(deployment).values():
        user = sandbox.site.user(account.bksb_user_id)
        assert (user.date_of_birth is not None, user.auto_enrol) == (sends, sends)


def test_one_bksb_user_under_two_usernames_belongs_to_one_person(deployment, sandbox, world):
    class OneForAll(BksbClient):
        def find_user_id(self, username):
            return super().find_user_id(username) and 310_001

    linked = tuple(sorted(world.people_of("stored_username"))[:2])
    run_accounts(replace(deployment, make_client=lambda: client_of(sandbox, OneForAll)), person_ids=linked)
    assert sorted(a.state for a in accounts_of(deployment).values()) == ["active", "blocked"]
    assert set(open_issues(deployment).values()) == {"account_claimed_twice"}


class Doubtful(BksbClient):
    """Creates the account, loses the reply, and then fails every look-up."""

    lost = False

    def create_user(self, new_user):
        super().create_user(new_user)
        self.lost = True
        raise TransientError("lost")

    def find_user_id(self, username):
        if self.lost:
            raise TransientError("silent")
        return super().find_user_id(username)


@pytest.mark.parametrize("leaves", [False, True])
def test_an_unconfirmed_creation_stays_open_until_bksb_says_whether_the_account_exists(
    deployment, sandbox, mis_fields, world, leaves
):
    person = sorted(world.people_of("plain"))[0]
    doubtful = replace(deployment, make_client=lambda: client_of(sandbox, Doubtful))
    run_accounts(doubtful, person_ids=(person,))
    assert accounts_of(deployment)[person].state == "creating"
    assert open_issues(deployment) == {person: "create_in_doubt"}
    if leaves:
        query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", person)
    sandbox.site.reset_counters()
    run_accounts(deployment, "manual__2")
    account = accounts_of(deployment)[person]
    assert (account.state, account.origin) == ("active", "created")
    assert person not in open_issues(deployment)
    assert [u.username for u in sandbox.site.users()].count(account.username) == 1


def test_an_unfinished_creation_of_a_person_who_left_is_deleted_if_bksb_has_no_account(deployment, mis_fields, world):
    person = sorted(world.people_of("plain"))[0]
    query(deployment.reporting, "insert into bksb.account values (%s, 'never-made', null, 'creating')", person)
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", person)
    run_accounts(deployment)
    run_accounts(deployment, "manual__2")
    assert person not in accounts_of(deployment) and person not in open_issues(deployment)


def test_an_odd_answer_to_a_look_up_does_not_lose_an_unfinished_creation(deployment, sandbox, world):
    person = sorted(world.people_of("plain"))[0]
    (mine,) = [p for p in deployment.mis.read_people(world.today) if p.person_id == person]

    class Refuses(BksbClient):
        def find_user_id(self, username):
            raise RejectedError("odd")

    sandbox.site.create_user(mine.proposed_username, "A", "B", mine.email, DEFAULT_PASSWORD)
    statement = "insert into bksb.account values (%s, %s, null, 'creating')"
    query(deployment.reporting, statement, person, mine.proposed_username)
    run_accounts(replace(deployment, make_client=lambda: client_of(sandbox, Refuses)), person_ids=(person,))
    assert accounts_of(deployment)[person].state == "creating"
    run_accounts(deployment, "manual__2", person_ids=(person,))
    assert (accounts_of(deployment)[person].state, accounts_of(deployment)[person].origin) == ("active", "created")


def test_an_account_that_bksb_created_although_it_sent_a_refusal_is_found(deployment, sandbox, world):
    class CreatesAndRefuses(BksbClient):
        def create_user(self, new_user):
            super().create_user(new_user)
            raise RejectedError("bksb gave a reason that is not on our list")

    person = sorted(world.people_of("plain"))[0]
    odd = replace(deployment, make_client=lambda: client_of(sandbox, CreatesAndRefuses))
    run_accounts(odd, person_ids=(person,))
    assert (accounts_of(deployment)[person].state, open_issues(deployment)) == ("active", {})


def test_a_run_for_named_people_does_not_change_the_issues_of_others(deployment, world):
    run_accounts(deployment)
    before = rows_of(deployment, "issue")
    run_accounts(deployment, "manual__2", person_ids=(sorted(world.people_of("plain"))[0],))
    assert rows_of(deployment, "issue") == before


def test_a_failure_recorded_late_does_not_overwrite_a_success(deployment):
    run = run_accounts(deployment)
    fail_run(deployment, run)
    assert [row.state for row in query(deployment.reporting, "select state from bksb.sync_run")] == ["success"]


def test_failures_between_successes_do_not_stop_the_run(deployment, sandbox):
    class EverySecond(BksbClient):
        calls = itertools.count()

        def find_user_id(self, username):
            # a failure takes as long as a success: otherwise the quick failures could arrive in a row
            found = super().find_user_id(username)
            if next(self.calls) % 2:
                raise TransientError("now and then")
            return found

    run_accounts(replace(deployment, make_client=lambda: client_of(sandbox, EverySecond)))
    assert "bksb_no_answer" in open_issues(deployment).values()
    run_accounts(deployment, "manual__2")
    assert "bksb_no_answer" not in open_issues(deployment).values()


def test_a_run_stops_after_few_calls_when_bksb_does_not_answer(deployment):
    calls = itertools.count()

    class Silent(BksbClient):
        def find_user_id(self, username):
            next(calls)
            raise TransientError("silent")

    with pytest.raises(TransientError):
        run_accounts(replace(deployment, make_client=lambda: Silent("http://127.0.0.1:1", "AK", "SK")))
    assert next(calls) <= 8 + 16


def test_a_key_refused_during_the_run_stops_it_at_once_and_the_next_run_serves_everyone(deployment, sandbox):
    class RefusedFromTheTenthOn(BksbClient):
        creations = itertools.count(1)

        def create_user(self, new_user):
            if next(self.creations) >= 10:
                return BksbClient(self.root, sandbox.access_key, "withdrawn", budget=IMPATIENT).create_user(new_user)
            return super().create_user(new_user)

        root = sandbox.url

    with pytest.raises(KeyRefusedError):
        run_accounts(replace(deployment, make_client=lambda: client_of(sandbox, RefusedFromTheTenthOn)))
    assert 9 <= sandbox.site.calls["createUser"] < 9 + THREADS
    # only creations that were sent stay unfinished: anyone may use a username that was never sent
    exist = {user.username.lower() for user in sandbox.site.users()}
    assert {one.username.lower() for one in accounts_of(deployment).values() if one.state == "creating"} <= exist
    planned = "select person_id, username from bksb.planned_action where action = 'create'"
    names = {row.person_id: row.username for row in query(deployment.reporting, planned)}
    person_id = min(p for p, one in accounts_of(deployment).items() if one.state == "pending" and p in names)
    stranger = sandbox.site.create_user(names[person_id], "By", "Hand", "hand@x.example", "made-by-staff-1")
    run_accounts(deployment, "manual__2")
    assert open_issues(deployment)[person_id] == "username_taken"
    assert stranger.user_id not in {one.bksb_user_id for one in accounts_of(deployment).values()}
    assert {account.state for account in accounts_of(deployment).values()} == {"active", "blocked"}
    usernames = [user.username.lower() for user in sandbox.site.users()]
    assert len(usernames) == len(set(usernames))


@pytest.mark.parametrize("step", ["record_plan", "apply_plan"])
def test_an_mis_that_fails_during_the_run_stops_it_and_the_next_run_continues(deployment, sandbox, mis_fields, step):
    gone = replace(deployment, mis=Mis(replace(mis_fields, port=1), SQL_FOLDER / "mis" / "eligible_learners.sql"))
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    shares = [[0]] if step == "record_plan" else record_plan(deployment, run)
    sandbox.site.reset_counters()
    with pytest.raises(TransientError, match="MIS"):
        record_plan(gone, run) if step == "record_plan" else apply_plan(gone, run, shares[0])
    assert sandbox.site.calls == {}
    run_accounts(deployment, "manual__2")
    assert {account.state for account in accounts_of(deployment).values()} == {"active", "blocked"}


def test_usernames_without_an_answer_do_not_delay_other_people(deployment, sandbox):
    run = a_run(deployment, "bksb_accounts", "manual__0", dry_run=True)
    plan_accounts(deployment, run)
    statement = "select username from bksb.planned_action where action = 'create' order by person_id"
    names = [row.username for row in query(deployment.reporting, statement)]
    for username in names[:30]:
        sandbox.site.faults.add(Fault("500", user=username, calls=("getUserId",)))
    tries = 0
    while {one.state for one in accounts_of(deployment).values()} != {"active", "blocked", "pending"} or tries < 6:
        tries += 1
        with suppress(TransientError):
            run_accounts(deployment, f"manual__{tries}")
    served = {one.username.lower() for one in accounts_of(deployment).values() if one.state == "active"}
    assert {name.lower() for name in names[30:]} - served == taken_names(deployment)
    assert run_accounts(deployment, "manual__calm")
    silent = {person_id for person_id, code in open_issues(deployment).items() if code == "bksb_no_answer"}
    assert 8 <= len(silent) <= 30


def taken_names(deployment) -> set[str]:
    """Proposed usernames that already exist in bksb."""
    statement = (
        "select lower(username) as username from bksb.planned_action inner join bksb.issue using (person_id)"
        " where action = 'create' and code = 'username_taken' and resolved_at is null"
    )
    return {row.username for row in query(deployment.reporting, statement)}


def test_planning_warns_about_a_mail_server_that_is_down_and_the_accounts_are_created_anyway(
    deployment, sandbox, world, caplog
):
    sandbox.mailbox.faults.add(MailFault("down"))
    people = tuple(sorted(world.people_of("plain")))[:2]
    run = a_run(deployment, "bksb_accounts", person_ids=people)
    plan_accounts(deployment, run)
    assert "Accounts are created anyway; the invitations follow once the mail server answers." in caplog.text
    for share in record_plan(deployment, run):
        apply_plan(deployment, run, share)
    assert {accounts_of(deployment)[person_id].state for person_id in people} == {"active"}
    sandbox.mailbox.faults.clear()
    run_accounts(deployment, "manual__2", person_ids=people)
    assert len(sandbox.mailbox.messages()) == 2


def test_a_password_removed_after_the_plan_leaves_no_creation_unfinished(deployment, sandbox, world):
    three = tuple(sorted(world.people_of("plain"))[:3])
    run = a_run(deployment, "bksb_accounts", person_ids=three)
    plan_accounts(deployment, run)
    without = replace(deployment, settings=replace(deployment.settings, default_password=None))
    for buckets in record_plan(deployment, run):
        with pytest.raises(ConfigurationError, match="Default Password"):
            apply_plan(without, run, buckets)
    states = "select distinct state from bksb.account where person_id = any(%s)"
    assert [row.state for row in query(deployment.reporting, states, list(three))] == ["pending"]
    assert "createUser" not in sandbox.site.calls
