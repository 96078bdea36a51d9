"""When bksb_accounts needs approval, what it does until it is approved, and what the next run is compared with."""

from __future__ import annotations

import pytest

from bksb.errors import MisContractError
from bksb.jobs.accounts import apply_plan, finish_accounts, plan_accounts, record_plan
from bksb.jobs.issues import open_issues
from bksb.jobs.runs import fail_run
from bksb.model import Issue
from bksb.reporting.store import open_store
from tests.conftest import query
from tests.runs import a_run, rows_of, run_accounts

UNTOUCHED = ("learner", "learner_contact", "account", "account_link", "issue", "run_person", "invitation")


@pytest.fixture
def plan(deployment):
    """Plan a run; return it with the question."""

    def plan(run_id, **changes):
        run = a_run(deployment, "bksb_accounts", run_id, **changes)
        return run, plan_accounts(deployment, run)

    return plan


def approvals(deployment):
    rows = query(deployment.reporting, "select run_id, reasons, outcome from bksb.approval order by planned_at")
    return [(row.run_id, row.reasons, row.outcome) for row in rows]


def approve(deployment, run):
    for buckets in record_plan(deployment, run):
        apply_plan(deployment, run, buckets)
    finish_accounts(deployment, run)


def newcomers(mis_fields, number):
    query(
        mis_fields,
        "insert into person (person_id, learn_ref_number, forenames, surname, email) select 'N' || n, 'NEW' || n, "
        "'Nova', 'Newcomer', 'new' || n || '@learner.example' from generate_series(1, %s) n",
        number,
    )
    query(
        mis_fields,
        "insert into episode (episode_id, person_id, programme, system_status, programme_status, start_date) "
        "select 900000 + n, 'N' || n, 'Test', 'Live', 'In Learning', current_date - 7 from generate_series(1, %s) n",
        number,
    )


def shrink(mis_fields, keep):
    """Keep one person in `keep` Live; with 1, bring back everyone who was Live before."""
    for table, key in (("episode", "episode_id"), ("application", "application_id")):
        if keep == 1:
            query(mis_fields, f"update {table} set system_status = 'Live' where system_status = 'Shrunk'")
        query(
            mis_fields,
            f"update {table} set system_status = 'Shrunk' where system_status = 'Live' and {key} %% %s <> 0",
            keep,
        )


def test_until_a_run_is_approved_each_one_asks_and_changes_nothing_but_its_plan(deployment, sandbox, plan):
    before = rows_of(deployment, *UNTOUCHED)
    for run_id in ("manual__1", "manual__2"):
        run, asked = plan(run_id)
        assert "No run that creates accounts has been approved yet" in asked
        finish_accounts(deployment, run)
    assert rows_of(deployment, *UNTOUCHED) == before and sandbox.site.calls == {}
    assert approvals(deployment) == [
        ("manual__1", ["first_run"], "rejected"),
        ("manual__2", ["first_run"], "rejected"),
    ]
    states = query(deployment.reporting, "select state from bksb.sync_run")
    assert [row.state for row in states] == ["success", "success"]


def test_after_an_approved_run_a_small_plan_goes_ahead_by_itself(deployment, mis_fields, plan):
    approve(deployment, plan("manual__1")[0])
    newcomers(mis_fields, 3)
    run, asked = plan("manual__2", max_new_accounts=3)
    assert asked == ""
    approve(deployment, run)
    assert approvals(deployment)[-1] == ("manual__2", [], "not_asked")
    assert query(deployment.reporting, "select state from bksb.account where person_id = 'N3'")[0].state == "active"


def test_more_creations_than_allowed_ask_again(deployment, mis_fields, plan, sandbox):
    approve(deployment, plan("manual__1")[0])
    newcomers(mis_fields, 4)
    sandbox.site.reset_counters()
    run, asked = plan("manual__2", max_new_accounts=3)
    assert "more new accounts than its approval threshold, 3." in asked
    finish_accounts(deployment, run)
    assert sandbox.site.calls == {} and approvals(deployment)[-1][1:] == (["many_new_accounts"], "rejected")


