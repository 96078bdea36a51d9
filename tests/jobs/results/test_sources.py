"""V5 sessions, results that vanish, checks of a load, and people linked by bksb_results."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg2
import pytest

from bksb.api.client import V5_SUBJECTS, BksbClient
from bksb.connection_fields import make_libpq_arguments
from bksb.errors import CheckFailedError, RejectedError, TransientError
from bksb.jobs.results.listings import Listing
from bksb.jobs.results.reparsing import reparse_results
from bksb.jobs.runs import fail_run
from bksb.model import AssessmentResult
from bksb.reporting.sql_files import read_sql
from bksb.rules.result_reading import ResultReader
from bksb.rules.times import parse_bksb_time
from sandbox.bksb.faults.catalogue import Fault
from sandbox.world.results import Component
from tests.conftest import query
from tests.runs import a_run, load_listings, rows_of, run_accounts, run_results, scheduled, users_of

SESSIONS, REPORT = "getAssessmentSessionsForCourseV5", "GetEOAReportDataForAssessmentSessionV5"


@pytest.fixture
def with_v5(deployment, sandbox):
    """A deployment that fetches V5 only, with accounts for its people."""
    run_accounts(deployment, invite=False)
    sandbox.site.reset_counters()
    return replace(deployment, settings=replace(deployment.settings, sources=("v5",)))


def finished(deployment, sandbox) -> list:
    return [
        (user, session)
        for user in users_of(deployment)
        for session in sandbox.site.results(user, "v5")
        if session.is_finished and session.course_subject in V5_SUBJECTS
    ]


def loaded(deployment, source="v5") -> Counter:
    statement = (
        "select bksb_user_id, session_id, component, result_raw, assessment_kind, completed_raw "
        "from bksb.assessment_result where source = %s and missing_since is null"
    )
    return Counter(tuple(row) for row in query(deployment.reporting, statement, source))


def sit(sandbox, user: int, assessment_type: int, *components: str) -> int:
    """Add a session finished two hours ago; return its id."""
    completed = f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%M:%S}"
    report = tuple(Component(name, "Level 1", None, None) for name in components)
    return sandbox.site.add_session(user, "ENG_NEW", assessment_type, completed, completed, report)


def test_every_component_of_finished_sessions_only_is_loaded(with_v5, sandbox):
    run_results(with_v5)
    truth = Counter(
        (
            user,
            str(session.session_id),
            component.course_component_name,
            component.ability_measurement or "",
            "initial" if session.assessment_type == 1 else "diagnostic",
            session.completed_raw,
        )
        for user, session in finished(with_v5, sandbox)
        for component in session.components
    )
    assert loaded(with_v5) == truth and len(truth) > 50
    assert sandbox.site.calls[SESSIONS] == 2 * len(users_of(with_v5))
    assert sandbox.site.calls[REPORT] == len(finished(with_v5, sandbox))


def test_the_report_of_a_finished_session_is_fetched_once(with_v5, sandbox):
    run_results(with_v5)
    sandbox.site.reset_counters()
    before = rows_of(with_v5, "assessment_result", "result_change", "skill_summary", "daily_activity")
    run_results(with_v5, "manual__2")
    assert sandbox.site.calls.get(REPORT, 0) == 0
    assert rows_of(with_v5, *before) == before
    user = users_of(with_v5)[0]
    new = sit(sandbox, user, 1, "Reading", "Writing")
    run_results(with_v5, "manual__3")
    assert sandbox.site.calls[REPORT] == 1
    statement = "select component from bksb.assessment_result where session_id = %s order by 1"
    assert [row.component for row in query(with_v5.reporting, statement, str(new))] == ["Reading", "Writing"]


def test_a_full_refresh_fetches_every_report_again(with_v5, sandbox):
    run_results(with_v5)
    query(
        with_v5.reporting,
        "update bksb.assessment_result set result_raw = 'damaged', level_code = null, level_order = null",
    )
    sandbox.site.reset_counters()
    run_results(with_v5, "manual__2", full_refresh=True)
    assert sandbox.site.calls[REPORT] == len(finished(with_v5, sandbox))
    assert query(with_v5.reporting, "select 1 from bksb.assessment_result where result_raw = 'damaged'") == []


def test_a_source_that_is_switched_on_later_is_fetched_with_its_history(deployment, sandbox):
    run_accounts(deployment, invite=False)
    day = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=2)
    interval = scheduled(day, day + timedelta(days=1))
    run_results(deployment, "scheduled__1", **interval)
    assert not loaded(deployment)
    sandbox.site.reset_counters()
    with_v5 = replace(deployment, settings=replace(deployment.settings, sources=("initial", "diagnostic", "v5")))
    run_results(with_v5, "scheduled__2", **interval)
    assert len(loaded(with_v5)) > 50
    assert set(sandbox.site.calls) == {SESSIONS, REPORT}


def some_result(deployment, sandbox):
    return next(
        (user, results[0]) for user in users_of(deployment) if len(results := sandbox.site.results(user, "initial")) > 2
    )


def test_a_vanished_result_stays_in_the_table_but_does_not_count(deployment, sandbox):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    user, result = some_result(deployment, sandbox)
    sandbox.site.remove_result(user, "initial", result.session_id)
    run_results(deployment, "manual__2")
    statement = "select missing_since from bksb.assessment_result where bksb_user_id = %s and session_id = %s"
    (row,) = query(deployment.reporting, statement, user, str(result.session_id))
    assert row.missing_since is not None
    in_view = "select 1 from bksb.person_result where bksb_user_id = %s and session_id = %s"
    assert query(deployment.reporting, in_view, user, str(result.session_id)) == []
    counted = "select coalesce(sum(results), 0) as n from bksb.daily_activity"
    held = "select count(*) as n from bksb.assessment_result where missing_since is null and completed_at is not null"
    assert query(deployment.reporting, counted)[0].n == query(deployment.reporting, held)[0].n
    before = rows_of(deployment, "assessment_result")
    run_results(deployment, "manual__3")
    assert rows_of(deployment, "assessment_result") == before


def test_a_result_that_comes_back_counts_again(deployment, sandbox):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    before = query(deployment.reporting, "select * from bksb.daily_activity order by 1, 2, 3, 4")
    user, result = some_result(deployment, sandbox)
    missing = "update bksb.assessment_result set missing_since = now() where bksb_user_id = %s and session_id = %s"
    query(deployment.reporting, missing, user, str(result.session_id))
    query(deployment.reporting, "update bksb.daily_activity set results = 0")
    run_results(deployment, "manual__2", full_refresh=True)
    assert query(deployment.reporting, "select 1 from bksb.assessment_result where missing_since is not null") == []
    day = parse_bksb_time(result.completed_raw, deployment.settings.timezone).astimezone(deployment.settings.timezone)
    counted = query(
        deployment.reporting, "select * from bksb.daily_activity where day = %s order by 1, 2, 3, 4", day.date()
    )
    assert counted == [row for row in before if row.day == day.date()]


def test_an_incomplete_or_older_listing_marks_nothing_missing(deployment, sandbox):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    user, _ = some_result(deployment, sandbox)
    run = a_run(deployment, "bksb_results", "manual__2")
    now = datetime.now(UTC)
    for answer in (
        Listing(user, "initial", now, [], is_complete=False),
        Listing(user, "initial", now - timedelta(hours=1), [], is_complete=True),
    ):
        load_listings(deployment, run, answer)
    assert query(deployment.reporting, "select 1 from bksb.assessment_result where missing_since is not null") == []


def test_a_source_is_read_up_to_its_newest_complete_listing_and_older_listings_are_not_loaded(deployment, sandbox):
    run_accounts(deployment, invite=False)
    user, result = some_result(deployment, sandbox)
    run, start = a_run(deployment, "bksb_results"), datetime.now(UTC) - timedelta(hours=1)
    statement = (
        "select synced_at, incomplete_at, failed_at, "
        "(select string_agg(session_id, ' ' order by session_id) from bksb.assessment_result) as sessions "
        "from bksb.account_source where bksb_user_id = %s and source = 'initial'"
    )

    def minute(number: int) -> datetime:
        return start + timedelta(minutes=number)

    # minute and completeness of the listing, then the expected synced_at, incomplete_at and sessions after it
    for at, complete, synced, incomplete, sessions in (
        (2, False, None, 2, "2"),
        (1, True, None, 2, "2"),
        (4, True, 4, 2, "2 4"),
        (3, True, 4, 2, "2 4"),
        (3, False, 4, 2, "2 4"),
        (6, False, 4, 6, "2 4 6"),
        (5, True, 4, 6, "2 4 6"),
        (7, True, 7, 6, "2 4 6 7"),
    ):
        record = AssessmentResult(str(at), "ENG", "", 1, "", "English Level 1", result.completed_raw, {})
        load_listings(deployment, run, Listing(user, "initial", minute(at), [record], is_complete=complete))
        known = (None if synced is None else minute(synced), minute(incomplete), None, sessions)
        assert [tuple(row) for row in query(deployment.reporting, statement, user)] == [known], (at, complete)


def test_nothing_is_published_if_many_results_vanish_at_once(deployment, sandbox):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    published = rows_of(deployment, "skill_summary", "daily_activity")
    for user in users_of(deployment):
        for result in sandbox.site.results(user, "initial"):
            sandbox.site.remove_result(user, "initial", result.session_id)
    with pytest.raises(CheckFailedError, match="find_vanished_results"):
        run_results(deployment, "manual__2")
    assert rows_of(deployment, "skill_summary", "daily_activity") == published


def test_a_failed_check_blocks_later_runs_until_bksb_or_publish_anyway_corrects_it(deployment, sandbox):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    published = rows_of(deployment, "skill_summary", "daily_activity")
    removed = [
        (user, sandbox.site.remove_result(user, "initial", result.session_id) or result)
        for user in users_of(deployment)
        for result in sandbox.site.results(user, "initial")
    ]
    with pytest.raises(CheckFailedError):
        run_results(deployment, "manual__2")
    fail_run(deployment, a_run(deployment, "bksb_results", "manual__2"))
    end = datetime.now(UTC) - timedelta(hours=1)
    nothing_to_ask = scheduled(end - timedelta(days=1), end) | {"run_type": "backfill"}
    with pytest.raises(CheckFailedError, match="find_vanished_results"):
        run_results(deployment, "backfill__1", **nothing_to_ask)
    fail_run(deployment, a_run(deployment, "bksb_results", "backfill__1"))
    reread = a_run(deployment, "bksb_results", "reread__1", run_type="reread")
    with pytest.raises(CheckFailedError, match="find_vanished_results"):
        reparse_results(deployment, reread)
    assert rows_of(deployment, "skill_summary", "daily_activity") == published
    # someone confirms that the loss is right
    run_results(deployment, "manual__3", publish_anyway=True)
    run_results(deployment, "manual__4")
    assert rows_of(deployment, "daily_activity") != published["daily_activity"]
    # bksb lists them again
    for user, result in removed:
        sandbox.site.add_result(user, "initial", result.result, result.completed_raw)
    run_results(deployment, "manual__5")


def test_nothing_is_published_if_most_new_texts_are_unknown(deployment, sandbox):
    run_accounts(deployment, invite=False)
    for user in users_of(deployment):
        for result in sandbox.site.results(user, "initial"):
            sandbox.site.edit_result(user, "initial", result.session_id, result="Band Nine")
    with pytest.raises(CheckFailedError, match="find_too_many_unknown"):
        run_results(deployment, "manual__1", person_ids=(), full_refresh=True)
    assert query(deployment.reporting, "select 1 from bksb.daily_activity") == []
    fail_run(deployment, a_run(deployment, "bksb_results", "manual__1"))
    with pytest.raises(CheckFailedError, match="find_too_many_unknown"):
        run_results(deployment, "manual__2")
    fail_run(deployment, a_run(deployment, "bksb_results", "manual__2"))
    # bksb goes back to known words
    for user in users_of(deployment):
        for result in sandbox.site.results(user, "initial"):
            sandbox.site.edit_result(user, "initial", result.session_id, result="English Level 1")
    run_results(deployment, "manual__3")
    assert query(deployment.reporting, "select 1 from bksb.daily_activity") != []


def test_results_of_an_unlinked_user_undo_their_load_and_are_named_by_id(deployment, sandbox):
    run_accounts(deployment, invite=False)
    (user, result), run = some_result(deployment, sandbox), a_run(deployment, "bksb_results")
    record = AssessmentResult("77", "ENG", "", 1, "", "English Level 1", result.completed_raw, {})
    answers = [Listing(one, "initial", datetime.now(UTC), [record], is_complete=True) for one in (user, 999_999_999)]
    with pytest.raises(CheckFailedError, match=r"find_loaded_results_of_nobody.sql returned 999999999\. "):
        load_listings(deployment, run, *answers)
    assert query(deployment.reporting, "select 1 from bksb.assessment_result") == []


def test_a_result_or_source_that_is_listed_twice_undoes_its_load(deployment, sandbox):
    run_accounts(deployment, invite=False)
    (user, result), run = some_result(deployment, sandbox), a_run(deployment, "bksb_results")
    record = AssessmentResult("77", "ENG", "", 1, "", "English Level 1", result.completed_raw, {})
    answer = Listing(user, "initial", datetime.now(UTC), [record], is_complete=True)
    load_listings(deployment, run, answer)
    before = rows_of(deployment, "assessment_result", "result_change", "account_source")
    edited = replace(record, result="English Level 2")
    with pytest.raises(CheckFailedError, match=rf"bksb user {user} has a result twice in one listing \(initial\)"):
        load_listings(deployment, run, replace(answer, results=[edited, replace(record, result="English Level 3")]))
    with pytest.raises(CheckFailedError, match=rf"find_sources_loaded_twice.sql returned {user}/initial\. "):
        load_listings(deployment, run, answer, replace(answer, results=[]))
    assert rows_of(deployment, "assessment_result", "result_change", "account_source") == before


def test_a_task_that_is_stopped_loads_no_account_in_part(deployment, sandbox, monkeypatch):
    """Airflow's time limit raises an exception that may come anywhere."""

    class StoppedError(BaseException):
        pass

    run_accounts(deployment, invite=False)
    numbers, read = count(1), ResultReader.read

    def stopped(reader, source, record):
        if next(numbers) == 150:
            raise StoppedError
        return read(reader, source, record)

    with monkeypatch.context() as patched:
        patched.setattr(ResultReader, "read", stopped)
        with pytest.raises(StoppedError):
            run_results(deployment)
    reached = query(deployment.reporting, "select bksb_user_id, source from bksb.account_source")
    assert 0 < len({row.bksb_user_id for row in reached}) < len(users_of(deployment))
    held = query(deployment.reporting, "select bksb_user_id, source, session_id from bksb.assessment_result")
    listed = {(user, source): len(sandbox.site.results(user, source)) for user, source in reached}
    assert Counter((row.bksb_user_id, row.source) for row in held) == +Counter(listed)


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        ("find_loaded_results_from_the_future", "null, null, now() + interval '2 days'"),
        ("find_loaded_levels_outside_scale", "'L4', 7, now()"),
        ("find_loaded_levels_outside_scale", "'L1', 3, now()"),
        ("find_loaded_levels_outside_scale", "'L1', null, now()"),
    ],
)
def test_the_checks_of_a_load_find_rows_that_python_should_have_rejected(reporting, check, broken):
    rows = f"values (7, '8', 'L1', 4, now() - interval '1 hour'), (7, '9', null, null, null), (1, '77', {broken})"
    columns = "bksb_user_id, session_id, level_code, level_order, completed_at"
    with psycopg2.connect(**make_libpq_arguments(reporting)) as connection, connection.cursor() as cursor:
        cursor.execute(read_sql("results/create_loaded_result"))
        cursor.execute(f"insert into loaded_result ({columns}) {rows}")
        cursor.execute(read_sql(f"checks/load/{check}"))
        assert cursor.fetchall() == [("1/77",)]


