"""bksb_results from end to end, compared with what the sandbox itself holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bksb import jobs
from bksb.client import BksbClient
from bksb.errors import ConfigurationError, FatalError, PromiseBrokenError, TransientError
from bksb.times import day_bounds, read_bksb_time
from bksb.transport import RetryBudget
from tests.conftest import query
from tests.jobs.conftest import a_run, rows_of, run_accounts, run_results, scheduled

RESULT_TABLES = ("assessment_result", "result_change", "skill_summary", "daily_activity", "issue", "account")


@pytest.fixture
def with_accounts(deployment, sandbox):
    """A deployment whose people have their accounts already."""
    run_accounts(deployment)
    sandbox.site.reset_counters()
    return deployment


def truth(deployment, sandbox) -> Counter:
    """What the sandbox holds for the active accounts: (user, source, session, text, date)."""
    users = query(deployment.reporting, "select bksb_user_id from bksb.account where state = 'active'")
    return Counter(
        (row.bksb_user_id, source, str(result.session_id), str(result.result), result.completed_raw)
        for row in users
        for source in ("initial", "diagnostic")
        for result in sandbox.site.results(row.bksb_user_id, source)
    )


def loaded(deployment) -> Counter:
    rows = query(
        deployment.reporting,
        "select bksb_user_id, source, session_id, result_raw, completed_raw from bksb.assessment_result",
    )
    return Counter(tuple(row) for row in rows)


def test_every_result_of_every_active_account_is_loaded(with_accounts, sandbox):
    run_results(with_accounts)
    assert loaded(with_accounts) == truth(with_accounts, sandbox)
    assert max(Counter(user for user, *_ in loaded(with_accounts)).values()) > 100


def test_a_second_run_changes_nothing(with_accounts, sandbox):
    run_results(with_accounts)
    before = rows_of(with_accounts, *RESULT_TABLES)
    run_results(with_accounts, "manual__2")
    assert rows_of(with_accounts, *RESULT_TABLES) == before
    assert sandbox.site.calls.get("createUser", 0) == 0


def test_a_new_and_an_edited_result_arrive_and_the_old_text_is_kept(with_accounts, sandbox):
    run_results(with_accounts)
    user = next(u for u in sandbox.site.users() if sandbox.site.results(u.user_id, "initial"))
    session = sandbox.site.results(user.user_id, "initial")[0]
    sandbox.site.edit_result(user.user_id, "initial", session.session_id, result="English Level 2")
    new = sandbox.site.add_result(user.user_id, "initial", "Maths Level 1", "2026-11-20T09:00:00")
    assert user.user_id in {key[0] for key in loaded(with_accounts)}
    run_results(with_accounts, "manual__2")
    assert loaded(with_accounts) == truth(with_accounts, sandbox)
    (change,) = query(with_accounts.reporting, "select * from bksb.result_change")
    assert (change.session_id, change.result_raw) == (str(session.session_id), str(session.result))
    assert (change.run_id, change.replaced_by_run_id) == ("manual__1", "manual__2")
    (line,) = query(
        with_accounts.reporting,
        "select counts from bksb.sync_run where run_id = 'manual__2' and dag_id = 'bksb_results'",
    )
    assert (line.counts["added"], line.counts["changed"]) == (1, 1)
    assert query(with_accounts.reporting, "select 1 from bksb.assessment_result where session_id = %s", str(new))


def test_daily_activity_is_what_a_recount_of_the_sandbox_gives(with_accounts, sandbox):
    run_results(with_accounts)
    zone = with_accounts.settings.timezone
    recount = Counter(
        (read_bksb_time(completed_raw, zone).astimezone(zone).date(), source)
        for _, source, _, _, completed_raw in truth(with_accounts, sandbox)
    )
    rows = query(
        with_accounts.reporting, "select day, assessment_kind, sum(results) as n from bksb.daily_activity group by 1, 2"
    )
    assert {(row.day, row.assessment_kind): row.n for row in rows} == recount


def test_the_summary_is_what_plain_python_makes_of_the_results(with_accounts):
    run_results(with_accounts)
    results = query(with_accounts.reporting, "select * from bksb.person_result")
    starts = {r.person_id: r for r in query(with_accounts.reporting, "select * from bksb.learner")}
    summary = query(with_accounts.reporting, "select * from bksb.skill_summary")
    assert {(s.person_id, s.subject) for s in summary} == {(r.person_id, r.subject) for r in results}
    for line in summary:
        mine = [r for r in results if (r.person_id, r.subject) == (line.person_id, line.subject)]
        levels = sorted(
            (r.completed_at, r.source, r.session_id, r.component, r.level_code, r.level_order)
            for r in mine
            if r.assessment_kind == "initial" and r.level_code
        )
        learner = starts[line.person_id]
        earliest = (
            datetime.min.replace(tzinfo=UTC)
            if learner.start_on is None
            else datetime.combine(learner.start_on, datetime.min.time(), UTC) - timedelta(days=183)
        )
        counting = [level for level in levels if level[0] >= earliest]
        assert line.latest_level_code == (levels[-1][4] if levels else None)
        assert line.best_level_order == (max(level[5] for level in levels) if levels else None)
        assert line.starting_level_code == (counting[0][4] if counting else None)
        assert line.last_assessed_at == max(r.completed_at for r in mine)


def test_the_level_on_a_day_is_the_latest_up_to_its_end(with_accounts, world):
    run_results(with_accounts)
    day = world.today - timedelta(days=100)
    _, end = day_bounds(day, with_accounts.settings.timezone)
    results = query(with_accounts.reporting, "select * from bksb.person_result where assessment_kind = 'initial'")
    expected = {}
    for r in sorted((r for r in results if r.level_code and r.completed_at < end), key=lambda r: r.completed_at):
        expected[r.person_id, r.subject] = r.level_code
    rows = query(with_accounts.reporting, "select * from bksb.skill_level_on(%s)", day)
    assert {(row.person_id, row.subject): row.level_code for row in rows} == expected and expected


def test_a_text_that_is_new_to_us_is_kept_raw_and_reported_once(with_accounts, sandbox):
    run_results(with_accounts)
    rows = query(with_accounts.reporting, "select subject_key from bksb.issue where code = 'unknown_result'")
    unread = query(
        with_accounts.reporting,
        "select distinct result_raw from bksb.assessment_result where level_code is null "
        "and assessment_kind = 'initial' and result_raw !~* 'gcse|functional'",
    )
    assert sorted(row.subject_key for row in rows) == sorted(row.result_raw for row in unread) != []


def test_a_scheduled_run_asks_nothing_that_a_later_answer_covers(with_accounts, sandbox):
    now = datetime.now(UTC)
    night = scheduled(now - timedelta(days=1), now - timedelta(minutes=30))
    run_results(with_accounts, "scheduled__1", **night)
    assert sum(sandbox.site.calls.values()) > 0
    sandbox.site.reset_counters()
    run_results(with_accounts, "scheduled__1", **night)
    earlier = scheduled(now - timedelta(days=9), now - timedelta(days=8))
    run_results(with_accounts, "backfill__1", **(earlier | {"run_type": "backfill"}))
    assert sandbox.site.calls == {}
    run_results(with_accounts, "scheduled__2", **scheduled(now - timedelta(minutes=30), now + timedelta(days=1)))
    assert sum(sandbox.site.calls.values()) > 0
    sandbox.site.reset_counters()
    run_results(with_accounts, "backfill__1", **(earlier | {"run_type": "backfill", "full_refresh": True}))
    assert sum(sandbox.site.calls.values()) > 0


def test_a_past_day_is_about_the_people_of_that_day_and_leaves_learner_alone(with_accounts, world):
    before = rows_of(with_accounts, "learner", "learner_contact")
    start = datetime.now(UTC) - timedelta(days=40)
    run_results(with_accounts, "backfill__1", **scheduled(start, start + timedelta(days=1)))
    assert rows_of(with_accounts, "learner", "learner_contact") == before
    people = query(with_accounts.reporting, "select person_id from bksb.run_person where run_id = 'backfill__1'")
    assert {row.person_id for row in people} == world.eligible_on(start.date())


def test_a_person_named_is_fetched_though_not_eligible(with_accounts, sandbox, mis_fields, world):
    person = sorted(set(world.people_of("sixty_results")) & set_of_active(with_accounts))[0]
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", person)
    run_results(with_accounts, person_ids=(person,))
    users = {key[0] for key in loaded(with_accounts)}
    (row,) = query(with_accounts.reporting, "select bksb_user_id from bksb.account where person_id = %s", person)
    assert users == {row.bksb_user_id}
    assert sum(sandbox.site.calls.values()) == 2


def test_naming_somebody_without_an_account_says_so_and_fetches_nobody(with_accounts, sandbox, world):
    (blocked,) = world.people_of("no_email")
    active = sorted(set_of_active(with_accounts))[0]
    with pytest.raises(ConfigurationError, match=f"names 1 people without an active bksb account: {blocked}"):
        run_results(with_accounts, person_ids=(active, blocked))
    assert sandbox.site.calls == {}


def set_of_active(deployment) -> set[str]:
    return {
        row.person_id
        for row in query(deployment.reporting, "select person_id from bksb.account where state = 'active'")
    }


def test_one_learner_without_an_answer_stops_nobody_and_heals_next_time(with_accounts, sandbox):
    victim = next(iter(sorted(set_of_active(with_accounts))))
    (row,) = query(with_accounts.reporting, "select bksb_user_id from bksb.account where person_id = %s", victim)

    class FailsForOne(BksbClient):
        def initial_assessments(self, user_id):
            if user_id == row.bksb_user_id:
                raise TransientError("always for this one")
            return super().initial_assessments(user_id)

    partly = replace(
        with_accounts, make_client=lambda: FailsForOne(sandbox.url, sandbox.access_key, sandbox.secret_key)
    )
    run_results(partly)
    issues = "select person_id, resolved_at from bksb.issue where code = 'results_no_answer'"
    assert [(i.person_id, i.resolved_at) for i in query(with_accounts.reporting, issues)] == [(victim, None)]
    assert len({key[0] for key in loaded(with_accounts)}) > 50
    run_results(with_accounts, "manual__2")
    assert loaded(with_accounts) == truth(with_accounts, sandbox)
    assert query(with_accounts.reporting, issues)[0].resolved_at is not None


def test_an_api_that_is_away_fails_the_run_after_a_few_people(with_accounts):
    away = replace(
        with_accounts,
        make_client=lambda: BksbClient("http://127.0.0.1:1", "AK", "SK", budget=RetryBudget(attempts=1)),
    )
    with pytest.raises(TransientError, match="8 people in a row"):
        run_results(away)


def test_an_older_answer_never_replaces_a_newer_one(with_accounts, sandbox):
    run_results(with_accounts)
    user = next(u for u in sandbox.site.users() if sandbox.site.results(u.user_id, "initial"))
    query(
        with_accounts.reporting,
        "update bksb.account_source set synced_at = now() + interval '1 hour' where bksb_user_id = %s",
        user.user_id,
    )
    session = sandbox.site.results(user.user_id, "initial")[0]
    sandbox.site.edit_result(user.user_id, "initial", session.session_id, result="English Level 3")
    before = loaded(with_accounts)
    run_results(with_accounts, "manual__2")
    assert loaded(with_accounts) == before


def test_days_loaded_by_a_run_that_never_ended_are_counted_by_the_next(with_accounts, sandbox):
    run = a_run(with_accounts, "bksb_results", "manual__broken")
    for buckets in jobs.plan_fetches(with_accounts, run):
        jobs.fetch_results(with_accounts, run, buckets)
    jobs.fail_run(with_accounts, run)
    assert query(with_accounts.reporting, "select * from bksb.daily_activity") == []
    run_results(with_accounts, "manual__2")
    (total,) = query(with_accounts.reporting, "select sum(results) as n from bksb.daily_activity")
    assert total.n == sum(truth(with_accounts, sandbox).values())


def test_a_broken_promise_fails_the_run_with_the_name_of_the_check_and_the_ids(with_accounts):
    run_results(with_accounts)
    query(
        with_accounts.reporting,
        "update bksb.assessment_result set completed_at = now() + interval '9 days' "
        "where bksb_user_id = (select min(bksb_user_id) from bksb.assessment_result)",
    )
    (row,) = query(with_accounts.reporting, "select min(bksb_user_id) as id from bksb.assessment_result")
    with pytest.raises(PromiseBrokenError, match=rf"find_results_from_the_future\.sql returned {row.id}"):
        jobs.check_results(with_accounts)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("delete from bksb.account_link", "find_orphan_results"),
        ("delete from bksb.account_link", "find_active_accounts_without_link"),
    ],
)
def test_every_check_can_fail(with_accounts, damage, check):
    run_results(with_accounts)
    query(with_accounts.reporting, damage)
    with pytest.raises(FatalError, match=check):
        jobs.check_results(with_accounts)


def test_a_result_of_an_account_that_moved_to_another_person_is_shown_for_the_new_holder_only(with_accounts):
    run_results(with_accounts)
    first, second = sorted(set_of_active(with_accounts))[:2]
    (row,) = query(with_accounts.reporting, "select bksb_user_id from bksb.account where person_id = %s", first)
    query(
        with_accounts.reporting, "update bksb.account_link set to_at = now() where person_id in (%s, %s)", first, second
    )
    query(with_accounts.reporting, "insert into bksb.account_link values (%s, %s, now())", second, row.bksb_user_id)
    holders = query(
        with_accounts.reporting,
        "select distinct person_id from bksb.person_result where bksb_user_id = %s",
        row.bksb_user_id,
    )
    assert {holder.person_id for holder in holders} <= {second}


def test_calls_never_exceed_the_threads_of_a_task(with_accounts, sandbox):
    sandbox.site.latency = 0.02
    run_results(with_accounts)
    assert sandbox.site.peak_concurrency == 8
