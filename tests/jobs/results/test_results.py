"""bksb_results from end to end, compared with the contents of the sandbox."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest

from bksb.api.client import BksbClient
from bksb.api.transport import RetryBudget
from bksb.errors import CheckFailedError, ConfigurationError, FatalError, KeyRefusedError, TransientError
from bksb.folders import SQL_FOLDER
from bksb.jobs.results import check_results, fetch_results, link_people, list_people
from bksb.jobs.runs import fail_run
from bksb.mis import Mis
from bksb.rules.task_split import BUCKETS, bucket_of
from bksb.rules.times import find_day_bounds, parse_bksb_time
from sandbox.bksb.faults.catalogue import Fault
from tests.conftest import IMPATIENT, client_of, query
from tests.runs import a_run, plan_results, rows_of, run_accounts, run_results, scheduled

RESULT_TABLES = ("assessment_result", "result_change", "skill_summary", "daily_activity", "issue", "account")


@pytest.fixture
def with_accounts(deployment, sandbox):
    """A deployment with accounts for its people."""
    run_accounts(deployment, invite=False)
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


def test_new_and_edited_results_are_loaded_and_the_old_text_is_kept(with_accounts, sandbox):
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


def test_daily_activity_agrees_with_a_count_of_the_sandbox(with_accounts, sandbox):
    run_results(with_accounts)
    zone = with_accounts.settings.timezone
    recount = Counter(
        (parse_bksb_time(completed_raw, zone).astimezone(zone).date(), source)
        for _, source, _, _, completed_raw in truth(with_accounts, sandbox)
    )
    rows = query(
        with_accounts.reporting, "select day, assessment_kind, sum(results) as n from bksb.daily_activity group by 1, 2"
    )
    assert {(row.day, row.assessment_kind): row.n for row in rows} == recount


def test_the_summary_agrees_with_plain_python(with_accounts):
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


def test_the_level_on_a_day_is_the_latest_before_the_day_ends(with_accounts, world):
    run_results(with_accounts)
    day = world.today - timedelta(days=100)
    _, end = find_day_bounds(day, with_accounts.settings.timezone)
    results = query(with_accounts.reporting, "select * from bksb.person_result where assessment_kind = 'initial'")
    expected = {}
    for r in sorted((r for r in results if r.level_code and r.completed_at < end), key=lambda r: r.completed_at):
        expected[r.person_id, r.subject] = r.level_code
    rows = query(with_accounts.reporting, "select * from bksb.skill_level_on(%s)", day)
    assert {(row.person_id, row.subject): row.level_code for row in rows} == expected and expected


def test_an_unknown_text_is_kept_raw_and_reported_once(with_accounts, sandbox):
    run_results(with_accounts)
    rows = query(with_accounts.reporting, "select subject_key from bksb.issue where code = 'unknown_result'")
    unread = query(
        with_accounts.reporting,
        "select distinct result_raw from bksb.assessment_result where level_code is null "
        "and assessment_kind = 'initial' and result_raw !~* 'gcse|functional'",
    )
    assert sorted(row.subject_key for row in rows) == sorted(row.result_raw for row in unread) != []


def test_a_scheduled_run_does_not_fetch_what_a_later_run_has_fetched(with_accounts, sandbox):
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


@pytest.fixture
def log_lines(caplog):
    """A function that returns the log lines of the jobs since the last call."""
    caplog.set_level(logging.INFO, logger="bksb.jobs")

    def take() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("bksb.jobs")]
        caplog.clear()
        return lines

    return take


def test_a_run_with_nothing_to_fetch_says_why_in_one_line(with_accounts, sandbox, log_lines):
    now = datetime.now(UTC)
    night = scheduled(now - timedelta(days=1), now - timedelta(minutes=30))
    end = night["interval_end"].astimezone(with_accounts.settings.timezone)
    run_results(with_accounts, "scheduled__1", **night)
    assert not [line for line in log_lines() if line.startswith("Nothing")]
    accounts = len(query(with_accounts.reporting, "select distinct bksb_user_id from bksb.account_source"))

    run_results(with_accounts, "scheduled__1", **night)
    covered = f"Nothing to fetch: all {accounts} accounts were read completely since {end:%Y-%m-%d %H:%M}."
    assert [line for line in log_lines() if "fetch" in line or "Read" in line] == [covered]

    backfill = night | {"run_type": "backfill", "day": with_accounts.today() - timedelta(days=1)}
    run_results(with_accounts, "backfill__1", **backfill)
    log_lines()
    query(
        with_accounts.reporting,
        "update bksb.account_source set synced_at = null, failed_at = now()"
        " where bksb_user_id = (select min(bksb_user_id) from bksb.account_source)",
    )
    sandbox.site.reset_counters()
    run_results(with_accounts, "backfill__1", **backfill)
    (line,) = [line for line in log_lines() if "fetch" in line]
    assert "; 1 failed within the last hour and will be asked again later." in line
    assert sandbox.site.calls == {}


def test_a_run_without_accounts_or_people_says_so_in_one_line(deployment, mis_fields, world, log_lines):
    query(mis_fields, "update person set bksb_username = null")
    run_results(deployment)
    (line,) = [line for line in log_lines() if "fetch" in line]
    people = len(world.eligible_on(world.today))
    no_accounts = f"Nothing to fetch: none of the {people} people eligible on {deployment.today()} has an active bksb"
    assert line.startswith(no_accounts)

    long_ago = datetime(1990, 1, 1, 3, tzinfo=UTC)
    run_results(deployment, "backfill__1", **scheduled(long_ago, long_ago + timedelta(1)) | {"run_type": "backfill"})
    assert [line for line in log_lines() if "fetch" in line] == ["Nothing to fetch: no one was eligible on 1990-01-01."]


def test_a_run_for_a_past_day_uses_the_people_of_that_day_and_does_not_change_learner(with_accounts, world):
    before = rows_of(with_accounts, "learner", "learner_contact")
    start = datetime.now(UTC) - timedelta(days=40)
    run_results(with_accounts, "backfill__1", **scheduled(start, start + timedelta(days=1)))
    assert rows_of(with_accounts, "learner", "learner_contact") == before
    people = query(with_accounts.reporting, "select person_id from bksb.run_person where run_id = 'backfill__1'")
    assert {row.person_id for row in people} == world.eligible_on(start.date())


def test_a_named_person_is_fetched_although_not_eligible(with_accounts, sandbox, mis_fields, world):
    person = sorted(set(world.people_of("sixty_results")) & set_of_active(with_accounts))[0]
    query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", person)
    run_results(with_accounts, person_ids=(person,))
    users = {key[0] for key in loaded(with_accounts)}
    (row,) = query(with_accounts.reporting, "select bksb_user_id from bksb.account where person_id = %s", person)
    assert users == {row.bksb_user_id}
    assert sum(sandbox.site.calls.values()) == 2


def test_a_run_that_names_a_person_without_an_account_fails_and_fetches_nothing(with_accounts, sandbox, world):
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


def test_one_learner_without_an_answer_does_not_stop_the_others_and_is_loaded_next_time(with_accounts, sandbox):
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


def test_an_api_that_is_down_fails_the_run_after_a_few_people(with_accounts):
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


def test_the_next_run_counts_the_days_that_an_unfinished_run_loaded(with_accounts, sandbox):
    run = a_run(with_accounts, "bksb_results", "manual__broken")
    for buckets in plan_results(with_accounts, run):
        fetch_results(with_accounts, run, buckets)
    fail_run(with_accounts, run)
    assert query(with_accounts.reporting, "select * from bksb.daily_activity") == []
    run_results(with_accounts, "manual__2")
    (total,) = query(with_accounts.reporting, "select sum(results) as n from bksb.daily_activity")
    assert total.n == sum(truth(with_accounts, sandbox).values())


def test_a_failed_check_is_named_with_the_ids_it_returned(with_accounts):
    run_results(with_accounts)
    query(
        with_accounts.reporting,
        "update bksb.assessment_result set completed_at = now() + interval '9 days' "
        "where bksb_user_id = (select min(bksb_user_id) from bksb.assessment_result)",
    )
    (row,) = query(with_accounts.reporting, "select min(bksb_user_id) as id from bksb.assessment_result")
    with pytest.raises(CheckFailedError, match=rf"find_results_from_the_future\.sql returned {row.id}"):
        check_results(with_accounts, a_run(with_accounts, "bksb_results"))


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
        check_results(with_accounts, a_run(with_accounts, "bksb_results"))


def test_results_of_a_moved_account_belong_to_the_new_person_only(with_accounts):
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
    assert {holder.person_id for holder in holders} == {second}


def test_calls_never_exceed_the_threads_of_a_task(with_accounts, sandbox):
    sandbox.site.latency = 0.02
    run_results(with_accounts)
    assert sandbox.site.peak_concurrency == 8


def an_active_user(deployment, sandbox):
    rows = query(
        deployment.reporting, "select person_id, bksb_user_id from bksb.account where state = 'active' order by 1"
    )
    return next(row for row in rows if sandbox.site.results(row.bksb_user_id, "initial"))


def test_a_task_fetches_only_the_people_of_its_buckets(with_accounts):
    run = a_run(with_accounts, "bksb_results")
    (share,) = plan_results(with_accounts, run)
    half = set(share[::2])
    fetch_results(with_accounts, run, half)
    rows = query(
        with_accounts.reporting,
        "select distinct person_id from bksb.account join bksb.account_source using (bksb_user_id)",
    )
    fetched = {row.person_id for row in rows}
    assert fetched and {bucket_of(person_id) for person_id in fetched} <= half
    assert fetched != set_of_active(with_accounts)


def test_scheduled_runs_at_the_same_time_fetch_everything_once(with_accounts, sandbox):
    sandbox.site.latency = 0.01
    now = datetime.now(UTC)
    night = scheduled(now - timedelta(days=1), now - timedelta(minutes=30))
    runs = [a_run(with_accounts, "bksb_results", f"scheduled__{n}", **night) for n in range(3)]
    shares = [plan_results(with_accounts, run) for run in runs]
    (share,) = shares[0]
    sandbox.site.reset_counters()
    threads = [threading.Thread(target=fetch_results, args=(with_accounts, run, share)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    due = query(with_accounts.reporting, "select count(*) as n from bksb.account_source")[0].n
    pages = sum(sandbox.site.calls.values())
    fetch_results(with_accounts, replace(runs[0], full_refresh=True), share)
    assert sum(sandbox.site.calls.values()) == 2 * pages and due > 0


def test_a_run_for_one_learner_does_not_wait_for_the_nightly_run(with_accounts, sandbox):
    person = sorted(set_of_active(with_accounts))[0]
    asked = threading.Thread(target=run_results, args=(with_accounts,), kwargs={"person_ids": (person,)})
    with with_accounts.open_store() as night:
        night.lock_buckets(range(BUCKETS))
        asked.start()
        asked.join(60)
        waits = asked.is_alive()
    asked.join()
    assert not waits
    assert sum(sandbox.site.calls.values()) >= 2
    assert len(query(with_accounts.reporting, "select distinct bksb_user_id from bksb.account_source")) == 1


@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_error_under_any_status_is_never_an_empty_list(with_accounts, status):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"Message": "An error has occurred."}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    broken = replace(
        with_accounts,
        make_client=lambda: BksbClient(f"http://127.0.0.1:{server.server_port}", "AK", "SK", budget=IMPATIENT),
    )
    person = sorted(set_of_active(with_accounts))[0]
    run_results(broken, person_ids=(person,))
    server.shutdown()
    server.server_close()
    assert query(with_accounts.reporting, "select 1 from bksb.account_source where synced_at is not null") == []
    (issue,) = query(with_accounts.reporting, "select * from bksb.issue where code = 'results_no_answer'")
    assert (issue.person_id, issue.resolved_at) == (person, None)


@pytest.mark.parametrize(
    "poison",
    [
        {"result": "with \0 in it"},
        {"assessment_id": 2**63},
        {"completed_raw": "9999-12-31T23:59:59-05:00"},
        {"completed_raw": "9999-12-31T23:59:59"},
        {"course_name": "x" * 100_000},
        {"result": "long " * 100},
    ],
)
def test_an_extreme_result_is_loaded_and_a_second_run_changes_nothing(with_accounts, sandbox, poison):
    user = an_active_user(with_accounts, sandbox)
    facts = {"result": "English Level 1", "completed_raw": "2026-11-20T14:03:12"} | poison
    session = sandbox.site.add_result(
        user.bksb_user_id, "initial", facts.pop("result"), facts.pop("completed_raw"), **facts
    )
    run_results(with_accounts)
    assert len(loaded(with_accounts)) == sum(truth_count(with_accounts, sandbox).values())
    assert query(with_accounts.reporting, "select 1 from bksb.assessment_result where session_id = %s", str(session))
    before = rows_of(with_accounts, *RESULT_TABLES)
    run_results(with_accounts, "manual__2")
    assert rows_of(with_accounts, *RESULT_TABLES) == before


def truth_count(deployment, sandbox) -> Counter:
    users = query(deployment.reporting, "select bksb_user_id from bksb.account where state = 'active'")
    return Counter(
        {
            (row.bksb_user_id, source): len(sandbox.site.results(row.bksb_user_id, source))
            for row in users
            for source in ("initial", "diagnostic")
        }
    )


def test_a_result_from_the_future_keeps_its_text_and_counts_for_no_day(with_accounts, sandbox):
    user = an_active_user(with_accounts, sandbox)
    later = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%S")
    session = sandbox.site.add_result(user.bksb_user_id, "initial", "English Level 3", later)
    run_results(with_accounts)
    statement = "select completed_at, completed_raw from bksb.assessment_result where session_id = %s"
    assert [tuple(row) for row in query(with_accounts.reporting, statement, str(session))] == [(None, later)]
    assert query(with_accounts.reporting, "select 1 from bksb.skill_summary")
    issues = "select resolved_at is null as open from bksb.issue where code = 'unreadable_date'"
    assert [row.open for row in query(with_accounts.reporting, issues)] == [True]
    sandbox.site.edit_result(user.bksb_user_id, "initial", session, completed_raw="2026-11-20T10:00:00")
    run_results(with_accounts, "manual__2")
    assert [row.open for row in query(with_accounts.reporting, issues)] == [False]


def test_an_issue_about_a_text_is_resolved_when_no_result_has_it(with_accounts, sandbox):
    user = an_active_user(with_accounts, sandbox)
    session = sandbox.site.add_result(user.bksb_user_id, "diagnostic", "absent", "2026-11-20T10:00:00")
    open_issues = "select resolved_at is null as open from bksb.issue where subject_key = 'absent'"
    run_results(with_accounts)
    run_results(with_accounts, "manual__2")
    assert [row.open for row in query(with_accounts.reporting, open_issues)] == [True]
    sandbox.site.edit_result(user.bksb_user_id, "diagnostic", session, result="55%")
    run_results(with_accounts, "manual__3")
    assert [row.open for row in query(with_accounts.reporting, open_issues)] == [False]


def test_the_next_run_counts_the_days_that_a_failed_second_attempt_loaded(with_accounts, sandbox):
    run = run_results(with_accounts)
    user = an_active_user(with_accounts, sandbox)
    sandbox.site.add_result(user.bksb_user_id, "initial", "Maths Level 1", "2026-11-20T10:00:00")
    for buckets in plan_results(with_accounts, run):
        fetch_results(with_accounts, run, buckets)
    fail_run(with_accounts, run)
    run_results(with_accounts, "manual__2")
    (total,) = query(with_accounts.reporting, "select sum(results) as n from bksb.daily_activity")
    assert total.n == sum(truth(with_accounts, sandbox).values())


def test_days_are_in_the_sites_time_zone_and_an_emptied_day_is_deleted(with_accounts, sandbox):
    user = an_active_user(with_accounts, sandbox)
    session = sandbox.site.add_result(user.bksb_user_id, "initial", "ICT Level 1", "2020-07-01T23:30:00")
    another = sandbox.site.add_result(user.bksb_user_id, "initial", "ICT Level 1", "2020-07-02T00:10:00")
    run_results(with_accounts)
    counted = (
        "select day::text, results, learners from bksb.daily_activity "
        "where day between '2020-06-01' and '2020-08-01' order by 1"
    )
    assert [tuple(row) for row in query(with_accounts.reporting, counted)] == [
        ("2020-07-01", 1, 1),
        ("2020-07-02", 1, 1),
    ]
    sandbox.site.edit_result(user.bksb_user_id, "initial", session, completed_raw="2020-07-02T09:00:00")
    run_results(with_accounts, "manual__2")
    assert [tuple(row) for row in query(with_accounts.reporting, counted)] == [("2020-07-02", 2, 1)]
    assert another != session


def test_a_result_that_arrives_during_the_fetch_does_not_count_as_covered(with_accounts, sandbox):
    class Slow(BksbClient):
        def initial_assessments(self, user_id):
            listing = super().initial_assessments(user_id)
            sandbox.site.add_result(user_id, "initial", "English Level 2", datetime.now().strftime("%Y-%m-%dT%H:%M:%S"))  # noqa: DTZ005
            return listing

    person = an_active_user(with_accounts, sandbox)
    slow = replace(with_accounts, make_client=lambda: client_of(sandbox, Slow))
    began = datetime.now(UTC)
    run_results(slow, person_ids=(person.person_id,))
    rows = query(with_accounts.reporting, "select synced_at from bksb.account_source where source = 'initial'")
    assert [row.synced_at <= began - timedelta(minutes=4) for row in rows] == [True]


def test_a_manual_run_always_fetches_even_with_an_interval(with_accounts, sandbox):
    now = datetime.now(UTC)
    night = scheduled(now - timedelta(days=2), now - timedelta(days=1))
    run_results(with_accounts)
    sandbox.site.reset_counters()
    run_results(with_accounts, "scheduled__1", **night)
    assert sandbox.site.calls == {}
    run_results(with_accounts, "manual__2", **(night | {"run_type": "manual"}))
    assert sum(sandbox.site.calls.values()) > 100
    sandbox.site.reset_counters()
    person = an_active_user(with_accounts, sandbox).person_id
    run_results(with_accounts, "backfill__2", person_ids=(person,), **(night | {"run_type": "backfill"}))
    assert sum(sandbox.site.calls.values()) >= 2


def test_a_stale_account_is_not_fetched(with_accounts, sandbox):
    user = an_active_user(with_accounts, sandbox)
    query(with_accounts.reporting, "update bksb.account set state = 'stale' where person_id = %s", user.person_id)
    run_results(with_accounts)
    assert user.bksb_user_id not in {key[0] for key in loaded(with_accounts)}


def test_a_session_under_two_users_of_one_person_counts_once(with_accounts, sandbox):
    run_results(with_accounts)
    user = an_active_user(with_accounts, sandbox)
    count = "select count(*) as n from bksb.person_result where person_id = %s"
    before = query(with_accounts.reporting, count, user.person_id)[0].n
    query(
        with_accounts.reporting,
        "insert into bksb.account_link values (%s, 999, now() - interval '1 year', now() - interval '1 day')",
        user.person_id,
    )
    columns = ", ".join(
        row.column_name
        for row in query(
            with_accounts.reporting,
            "select column_name from information_schema.columns where table_schema = 'bksb' "
            "and table_name = 'assessment_result' and column_name <> 'bksb_user_id' order by ordinal_position",
        )
    )
    query(
        with_accounts.reporting,
        f"insert into bksb.assessment_result (bksb_user_id, {columns}) select 999, {columns} "
        "from bksb.assessment_result where bksb_user_id = %s",
        user.bksb_user_id,
    )
    assert before > 0 and query(with_accounts.reporting, count, user.person_id)[0].n == before
    vanished = "update bksb.assessment_result set missing_since = now() where bksb_user_id = %s"
    query(with_accounts.reporting, vanished, user.bksb_user_id)
    assert query(with_accounts.reporting, count, user.person_id)[0].n == 0


def test_what_arrived_before_the_key_was_refused_is_kept(with_accounts, sandbox):
    class RefusedLater(BksbClient):
        calls = itertools.count()

        def diagnostic_assessments(self, user_id):
            if next(self.calls) >= 20:
                raise KeyRefusedError("refused")
            return super().diagnostic_assessments(user_id)

    with pytest.raises(KeyRefusedError):
        run_results(replace(with_accounts, make_client=lambda: client_of(sandbox, RefusedLater)))
    assert len({key[0] for key in loaded(with_accounts)}) >= 10


def test_a_creation_that_starts_after_the_plan_is_not_linked_to_the_username_in_the_mis(deployment, world):
    person_id = sorted(world.people_of("stored_username"))[0]
    run = a_run(deployment, "bksb_results")
    shares = list_people(deployment, run)
    query(
        deployment.reporting,
        "insert into bksb.account (person_id, username, state) values (%s, 'in.doubt', 'creating')",
        person_id,
    )
    assert shares
    for buckets in shares:
        link_people(deployment, run, buckets)
    row = query(deployment.reporting, "select state, username from bksb.account where person_id = %s", person_id)[0]
    assert tuple(row) == ("creating", "in.doubt")


def test_a_run_for_people_with_accounts_does_not_read_the_mis(with_accounts, mis_fields):
    away = replace(with_accounts, mis=Mis(replace(mis_fields, port=1), SQL_FOLDER / "mis" / "eligible_learners.sql"))
    person_id = sorted(set_of_active(with_accounts))[0]
    run_results(away, person_ids=(person_id,))
    (row,) = query(with_accounts.reporting, "select counts from bksb.sync_run where dag_id = 'bksb_results'")
    assert row.counts["people"] == 1
    with pytest.raises(TransientError, match="MIS"):
        run_results(away, "manual__2", person_ids=(person_id, "P-without-an-account"))


def test_the_counts_of_a_run_are_those_of_its_last_attempt(with_accounts, sandbox):
    run_results(with_accounts)
    run_results(with_accounts)
    statement = "select counts from bksb.sync_run where dag_id = 'bksb_results' order by attempt"
    first, again = (row.counts for row in query(with_accounts.reporting, statement))
    assert first["added"] == first["results"] == again["results"] > 0
    assert (again["added"], again["changed"], again["missing"]) == (0, 0, 0)


def test_a_backfill_fetches_nothing_for_a_day_that_the_nightly_run_has_covered(with_accounts, sandbox):
    """The nightly run starts within CLOCK_MARGIN of its interval's end, so it does not cover its own interval."""
    end = datetime.now(UTC) - timedelta(seconds=30)
    night = scheduled(end - timedelta(days=1), end) | {"day": with_accounts.today() - timedelta(days=1)}
    run_results(with_accounts, "scheduled__1", **night)
    sandbox.site.reset_counters()
    run_results(with_accounts, "backfill__1", **(night | {"run_type": "backfill"}))
    assert sandbox.site.calls == {}