def test_a_person_with_a_stored_username_is_linked_by_get_only(deployment, sandbox, world):
    stored = set(world.people_of("stored_username"))
    run_results(deployment)
    linked = query(deployment.reporting, "select person_id, origin from bksb.account where state = 'active'")
    assert stored <= {row.person_id for row in linked} and {row.origin for row in linked} == {"linked"}
    assert sandbox.site.calls.get("createUser", 0) == 0 and sandbox.mailbox.messages() == []
    assert query(deployment.reporting, "select 1 from bksb.issue where code like 'username%'") == []
    in_links = "select count(*) as n from bksb.account_link where to_at is null"
    assert query(deployment.reporting, in_links)[0].n == len(linked)
    assert query(deployment.reporting, "select count(*) as n from bksb.assessment_result")[0].n > 50


def test_an_unknown_username_is_not_looked_up_again_for_a_day(deployment, sandbox, world):
    run_results(deployment)
    sandbox.site.reset_counters()
    run_results(deployment, "manual__2")
    assert sandbox.site.calls.get("getUserId", 0) == 0
    query(deployment.reporting, "update bksb.account set checked_at = checked_at - interval '2 days'")
    run_results(deployment, "manual__3")
    assert sandbox.site.calls["getUserId"] == len(world.people_of("stored_but_unknown"))