def test_people_that_bksb_refused_need_approval_again_only_under_another_username(
    deployment, mis_fields, plan, sandbox
):
    approve(deployment, plan("manual__1")[0])
    newcomers(mis_fields, 4)
    for number in range(1, 5):
        sandbox.site.create_user(f"NEW{number}", "Some", "Stranger", f"s{number}@learner.example", "a password")
    approve(deployment, plan("manual__2")[0])
    taken = query(deployment.reporting, "select 1 from bksb.issue where person_id ~ '^N' and code = 'username_taken'")
    assert len(taken) == 4
    assert plan("manual__3", max_new_accounts=0)[1] == "", "a creation that failed yesterday asks again every day"
    query(mis_fields, "update person set learn_ref_number = 'MORE' || learn_ref_number where person_id ~ '^N'")
    run, asked = plan("manual__4", max_new_accounts=3)
    assert "more new accounts than its approval threshold, 3." in asked
    finish_accounts(deployment, run)
    run, asked = plan("manual__5", max_new_accounts=3)
    assert asked, "a rejected creation counts as attempted"
    record_plan(deployment, run)
    assert plan("manual__5", max_new_accounts=3)[1], "a run that plans again was mistaken for an earlier run"


def test_a_link_that_bksb_did_not_answer_about_is_no_first_approval(deployment, mis_fields, world, plan):
    linked = tuple(sorted(world.people_of("stored_username"))[:1])
    run, asked = plan("manual__1", person_ids=linked)
    assert asked == ""
    record_plan(deployment, run)
    with open_store(deployment.reporting) as store, store.transaction():
        open_issues(store, [Issue("bksb_no_answer", linked[0], linked[0])], deployment.day_start())
    query(mis_fields, "update person set bksb_username = null where person_id = %s", *linked)
    assert "No run that creates accounts has been approved yet" in plan("manual__2", person_ids=linked)[1]


def test_an_approval_for_named_people_is_no_first_approval(deployment, world, plan):
    one, two = sorted(world.people_of("plain"))[:2]
    approve(deployment, plan("manual__1", person_ids=(one,))[0])
    assert approvals(deployment) == [("manual__1", ["first_run"], "approved")]
    for named in ((two,), ()):
        assert "No run that creates accounts has been approved yet" in plan("manual__2", person_ids=named)[1]
    approve(deployment, plan("manual__3")[0])
    assert plan("manual__4", person_ids=(two,))[1] == ""


def test_an_approved_shrunk_extract_is_no_first_approval(deployment, mis_fields, world, plan):
    linked = tuple(sorted(world.people_of("stored_username"))[:1])
    approve(deployment, plan("manual__1", person_ids=linked)[0])
    query(mis_fields, "update person set email = null")
    shrink(mis_fields, 3)
    run, asked = plan("manual__2")
    assert "more than twice as many" in asked
    approve(deployment, run)
    newcomers(mis_fields, 1)
    assert "No run that creates accounts has been approved yet" in plan("manual__3")[1]


def test_a_shrunk_extract_needs_approval_before_it_is_recorded_and_is_then_the_new_baseline(
    deployment, mis_fields, plan
):
    run_accounts(deployment)
    before = rows_of(deployment, *UNTOUCHED)
    shrink(mis_fields, 3)
    run, asked = plan("manual__2")
    assert "more than twice as many" in asked
    finish_accounts(deployment, run)
    assert rows_of(deployment, *UNTOUCHED) == before, "a rejected run recorded the people who left"
    run, asked = plan("manual__3")
    assert "more than twice as many" in asked, "a rejected run became the baseline"
    approve(deployment, run)
    assert plan("manual__4")[1] == ""


