"""Results are parsed again without calling bksb, and raw answers are purged if a site limits them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from bksb.errors import FatalError
from bksb.jobs.results import publish_results
from bksb.jobs.results.reparsing import reparse_results
from bksb.reporting.store import Writer
from tests.conftest import query
from tests.runs import a_run, rows_of, run_accounts, run_results

SUMMARIES = ("skill_summary", "daily_activity")


@pytest.fixture
def loaded(deployment, sandbox):
    """A deployment with results, with the sandbox's counters reset."""
    run_accounts(deployment, invite=False)
    run_results(deployment)
    sandbox.site.reset_counters()
    return deployment


def reparse(deployment, run_id="reread__1", **changes):
    return reparse_results(deployment, a_run(deployment, "bksb_results", run_id, run_type="reread", **changes))


def contents(deployment, *tables):
    return {table: [content for _, content in rows] for table, rows in rows_of(deployment, *tables).items()}


def test_reparsing_corrects_wrong_levels_and_summaries_without_calling_bksb(loaded, sandbox):
    expected = contents(loaded, *SUMMARIES)
    wrong = (
        "update bksb.assessment_result set level_code = 'L3', level_order = 6, subject = 'ICT' where source = 'initial'"
    )
    query(loaded.reporting, wrong)
    query(loaded.reporting, "delete from bksb.skill_summary")
    known = query(loaded.reporting, "select count(*) as n from bksb.assessment_result")[0].n
    outcome = reparse(loaded)
    assert outcome.results == known and 0 < outcome.changed < known
    assert contents(loaded, *SUMMARIES) == expected
    assert sandbox.site.calls == {}
    assert query(loaded.reporting, "select 1 from bksb.result_change") == []
    before = rows_of(loaded, "assessment_result", *SUMMARIES)
    assert reparse(loaded, "reread__2").changed == 0
    assert rows_of(loaded, "assessment_result", *SUMMARIES) == before
    state = query(loaded.reporting, "select state, counts from bksb.sync_run where run_id = 'reread__1'")[0]
    assert state.state == "success" and state.counts["changed"] == outcome.changed


def test_reparsing_reads_the_raw_answers_that_are_kept(everything_loaded, sandbox):
    without_times = "select (to_jsonb(t) - 'changed_at')::text as content from bksb.assessment_result as t order by 1"
    expected = [row.content for row in query(everything_loaded.reporting, without_times)]
    assert reparse(everything_loaded).changed == 0
    query(
        everything_loaded.reporting,
        "update bksb.assessment_result set result_raw = 'misread', assessment_name = '', completed_raw = '',"
        " subject = '', level_code = null, level_order = null, percent = null, completed_at = null,"
        " assessment_id = null, course_name = 'misread', assessment_kind = 'initial'",
    )
    query(
        everything_loaded.reporting,
        "update bksb.assessment_result set raw = '{}' where source = 'initial' and bksb_user_id % 2 = 0",
    )
    sandbox.site.reset_counters()
    reparse(everything_loaded, "reread__2")
    assert sandbox.site.calls == {}
    again = [row.content for row in query(everything_loaded.reporting, without_times)]
    misread = [row for row in again if '"misread"' in row]
    assert set(again) - set(misread) <= set(expected) and len(misread) < len(again) / 2
    purged = query(everything_loaded.reporting, "select count(*) as n from bksb.assessment_result where raw = '{}'")
    assert len(misread) == purged[0].n > 0


def test_words_added_by_a_site_are_used_by_the_next_deployment_and_resolve_issues(loaded, config):
    reported = "select 1 from bksb.issue where code = 'unknown_result' and resolved_at is null"
    assert query(loaded.reporting, reported)
    (config / "levels.toml").write_text("[levels]\nL1 = ['See tutor']\nNONE = ['Assessment voided (paper copy)']\n")
    assert reparse(loaded).changed == 0
    assert reparse(replace(loaded), "reread__2").changed > 0
    levels = query(
        loaded.reporting, "select distinct level_code from bksb.assessment_result where result_raw like '%See tutor'"
    )
    assert levels == [("L1",)] and not query(loaded.reporting, reported)


def test_a_mistake_in_a_sites_words_stops_a_run_before_it_calls_bksb(deployment, sandbox, config):
    (config / "levels.toml").write_text("[levels]\nL4 = ['Level 4']")
    with pytest.raises(FatalError, match=r"levels\.toml has the level L4"):
        run_results(deployment)
    assert sandbox.site.calls == {}