def test_a_run_for_a_past_day_links_a_leaver_and_loads_their_results(deployment, sandbox, world):
    (leaver, *_) = world.people_of("leaver_with_account")
    day = next(day for back in range(30, 400) if leaver in world.eligible_on(day := world.today - timedelta(days=back)))
    start = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    run_results(deployment, "backfill__1", **scheduled(start, start + timedelta(days=1)) | {"run_type": "backfill"})
    statement = "select state, origin from bksb.account where person_id = %s"
    assert [tuple(row) for row in query(deployment.reporting, statement, leaver)] == [("active", "linked")]
    assert query(deployment.reporting, "select 1 from bksb.learner") == []


def test_an_unknown_type_of_session_is_reported_and_never_guessed(with_v5, sandbox):
    user = users_of(with_v5)[0]
    sit(sandbox, user, 7, "Reading")
    run_results(with_v5)
    still_open = "select subject_key from bksb.issue where code = 'unknown_result' and resolved_at is null"
    assert "AssessmentType 7" in {row.subject_key for row in query(with_v5.reporting, still_open)}
    assert loaded(with_v5).total() == sum(len(s.components) for _, s in finished(with_v5, sandbox)) - 1


def test_a_session_that_bksb_lists_twice_is_loaded_once(with_v5, sandbox):
    class ListsTwice(BksbClient):
        def v5_sessions(self, user_id, course_subject):
            everywhere = [
                session for subject in V5_SUBJECTS for session in super(ListsTwice, self).v5_sessions(user_id, subject)
            ]
            return [*everywhere, *everywhere]

    twice = replace(with_v5, make_client=lambda: ListsTwice(sandbox.url, sandbox.access_key, sandbox.secret_key))
    run_results(twice)
    keys = Counter(key[:3] for key in loaded(with_v5))
    assert len(keys) > 50 and set(keys.values()) == {1}
    assert sandbox.site.calls[REPORT] == len(finished(with_v5, sandbox))