def test_one_text_in_two_sources_is_one_issue_and_is_not_rewritten(with_accounts, sandbox):
    users = query(with_accounts.reporting, "select bksb_user_id as id from bksb.account where state = 'active'")
    for source in ("initial", "diagnostic"):
        for user in users[:2]:
            sandbox.site.add_result(user.id, source, "Band Nine", "2026-11-20T09:00:00")
    run_results(with_accounts)
    before = rows_of(with_accounts, "issue")
    run_results(with_accounts, "manual__2")
    assert rows_of(with_accounts, "issue") == before


def test_a_failed_person_stays_an_issue_although_no_one_is_recorded_as_eligible(with_accounts, sandbox):
    """A site that runs only bksb_results has no learners recorded."""
    query(with_accounts.reporting, "update bksb.learner set eligible = false")
    user = query(with_accounts.reporting, "select min(bksb_user_id) as id from bksb.account")[0].id
    sandbox.site.faults.add(Fault("500", user=user))
    run_results(with_accounts)
    issues = "select 1 from bksb.issue where code = 'results_no_answer' and resolved_at is null"
    assert len(query(with_accounts.reporting, issues)) == 1


def test_a_person_known_from_a_backfill_only_has_no_starting_point(with_accounts):
    run_results(with_accounts)
    starts = "select count(starting_at) as n from bksb.skill_summary"
    assert query(with_accounts.reporting, starts)[0].n > 0
    query(with_accounts.reporting, "delete from bksb.learner")
    run_results(with_accounts, "manual__2")
    assert query(with_accounts.reporting, starts)[0].n == 0
    assert query(with_accounts.reporting, "select count(latest_at) as n from bksb.skill_summary")[0].n > 0


def test_the_level_on_a_day_uses_the_time_zone_of_the_summaries(with_accounts):
    settings = replace(with_accounts.settings, timezone=ZoneInfo("Australia/Perth"))
    run_results(replace(with_accounts, settings=settings))
    by_default, in_perth, in_london = (
        {
            tuple(row)
            for day in ("2026-11-01", "2026-03-01", "2025-11-01")
            for row in query(
                with_accounts.reporting, f"select %s, t.* from bksb.skill_level_on(%s{zone}) as t", day, day
            )
        }
        for zone in ("", ", 'Australia/Perth'", ", 'Europe/London'")
    )
    assert by_default == in_perth and in_london