@pytest.fixture
def everything_loaded(deployment):
    """A deployment with results of every source."""
    everything = replace(deployment, settings=replace(deployment.settings, sources=("initial", "diagnostic", "v5")))
    run_accounts(everything, invite=False)
    run_results(everything)
    return everything


def test_another_time_zone_moves_every_date_and_the_daily_counts(loaded):
    run_in_perth = replace(loaded, settings=replace(loaded.settings, timezone=ZoneInfo("Australia/Perth")))
    dated = query(loaded.reporting, "select count(completed_at) as n from bksb.assessment_result")[0].n
    assert reparse(run_in_perth).changed == dated
    first = "select completed_raw, completed_at from bksb.assessment_result where completed_raw ~ 'T..:..:..$' limit 1"
    (row,) = query(loaded.reporting, first)
    assert f"{row.completed_at.astimezone(ZoneInfo('Australia/Perth')):%Y-%m-%dT%H:%M:%S}" == row.completed_raw
    counted = "select sum(results) as n from bksb.daily_activity"
    assert query(loaded.reporting, counted)[0].n == dated


def test_a_dry_run_counts_and_writes_nothing(loaded):
    query(loaded.reporting, "update bksb.assessment_result set percent = 1 where source = 'diagnostic'")
    before = rows_of(loaded, "assessment_result", "sync_run", *SUMMARIES)
    assert reparse(loaded, dry_run=True).changed > 0
    assert rows_of(loaded, "assessment_result", "sync_run", *SUMMARIES) == before


def test_a_failed_reparse_changes_nothing_and_is_recorded_in_sync_run(loaded):
    query(loaded.reporting, "update bksb.assessment_result set subject = 'ICT' where source = 'initial'")
    query(loaded.reporting, "alter table bksb.skill_summary add check (subject <> 'English') not valid")
    query(loaded.reporting, "truncate bksb.skill_summary")
    before = rows_of(loaded, "assessment_result")
    with pytest.raises(FatalError):
        reparse(loaded)
    assert rows_of(loaded, "assessment_result") == before
    (row,) = query(loaded.reporting, "select state, finished_at from bksb.sync_run where run_id = 'reread__1'")
    assert row.state == "failed" and row.finished_at


def test_an_issue_is_resolved_when_its_text_can_be_read(loaded):
    person = "update bksb.assessment_result set result_raw = 'English Level 1', raw = '{}' where level_code is null"
    assert query(loaded.reporting, "select 1 from bksb.issue where code = 'unknown_result' and resolved_at is null")
    query(loaded.reporting, person)
    reparse(loaded)
    assert not query(loaded.reporting, "select 1 from bksb.issue where code = 'unknown_result' and resolved_at is null")


def test_raw_answers_are_kept_for_ever_unless_a_site_limits_it(loaded):
    raw = "select count(*) as n from bksb.assessment_result where raw <> '{}'"
    held = query(loaded.reporting, raw)[0].n
    old = "update bksb.assessment_result set changed_at = changed_at - interval '91 days' where source = 'initial'"
    query(loaded.reporting, old)
    run_results(loaded, "manual__2")
    assert query(loaded.reporting, raw)[0].n == held > 0
    with_limit = replace(loaded, settings=replace(loaded.settings, raw_days=90))
    run_results(with_limit, "manual__3")
    kept = query(loaded.reporting, "select distinct source from bksb.assessment_result where raw <> '{}'")
    assert [row.source for row in kept] == ["diagnostic"]
    before = rows_of(loaded, "assessment_result")
    run_results(with_limit, "manual__4")
    assert rows_of(loaded, "assessment_result") == before


def test_raw_answers_are_purged_only_while_no_load_runs(loaded):
    query(loaded.reporting, "update bksb.assessment_result set changed_at = changed_at - interval '91 days'")
    with_limit = replace(loaded, settings=replace(loaded.settings, raw_days=90))
    waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted and objid = %s"
    kept = "select count(*) as n from bksb.assessment_result where raw <> '{}'"
    with ThreadPoolExecutor(1) as pool, loaded.open_store() as store:
        with store.transaction(Writer.LOAD_RESULTS):
            publication = pool.submit(publish_results, with_limit, a_run(loaded, "bksb_results", "manual__2"))
            deadline = time.monotonic() + 30
            while not (publication.done() or query(loaded.reporting, waiting, int(Writer.LOAD_RESULTS))):
                assert time.monotonic() < deadline
            held = query(loaded.reporting, kept)[0].n
        publication.result()
    assert held > 0 and query(loaded.reporting, kept)[0].n == 0