def test_the_issue_of_an_unknown_type_is_resolved_when_it_was_not_seen_for_a_week(with_v5, sandbox):
    sit(sandbox, users_of(with_v5)[0], 7, "Reading")
    run_results(with_v5)
    query(with_v5.reporting, "update bksb.issue set last_seen_at = last_seen_at - interval '8 days'")
    run_results(replace(with_v5, settings=replace(with_v5.settings, sources=("initial",))), "manual__2")
    statement = "select resolved_at from bksb.issue where subject_key = 'AssessmentType 7'"
    assert [row.resolved_at is None for row in query(with_v5.reporting, statement)] == [False]


def test_unknown_v5_abilities_do_not_stop_the_publication(with_v5, sandbox):
    class InNewWords(BksbClient):
        def v5_components(self, user_id, session_id):
            return [replace(one, ability_raw="Band Nine") for one in super().v5_components(user_id, session_id)]

    run_results(replace(with_v5, make_client=lambda: InNewWords(sandbox.url, sandbox.access_key, sandbox.secret_key)))
    assert (
        query(
            with_v5.reporting,
            "select count(*) as n from bksb.issue where resolved_at is null and code = 'unknown_result'",
        )[0].n
        == 1
    )


def test_an_older_listing_replaces_nothing_of_a_newer_incomplete_one(deployment, sandbox):
    run_accounts(deployment, invite=False)
    user, result = some_result(deployment, sandbox)
    run = a_run(deployment, "bksb_results", "manual__2")
    now = datetime.now(UTC)

    def record(session_id, text):
        return AssessmentResult(session_id, "ENG", "", 1, "", text, result.completed_raw, {})

    newer = Listing(
        user, "initial", now, [record("1", "English Level 2"), record("2", "English Level 1")], is_complete=False
    )
    older = Listing(user, "initial", now - timedelta(minutes=1), [record("1", "English Level 1")], is_complete=True)
    for answer in (newer, older):
        load_listings(deployment, run, answer)
    statement = "select session_id, result_raw, missing_since from bksb.assessment_result order by 1"
    assert [tuple(row) for row in query(deployment.reporting, statement)] == [
        ("1", "English Level 2", None),
        ("2", "English Level 1", None),
    ]


