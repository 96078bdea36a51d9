"""The summaries are worked out whole when what they are made from was written, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bksb import jobs
from bksb.times import read_bksb_time
from tests.conftest import query
from tests.jobs.conftest import a_run, rows_of, run_accounts, run_results, scheduled

SUMMARIES = ("skill_summary", "daily_activity")


@pytest.fixture
def published(deployment):
    """A deployment whose results are loaded and published, everything bksb has until now."""
    run_accounts(deployment)
    run_results(deployment)
    return deployment


def of_day(day) -> dict[str, object]:
    """What a backfill run about a day knows."""
    start = datetime.combine(day, time(3), UTC)
    return scheduled(start, start + timedelta(days=1)) | {"run_type": "backfill"}


def contents(deployment) -> dict[str, list[str]]:
    return {table: [content for _, content in rows] for table, rows in rows_of(deployment, *SUMMARIES).items()}


def busiest_day(deployment):
    return query(deployment.reporting, "select day from bksb.daily_activity group by 1 order by sum(results) desc")[0].day


def damage(deployment) -> None:
    query(deployment.reporting, "update bksb.daily_activity set results = results + 1000")
    query(deployment.reporting, "delete from bksb.skill_summary")


def test_a_run_with_nothing_new_mends_its_own_day_and_leaves_the_others_alone(published):
    day = busiest_day(published)
    before = contents(published)["daily_activity"]
    damage(published)
    damaged = contents(published)["daily_activity"]
    run_results(published, "backfill__1", **of_day(day))
    after = contents(published)["daily_activity"]
    of_that_day = f"({day},"
    assert [row for row in after if row.startswith(of_that_day)] == [r for r in before if r.startswith(of_that_day)]
    assert [row for row in after if not row.startswith(of_that_day)] == [
        row for row in damaged if not row.startswith(of_that_day)
    ]
    assert query(published.reporting, "select 1 from bksb.skill_summary") == []


def test_an_invented_line_of_the_runs_day_goes(published, world):
    day = world.today - timedelta(days=1000)
    query(published.reporting, "insert into bksb.daily_activity values (%s, 'English', 'initial', 'L1', 3, 3)", day)
    run_results(published, "backfill__1", **of_day(day))
    assert query(published.reporting, "select 1 from bksb.daily_activity where day = %s", day) == []


@pytest.mark.parametrize("changes", [{"run_type": "manual"}, {"full_refresh": True}])
def test_a_run_that_asks_for_everything_mends_everything(published, changes):
    before = contents(published)
    damage(published)
    run_results(published, "other__1", **(of_day(busiest_day(published)) | changes))
    assert contents(published) == before


WRITES = {
    "a result": "update bksb.assessment_result set level_code = 'L3', level_order = 6 where assessment_kind = 'initial'",
    "a result gone": "delete from bksb.assessment_result where assessment_kind = 'diagnostic'",
    "a missing result": "update bksb.assessment_result set missing_since = now() where assessment_kind = 'initial'",
    "a link": "update bksb.account_link set person_id = 'moved-' || person_id",
}


@pytest.mark.parametrize("what", WRITES)
def test_whatever_is_written_by_whomever_the_next_run_over_an_interval_counts_it(published, world, what):
    day = of_day(world.today - timedelta(days=1000))
    query(published.reporting, WRITES[what])
    run_results(published, "backfill__1", **day)
    seen = contents(published)
    run_results(published, "backfill__2", full_refresh=False, **(day | {"run_type": "manual", "person_ids": ("nobody",)}))
    assert contents(published) == seen
    damage(published)
    with published.open_store() as store, store.transaction("publish_results"):
        jobs.results.summarise(store, published.settings, a_run(published, "bksb_results"), whole=True)
    assert contents(published) == seen
