"""The summaries are rebuilt when the tables they are made from were written, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from bksb.jobs.results import fetch_results, publish_results
from bksb.jobs.runs import fail_run, open_run
from bksb.jobs.summaries import update_summaries
from bksb.reporting.store import Writer
from tests.conftest import query
from tests.runs import a_run, backfilled, plan_results, rows_of, run_accounts, run_results

SUMMARIES = ("skill_summary", "daily_activity")


@pytest.fixture
def published(deployment):
    """A deployment with all results loaded and published."""
    run_accounts(deployment, invite=False)
    run_results(deployment)
    return deployment


def contents(deployment) -> dict[str, list[str]]:
    return {table: [content for _, content in rows] for table, rows in rows_of(deployment, *SUMMARIES).items()}


def busiest_day(deployment):
    """The day with the most results before yesterday."""
    statement = "select day from bksb.daily_activity where day < current_date - 1 group by 1 order by sum(results) desc"
    return query(deployment.reporting, statement)[0].day


def damage(deployment) -> None:
    query(deployment.reporting, "update bksb.daily_activity set results = results + 1000")
    query(deployment.reporting, "delete from bksb.skill_summary")


def test_a_run_with_nothing_new_recounts_its_own_day_only(published):
    day = busiest_day(published)
    run_results(published, "backfill__1", **backfilled(day))  # it may link a leaver, and fetch
    before = contents(published)["daily_activity"]
    damage(published)
    damaged = contents(published)["daily_activity"]
    run_results(published, "backfill__1", **backfilled(day))
    after = contents(published)["daily_activity"]
    of_that_day = f"({day},"
    assert [row for row in after if row.startswith(of_that_day)] == [r for r in before if r.startswith(of_that_day)]
    assert [row for row in after if not row.startswith(of_that_day)] == [
        row for row in damaged if not row.startswith(of_that_day)
    ]
    assert query(published.reporting, "select 1 from bksb.skill_summary") == []


def test_a_wrong_row_of_the_runs_day_is_deleted(published, world):
    day = world.today - timedelta(days=1000)
    query(published.reporting, "insert into bksb.daily_activity values (%s, 'English', 'initial', 'L1', 3, 3)", day)
    run_results(published, "backfill__1", **backfilled(day))
    assert query(published.reporting, "select 1 from bksb.daily_activity where day = %s", day) == []


@pytest.mark.parametrize("changes", [{"run_type": "manual"}, {"full_refresh": True}])
def test_a_manual_run_and_a_full_refresh_rebuild_every_summary(published, changes):
    before = contents(published)
    damage(published)
    run_results(published, "other__1", **(backfilled(busiest_day(published)) | changes))
    assert contents(published) == before


def rebuilt(deployment) -> dict[str, list[str]]:
    """The summaries after a rebuild."""
    damage(deployment)
    with deployment.open_store() as store, store.transaction(Writer.PUBLISH_RESULTS):
        update_summaries(store, deployment.settings, a_run(deployment, "bksb_results"), rebuild=True)
    return contents(deployment)


WRITES = {
    "a result": "update bksb.assessment_result set level_code = 'L3', level_order = 6 where source = 'initial'",
    "a result that goes": "delete from bksb.assessment_result where assessment_kind = 'diagnostic'",
    "a result that is missing": "update bksb.assessment_result set missing_since = now() where source = 'initial'",
    "a link": "update bksb.account_link set person_id = 'moved-' || person_id",
    "a learner": "update bksb.learner set start_on = start_on + 400",
}


@pytest.mark.parametrize("what", WRITES)
def test_the_next_run_counts_every_change_no_matter_what_made_it(published, world, what):
    before = contents(published)
    query(published.reporting, WRITES[what])
    publish(published, world.today - timedelta(days=1000))
    counted = contents(published)
    assert counted != before
    assert counted == rebuilt(published)


def publish(deployment, day, **changes) -> None:
    """The end of a backfill run that had nothing to fetch."""
    run = a_run(deployment, "bksb_results", f"backfill__{day}", **(backfilled(day) | changes))
    with deployment.open_store() as store:
        open_run(store, run)
    publish_results(deployment, run)


def test_changed_settings_rebuild_the_summaries(published, world):
    before = contents(published)
    day = world.today - timedelta(days=1000)
    for settings in (
        replace(published.settings, starting_point_days=1),
        replace(published.settings, timezone=ZoneInfo("Australia/Sydney")),
    ):
        changed = replace(published, settings=settings)
        publish(changed, day)
        assert contents(changed) != before
        assert contents(changed) == rebuilt(changed)
    publish(published, day)
    assert contents(published) == before


def test_the_next_successful_run_counts_what_a_failed_run_loaded(published, sandbox, world):
    user = next(user for user in sandbox.site.users() if sandbox.site.results(user.user_id, "initial"))
    sandbox.site.add_result(user.user_id, "initial", "Maths Level 3", "2024-02-29T09:00:00")
    run = a_run(published, "bksb_results", "manual__broken")
    for buckets in plan_results(published, run):
        fetch_results(published, run, buckets)
    fail_run(published, run)
    leap_day = "select results from bksb.daily_activity where day = '2024-02-29'"
    assert query(published.reporting, leap_day) == []
    publish(published, world.today - timedelta(days=1000))
    assert [row.results for row in query(published.reporting, leap_day)] == [1]


def test_a_failed_publication_leaves_the_rebuild_due(published, world):
    query(published.reporting, WRITES["a result"])
    with published.open_store() as store, pytest.raises(RuntimeError), store.transaction(Writer.PUBLISH_RESULTS):
        update_summaries(store, published.settings, a_run(published, "bksb_results"), rebuild=True)
        raise RuntimeError("the power went")
    publish(published, world.today - timedelta(days=1000))
    assert contents(published) == rebuilt(published)


def test_a_run_for_one_learner_leaves_the_other_summaries_to_the_next_run(published, world):
    person = query(published.reporting, "select person_id from bksb.skill_summary order by 1 limit 1")[0].person_id
    query(published.reporting, WRITES["a result"])
    run_results(published, "manual__one", person_ids=(person,))
    publish(published, world.today - timedelta(days=1000))
    assert contents(published) == rebuilt(published)


def test_a_merged_session_with_two_dates_counts_on_the_date_of_the_current_user(published, sandbox):
    link = query(published.reporting, "select * from bksb.account_link order by bksb_user_id limit 1")[0]
    former, session = 1, "900"
    query(
        published.reporting,
        "insert into bksb.account_link values (%s, %s, now() - interval '2 days', now() - interval '1 day')",
        *(link.person_id, former),
    )
    for user, moment in ((former, "2023-05-05T10:00Z"), (link.bksb_user_id, "2023-05-06T10:00Z")):
        query(
            published.reporting,
            "insert into bksb.assessment_result (bksb_user_id, source, session_id, assessment_kind, subject,"
            " course_subject_raw, course_name, assessment_name, result_raw, completed_at, completed_raw, raw,"
            " first_seen_at, changed_at, run_id)"
            " values (%s, 'initial', %s, 'initial', 'English', '', '', '', '', %s, '', '{}', now(), now(), '')",
            *(user, session, moment),
        )
    for day in (date(2023, 5, 5), date(2023, 5, 6)):
        query(published.reporting, "delete from bksb.summary_rebuild_due")
        publish(published, day)
    assert query(published.reporting, "select day, results from bksb.daily_activity where day < '2023-05-07'") == [
        (date(2023, 5, 6), 1)
    ]
    assert contents(published)["daily_activity"] == rebuilt(published)["daily_activity"]