def test_changed_level_words_do_not_count_as_a_change_in_bksb(deployment):
    run_accounts(deployment, invite=False)
    run_results(deployment)
    query(
        deployment.reporting, "update bksb.assessment_result set level_code = 'L3', level_order = 6, subject = 'Other'"
    )
    run_results(deployment, "manual__2")
    assert query(deployment.reporting, "select 1 from bksb.assessment_result where subject = 'Other'") == []
    assert query(deployment.reporting, "select 1 from bksb.result_change") == []


def test_a_source_without_an_answer_does_not_stop_the_other_sources(deployment, sandbox):
    run_accounts(deployment, invite=False)
    user, _ = some_result(deployment, sandbox)

    class WithoutDiagnostics(BksbClient):
        def diagnostic_assessments(self, user_id):
            if user_id == user:
                raise RejectedError("never for this one")
            return super().diagnostic_assessments(user_id)

    run_results(
        replace(deployment, make_client=lambda: WithoutDiagnostics(sandbox.url, sandbox.access_key, sandbox.secret_key))
    )
    assert len([key for key in loaded(deployment, "initial") if key[0] == user]) == len(
        sandbox.site.results(user, "initial")
    )
    codes = query(
        deployment.reporting, "select code from bksb.issue where code = 'results_no_answer' and resolved_at is null"
    )
    assert len(codes) == 1
    read = "select source from bksb.account_source where bksb_user_id = %s and synced_at is not null"
    assert [row.source for row in query(deployment.reporting, read, user)] == ["initial"]