def test_an_extract_that_shrinks_while_the_run_waits_stops_it(deployment, sandbox, mis_fields, plan):
    run, _ = plan("manual__1")
    before = rows_of(deployment, *UNTOUCHED)
    shrink(mis_fields, 3)
    with pytest.raises(MisContractError, match="less than half"):
        record_plan(deployment, run)
    assert rows_of(deployment, *UNTOUCHED) == before and sandbox.site.calls == {}
    fail_run(deployment, run)
    assert approvals(deployment) == [("manual__1", ["first_run"], "failed")]
    shrink(mis_fields, 1)
    approve(deployment, run)  # in Airflow, staff clear record_plan once the MIS is complete again
    assert approvals(deployment) == [("manual__1", ["first_run"], "approved")]


def test_a_run_that_fails_after_approval_stays_approved_and_a_failed_question_can_still_be_answered(deployment, plan):
    run, _ = plan("manual__1")
    record_plan(deployment, run)
    fail_run(deployment, run)
    assert approvals(deployment)[-1][2] == "approved"
    run, _ = plan("manual__2")
    assert approvals(deployment)[-1][2] == "waiting"
    fail_run(deployment, run)
    assert approvals(deployment)[-1] == ("manual__2", [], "failed")
    # in Airflow, staff clear the failed approve_plan and then reject
    finish_accounts(deployment, run)
    assert [outcome for *_, outcome in approvals(deployment)] == ["approved", "rejected"]


def test_only_approved_actions_are_done_even_if_the_mis_changes_meanwhile(deployment, sandbox, mis_fields, world, plan):
    renamed, left, lost_email = sorted(world.people_of("plain"))[:3]
    run, _ = plan("manual__1")
    newcomers(mis_fields, 1)
    query(mis_fields, "update person set learn_ref_number = 'OTHER1' where person_id = %s", renamed)
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", left)
    query(mis_fields, "update person set email = null where person_id = %s", lost_email)
    approve(deployment, run)
    people = [renamed, left, lost_email, "N1"]
    served = query(
        deployment.reporting,
        "select person_id from bksb.account where person_id = any(%s) and bksb_user_id is not null",
        people,
    )
    assert served == [] and sandbox.site.find("OTHER1") is None and sandbox.site.find("NEW1") is None
    issues = query(deployment.reporting, "select person_id, code from bksb.issue where person_id = any(%s)", people)
    assert [tuple(row) for row in issues] == [(lost_email, "no_email")]
    run_accounts(deployment, "manual__2")
    served = query(
        deployment.reporting,
        "select username from bksb.account where person_id = any(%s) and state = 'active' order by 1",
        people,
    )
    assert [row.username for row in served] == ["NEW1", "OTHER1"]


def test_a_plan_with_nothing_to_create_needs_no_approval_even_the_first_time(deployment, plan, world):
    linked = tuple(sorted(world.people_of("stored_username"))[:2])
    assert plan("manual__1", person_ids=linked)[1] == ""


def test_a_dry_run_neither_asks_nor_counts_as_approved(deployment, plan):
    run, asked = plan("manual__dry", dry_run=True)
    assert asked == "" and record_plan(deployment, run) == []
    finish_accounts(deployment, run)
    assert approvals(deployment) == []


def test_a_run_that_plans_again_needs_approval_again(deployment, plan):
    run, _ = plan("manual__1")
    record_plan(deployment, run)
    assert approvals(deployment)[-1][2] == "approved"
    assert plan("manual__1")[1] != ""
    assert approvals(deployment) == [("manual__1", ["first_run"], "waiting")]


def test_a_rejected_run_that_is_approved_later_counts_as_approved(deployment, plan):
    run, _ = plan("manual__1")
    finish_accounts(deployment, run)
    assert approvals(deployment) == [("manual__1", ["first_run"], "rejected")]
    approve(deployment, run)  # in Airflow, staff clear approve_plan
    assert approvals(deployment) == [("manual__1", ["first_run"], "approved")]
    assert plan("manual__2")[1] == ""
