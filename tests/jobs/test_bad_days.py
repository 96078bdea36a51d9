"""bksb_results with every source and with faults: no result is missing or duplicated."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from bksb.api.client import V5_SUBJECTS, BksbClient
from bksb.api.transport import RetryBudget
from bksb.errors import RejectedError, TransientError
from bksb.jobs.results import check_results, fetch_results, publish_results
from bksb.reporting.migrations import migrate
from dev.services.postgres.server import Postgres
from sandbox.bksb.behaviour import Behaviour
from sandbox.bksb.faults.catalogue import Fault
from tests.conftest import fields_of, query
from tests.runs import a_run, backfilled, plan_results, rows_of, run_accounts, run_results, scheduled, users_of
from tests.whole_runs.edges import watched

SOURCES = ("initial", "diagnostic", "v5")
TABLES = ("assessment_result", "result_change", "account_source", "skill_summary", "daily_activity", "issue")
PATIENT = RetryBudget(attempts=8, first_wait_seconds=0.02, longest_wait_seconds=0.1)
TRANSIENT = ("429", "500", "503", "reset", "truncated")
CAP = 20


@pytest.fixture
def with_accounts(deployment, sandbox):
    """A deployment with accounts for its people, and a client that retries often."""
    run_accounts(deployment, invite=False)
    sandbox.site.reset_counters()
    return replace(
        deployment,
        settings=replace(deployment.settings, sources=SOURCES),
        make_client=lambda: BksbClient(sandbox.url, sandbox.access_key, sandbox.secret_key, budget=PATIENT),
    )


def truth(users, sandbox) -> Counter:
    """What the sandbox holds for these users: (user, source, session, component, text)."""
    found = Counter()
    for user in users:
        for source in ("initial", "diagnostic"):
            for result in sandbox.site.results(user, source):
                found[user, source, str(result.session_id), "", str(result.result)] += 1
        for session in sandbox.site.results(user, "v5"):
            if session.course_subject in V5_SUBJECTS:
                for part in session.components:
                    text = part.ability_measurement or ""
                    found[user, "v5", str(session.session_id), part.course_component_name, text] += 1
    return found


def loaded(deployment, users=None) -> Counter:
    rows = query(
        deployment.reporting,
        "select bksb_user_id, source, session_id, component, result_raw from bksb.assessment_result"
        " where missing_since is null and (%s::bigint[] is null or bksb_user_id = any(%s))",
        users,
        users,
    )
    return Counter(tuple(row) for row in rows)


def open_issues(deployment) -> Counter:
    rows = query(deployment.reporting, "select code from bksb.issue where resolved_at is null and code like 'results%'")
    return Counter(row.code for row in rows)


def assert_nothing_is_missing(deployment, sandbox) -> None:
    users = users_of(deployment)
    assert loaded(deployment) == truth(users, sandbox)
    assert open_issues(deployment) == {}
    synced = query(deployment.reporting, "select 1 from bksb.account_source where synced_at is not null")
    assert len(synced) == len(SOURCES) * len(users)


@pytest.mark.parametrize("null", ["always", "never"])
def test_a_user_without_v5_sessions_may_be_null_or_an_empty_list(with_accounts, sandbox, null):
    sandbox.site.behaviour = Behaviour(null_for_no_sessions=null)
    run_results(with_accounts)
    assert any(not sandbox.site.results(user, "v5") for user in users_of(with_accounts))
    assert_nothing_is_missing(with_accounts, sandbox)


def test_pages_capped_at_twenty_lose_nothing(with_accounts, sandbox):
    sandbox.site.behaviour = Behaviour(page_cap=CAP)
    run_results(with_accounts)
    assert max(len(sandbox.site.results(user, "initial")) for user in users_of(with_accounts)) > 2 * CAP
    assert_nothing_is_missing(with_accounts, sandbox)


def test_one_run_loads_everything_although_every_twentieth_call_fails(with_accounts, sandbox):
    sandbox.site.faults.add(*(Fault(kind, probability=0.05 / len(TRANSIENT)) for kind in TRANSIENT))
    run_results(with_accounts)
    assert sum(sandbox.site.faults.count_played().values()) > 0.02 * sum(sandbox.site.calls.values())
    assert_nothing_is_missing(with_accounts, sandbox)


def test_if_every_call_about_one_learner_fails_the_others_are_loaded_and_the_next_run_recovers(with_accounts, sandbox):
    victim, *others = users_of(with_accounts)
    sandbox.site.faults.add(Fault("500", user=victim))
    run_results(with_accounts)
    assert loaded(with_accounts) == truth(others, sandbox)
    assert open_issues(with_accounts) == {"results_no_answer": 1}
    sandbox.site.faults.clear()
    run_results(with_accounts, "manual__2")
    assert_nothing_is_missing(with_accounts, sandbox)


def test_learners_without_an_answer_stop_no_backfill_and_are_fetched_once(with_accounts, sandbox):
    users = users_of(with_accounts)
    for user in users[:9]:
        sandbox.site.faults.add(Fault("500", user=user))
    first = with_accounts.today() - timedelta(days=6)
    days = [backfilled(first + timedelta(days=number)) for number in range(5)]
    with suppress(TransientError):
        run_results(with_accounts, "backfill__0", **days[0])  # Airflow tries again
    run_results(with_accounts, "backfill__0", **days[0])
    asked = set(loaded_users(with_accounts))
    assert asked.isdisjoint(users[:9])
    sandbox.site.reset_counters()
    for number, day in enumerate(days[1:], start=1):
        run_results(with_accounts, f"backfill__{number}", **day)
    others = len(set(loaded_users(with_accounts)) - asked)
    # only people who were not eligible on the first of these days are fetched
    assert sum(sandbox.site.calls.values()) <= 20 * others
    assert open_issues(with_accounts)["results_no_answer"] == 9
    # a run that is not a backfill asks about them again
    sandbox.site.faults.clear()
    run_results(with_accounts, "manual__9")
    assert_nothing_is_missing(with_accounts, sandbox)


@pytest.mark.parametrize("column", ["incomplete_at", "failed_at"])
@pytest.mark.parametrize(("minutes", "is_asked"), [(50, False), (70, True)])
def test_a_backfill_waits_an_hour_after_a_missing_or_incomplete_answer(
    with_accounts, sandbox, column, minutes, is_asked
):
    run_results(with_accounts)
    yesterday = backfilled(with_accounts.today() - timedelta(days=1))
    run_results(with_accounts, "backfill__1", **yesterday)
    query(
        with_accounts.reporting,
        f"update bksb.account_source set synced_at = null, {column} = now() - interval '{minutes} minutes'",
    )
    sandbox.site.reset_counters()
    run_results(with_accounts, "backfill__1", **yesterday)
    assert bool(sandbox.site.calls) is is_asked


def loaded_users(deployment) -> list[int]:
    statement = "select distinct bksb_user_id as id from bksb.account_source where synced_at is not null"
    return [row.id for row in query(deployment.reporting, statement)]


def test_learners_without_any_answer_do_not_fail_a_second_night(with_accounts, sandbox):
    users = users_of(with_accounts)
    for user in users[:9]:
        sandbox.site.faults.add(Fault("500", user=user))
    with suppress(TransientError):
        run_results(with_accounts, "manual__1")
    # people with an answer are not fetched again
    end = datetime.now(UTC) - timedelta(hours=1)
    night = scheduled(end - timedelta(days=1), end)
    run_results(with_accounts, "scheduled__1", **night)
    run_results(with_accounts, "scheduled__1", **night)
    assert open_issues(with_accounts)["results_no_answer"] == 9
    assert len(set(loaded_users(with_accounts))) == len(users) - 9


def test_a_source_without_an_answer_is_recorded_as_failed_and_not_as_read(with_accounts, sandbox):
    user, other = users_of(with_accounts)[:2]
    sandbox.site.faults.add(Fault("500", user=user))
    run_results(with_accounts)
    sandbox.site.faults.clear()
    noted = (
        "select source, synced_at is not null as is_read, incomplete_at is not null as is_incomplete, "
        "failed_at is not null as has_failed from bksb.account_source where bksb_user_id = %s order by 1"
    )
    failed = [(source, False, False, True) for source in sorted(SOURCES)]
    read = [(source, True, False, False) for source in sorted(SOURCES)]
    assert query(with_accounts.reporting, noted, user) == failed
    assert query(with_accounts.reporting, noted, other) == read
    end = datetime.now(UTC) - timedelta(hours=1)
    run_results(with_accounts, "scheduled__1", **scheduled(end - timedelta(days=1), end))
    assert_nothing_is_missing(with_accounts, sandbox)
    read_late = [(source, True, False, True) for source in sorted(SOURCES)]
    assert query(with_accounts.reporting, noted, user) == read_late
    sandbox.site.faults.add(Fault("500", user=other))
    run_results(with_accounts, "manual__2")
    assert query(with_accounts.reporting, noted, other) == read_late


def test_an_answer_with_extreme_values_is_loaded(with_accounts, sandbox):
    user = next(user for user in users_of(with_accounts) if finished_sessions(sandbox, user))

    class Poisonous(BksbClient):
        def initial_assessments(self, user_id):
            listing = super().initial_assessments(user_id)
            return replace(listing, entries=[replace(one, raw=one.raw | {"x": 1e400}) for one in listing.entries])

        def v5_components(self, user_id, session_id):
            found = super().v5_components(user_id, session_id)
            return [replace(one, name=one.name + "".join(map(chr, range(0x4E00, 0x7000)))) for one in found]

    poisonous = replace(
        with_accounts, make_client=lambda: Poisonous(sandbox.url, sandbox.access_key, sandbox.secret_key)
    )
    run_results(poisonous)
    kinds = {key[1] for key in loaded(with_accounts, [user])}
    assert kinds >= {"v5"} and open_issues(with_accounts) == {}


def test_a_run_waits_until_a_series_of_429_ends(with_accounts, sandbox):
    sandbox.site.faults.add(Fault("429_seconds", times=24, seconds=1))
    run_results(with_accounts)
    assert sandbox.site.faults.count_played() == {"429_seconds": 24}
    assert_nothing_is_missing(with_accounts, sandbox)


def test_a_run_stops_when_every_call_gets_a_429_and_the_next_try_loads_everything(with_accounts, sandbox):
    sandbox.site.faults.add(Fault("429"))
    with pytest.raises(TransientError):
        run_results(with_accounts)
    assert sum(sandbox.site.calls.values()) < 8 * PATIENT.attempts * 4
    sandbox.site.faults.clear()
    run_results(with_accounts)
    assert_nothing_is_missing(with_accounts, sandbox)


def test_a_merge_between_two_pages_loses_and_duplicates_no_result(with_accounts, sandbox):
    sandbox.site.behaviour = Behaviour(page_cap=CAP)
    users = users_of(with_accounts)
    merged = max(users, key=lambda user: len(sandbox.site.results(user, "initial")))
    kept = next(user for user in users if user != merged)
    person = "select person_id from bksb.account where bksb_user_id = %s"
    (row,) = query(with_accounts.reporting, person, merged)
    everything = truth([merged, kept], sandbox)
    run_results(with_accounts)
    before = loaded(with_accounts, [merged])

    def reach(boundary: str) -> None:
        if boundary.startswith("after GET") and sandbox.site.user(merged):
            sandbox.site.merge(kept, merged)

    with watched(reach):
        run_results(with_accounts, "manual__2", person_ids=(row.person_id,))
    assert sandbox.site.user(merged) is None
    assert loaded(with_accounts, [merged]) == before
    assert open_issues(with_accounts) == {"results_no_answer": 1}
    run_results(with_accounts, "manual__3")
    assert loaded(with_accounts, [kept]) == truth([kept], sandbox)
    assert len(loaded(with_accounts, [kept])) == len(everything)
    sessions = "select person_id, source, session_id, component from bksb.person_result"
    assert max(Counter(tuple(row) for row in query(with_accounts.reporting, sessions)).values()) == 1


def test_an_empty_listing_removes_results_only_if_the_user_still_has_the_username(with_accounts, sandbox):
    sandbox.site.behaviour = Behaviour(merged_users="empty")
    run_results(with_accounts)
    merged, emptied, kept = sorted(users_of(with_accounts), key=lambda user: len(truth([user], sandbox)), reverse=True)[
        :3
    ]
    before = loaded(with_accounts, [merged])
    sandbox.site.merge(kept, merged)
    for source in ("initial", "diagnostic"):
        for result in sandbox.site.results(emptied, source):
            sandbox.site.remove_result(emptied, source, result.session_id)
    sandbox.site.reset_counters()
    run_results(with_accounts, "manual__2")
    assert sandbox.site.calls["getUserId"] == 2
    assert loaded(with_accounts, [merged]) == before
    assert {key[1] for key in loaded(with_accounts, [emptied])} <= {"v5"}
    assert open_issues(with_accounts) == {"results_no_answer": 1}
    # no other link is due for a check, but the accounts run checks this one
    query(
        with_accounts.reporting, "update bksb.account set checked_at = now() - interval '1 day' where state = 'active'"
    )
    others = "update bksb.account set checked_at = now() where bksb_user_id <> %s and state = 'active'"
    query(with_accounts.reporting, others, merged)
    run_accounts(with_accounts, "manual__2", invite=False)
    stale = query(with_accounts.reporting, "select bksb_user_id from bksb.account where state = 'stale'")
    assert [row.bksb_user_id for row in stale] == [merged]


def test_a_rejected_report_does_not_stop_the_other_sessions(with_accounts, sandbox):
    user = next(user for user in users_of(with_accounts) if len(finished_sessions(sandbox, user)) > 1)
    refused, *others = finished_sessions(sandbox, user)

    class WithoutOne(BksbClient):
        def v5_components(self, user_id, session_id):
            if session_id == str(refused):
                raise RejectedError("never this one")
            return super().v5_components(user_id, session_id)

    run_results(
        replace(with_accounts, make_client=lambda: WithoutOne(sandbox.url, sandbox.access_key, sandbox.secret_key))
    )
    sessions = {int(key[2]) for key in loaded(with_accounts, [user]) if key[1] == "v5"}
    assert sessions == set(others)
    assert open_issues(with_accounts) == {"results_incomplete": 1}
    read = "select source from bksb.account_source where bksb_user_id = %s and synced_at is not null order by 1"
    assert [row.source for row in query(with_accounts.reporting, read, user)] == ["diagnostic", "initial"]
    sandbox.site.reset_counters()
    run_results(with_accounts, "manual__2")
    assert sandbox.site.calls["GetEOAReportDataForAssessmentSessionV5"] == 1
    assert_nothing_is_missing(with_accounts, sandbox)


def finished_sessions(sandbox, user) -> list[int]:
    return [
        session.session_id
        for session in sandbox.site.results(user, "v5")
        if session.is_finished and session.course_subject in V5_SUBJECTS
    ]


def test_a_day_without_results_has_no_rows_in_daily_activity(with_accounts):
    run_results(with_accounts)
    morning = datetime(2015, 6, 1, 2, tzinfo=UTC)
    day = scheduled(morning, morning + timedelta(days=1)) | {"run_type": "backfill"}
    query(
        with_accounts.reporting,
        "insert into bksb.daily_activity values (%s, 'English', 'initial', 'L1', 1, 1)",
        day["day"],
    )
    asked = rows_of(with_accounts, "account_source")
    run_results(with_accounts, "backfill__1", **day)
    assert rows_of(with_accounts, "account_source") == asked
    assert query(with_accounts.reporting, "select 1 from bksb.daily_activity where day = %s", day["day"]) == []
    (run,) = query(with_accounts.reporting, "select state from bksb.sync_run where run_id = 'backfill__1'")
    assert run.state == "success"


def test_a_postgresql_killed_during_a_load_leaves_nothing_half_loaded(with_accounts, sandbox, tmp_path):
    with Postgres(tmp_path / "server") as server:
        server.create_database("reporting")
        migrate(fields_of(server.dsn("reporting"), "reporting"))
        first = replace(with_accounts, reporting=fields_of(server.dsn("reporting"), "reporting"))
        run_accounts(first, invite=False)
        run = a_run(first, "bksb_results")
        (share,) = plan_results(first, run)

        def reach(boundary: str) -> None:
            if boundary.startswith("before commit of find_loading_tables"):
                kill(server)

        with watched(reach), pytest.raises(TransientError):
            fetch_results(first, run, share)
        server.start()
        healed = replace(first, reporting=fields_of(server.dsn("reporting"), "reporting"))
        assert loaded(healed) == {}
        fetch_results(healed, run, share)
        check_results(healed, run)
        publish_results(healed, run)
        assert_nothing_is_missing(healed, sandbox)
        before = rows_of(healed, *(table for table in TABLES if table != "account_source"))
        run_results(healed, "manual__2")
        assert rows_of(healed, *before) == before


def kill(server: Postgres) -> None:
    """SIGKILL for every process of a server."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        ((backend,),) = cursor.fetchall()
        postmaster = psutil.Process(backend).parent()
        processes = [postmaster, *postmaster.children()]
        for process in processes:
            process.kill()
    psutil.wait_procs(processes, timeout=30)