def test_a_leaver_is_not_linked_to_a_username_that_the_mis_now_gives_to_another_person(
    deployment, sandbox, world, mis_fields
):
    leaver, learner, day = one_who_left_and_one_who_came(world)
    user = sandbox.site.create_user("shared.name", "A", "B", "x@learner.example", "a good password")
    give = "update person set bksb_username = 'Shared.Name' where person_id in (%s, %s)"
    query(mis_fields, give, leaver, learner)
    start = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    run_results(deployment, "backfill__1", **scheduled(start, start + timedelta(days=1)) | {"run_type": "backfill"})
    held = "select person_id from bksb.account where bksb_user_id = %s"
    assert query(deployment.reporting, held, user.user_id) == []
    run_accounts(deployment, invite=False)
    assert [row.person_id for row in query(deployment.reporting, held, user.user_id)] == [learner]


def one_who_left_and_one_who_came(world):
    """A leaver, a learner who came later, and a day on which only the leaver was eligible."""
    now = world.eligible_on(world.today)
    for days_ago in range(60, 1500, 20):
        day = world.today - timedelta(days=days_ago)
        then = world.eligible_on(day)
        left, came = then - now, (now - then).intersection(world.people_of("plain"))
        if left and came:
            return min(left), min(came), day
    raise LookupError("no one has left this world")


def test_results_are_fetched_although_look_ups_fail(deployment, sandbox, world, caplog):
    (with_account, *_) = sorted(world.people_of("plain"))
    run_accounts(deployment, "manual__1", person_ids=(with_account,))
    for call in ("getUserId", "isUsernameExists"):
        sandbox.site.faults.add(Fault("500", (call,)))
    run_results(deployment)
    assert "the run still fetches results" in caplog.text
    assert query(deployment.reporting, "select 1 from bksb.account_source where synced_at is not null")
    # without anything to fetch, only the failed look-ups can show that bksb is down
    query(deployment.reporting, "update bksb.account set state = 'stale' where person_id = %s", with_account)
    with pytest.raises(TransientError, match="8 people in a row"):
        run_results(deployment, "manual__2")
