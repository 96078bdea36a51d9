"""bksb_results in the real scheduler: backfills of many days, repeated, beside other runs, over a clock change.

BKSB_BACKFILL_DAYS and BKSB_BACKFILL_LEARNERS set its size: 365 and 1000 make a year over a thousand learners.
"""

from __future__ import annotations

import csv
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from sandbox.world.people import invent
from sandbox.world.results import Result, Session
from sandbox.world.storage import london_today
from tests.runs import rows_of, run_accounts
from tests.whole_runs.live import LONDON, Live, RunOfDay, live_airflow

pytestmark = pytest.mark.long

DAYS = int(os.environ.get("BKSB_BACKFILL_DAYS", "10"))
LEARNERS = int(os.environ.get("BKSB_BACKFILL_LEARNERS", "120"))
PATIENCE = 600 + 10 * DAYS
"""Seconds to wait, on a busy machine."""

AT_ONCE = 6
TABLES = ("account", "account_link", "assessment_result", "result_change", "skill_summary", "daily_activity", "issue")
RECORDS_A_PAGE = 100

SUBJECTS = {"ENGLISH": "English", "ENG_NEW": "English", "MATHS": "Maths", "MATHS_NEW": "Maths", "ICT": "ICT"}
LEVELS = {
    "Pre-Entry": "PRE",
    "Entry 1": "E1",
    "Entry 2": "E2",
    "Entry 3": "E3",
    "Level 1": "L1",
    "Level 2": "L2",
    "Level 3": "L3",
    "Below Entry 3": "E2",
    "Below Level 1": "E3",
}
KINDS = {1: "initial", 2: "diagnostic"}


def clocks_go_back_before(day: date) -> date:
    """The last Sunday of October before a day: it has 25 hours in London."""
    year = day.year if day > date(day.year, 11, 1) else day.year - 1
    last = date(year, 10, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


TODAY = london_today()
LAST = (datetime.now(LONDON) - timedelta(hours=3)).date() - timedelta(days=1)
"""The last day with a finished interval: yesterday, from 03:00 on."""

FIRST = LAST - timedelta(days=DAYS - 1)
LONG_DAY = clocks_go_back_before(TODAY)
ON_THE_LONG_DAY = ("00:00:00", "00:59:59.9999999", "01:30:00", "02:30:00", "23:30:00", "23:59:59")


@dataclass(frozen=True)
class Backfilled:
    """The outcome of a backfill."""

    runs: list[RunOfDay]
    calls: dict[str, int]
    seconds: float

    @property
    def days(self) -> list[date]:
        return [run.day for run in self.runs]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Airflow after one night without any account. Then there are accounts, and results on the long day."""
    with live_airflow(tmp_path_factory.mktemp("live"), invent(LEARNERS, TODAY)) as live:
        live.wait("Airflow knows the example", lambda: live.api.dag_is_known("daily_figures"))
        live.wait("the first night has ended", lambda: live.runs("run_type = 'scheduled' and dag_run.end_date < now()"))
        run_accounts(live.deployment, invite=False)
        user = live.rows("reporting", "select min(bksb_user_id) as id from bksb.account where state = 'active'")[0].id
        for clock in ON_THE_LONG_DAY:
            live.sandbox.site.add_result(user, "initial", "Maths Level 1", f"{LONG_DAY}T{clock}")
        for day in (LONG_DAY - timedelta(days=1), LONG_DAY + timedelta(days=1)):
            live.sandbox.site.add_result(user, "initial", "Maths Level 1", f"{day}T23:59:59")
        yield live


@pytest.fixture(scope="module")
def backfilled(live: Live) -> Backfilled:
    """The first backfill, with everything still to be read."""
    live.rows("reporting", "delete from bksb.account_source")
    return backfill(live, max_active_runs=AT_ONCE, reprocess_behavior="completed")


def backfill(live: Live, first: date = FIRST, last: date = LAST, **more: Any) -> Backfilled:
    live.sandbox.site.reset_counters()
    began = time.monotonic()
    runs = live.backfill(first, last, seconds=PATIENCE, **more)
    told = Backfilled(runs, live.sandbox.site.calls, time.monotonic() - began)
    print(
        f"\nBackfill of {len(runs)} days over {LEARNERS} learners: {told.seconds:.0f} s, "
        f"{sum(run.tasks for run in runs)} tasks, {sum(told.calls.values())} calls to bksb"
    )
    assert {run.state for run in runs} == {"success"}
    return told


def test_the_night_before_the_first_account_succeeds(live: Live) -> None:
    (night,) = live.runs("run_type = 'scheduled' or run_id like 'scheduled__%%'")
    assert (night.state, night.day) == ("success", LAST)


def test_a_run_for_one_learner_ends_while_the_night_goes_on(live: Live) -> None:
    """A night over many learners uses every slot of the pool. Here bksb is slow instead."""
    (night,) = live.runs("run_type = 'scheduled'")
    (person,) = live.rows(
        "reporting",
        "select person_id from bksb.account where state = 'active' and bksb_user_id = any(%s) limit 1",
        eligible_on_any(live, [LAST]),
    )
    live.rows("reporting", "delete from bksb.account_source")
    live.sandbox.site.reset_counters()
    live.sandbox.site.latency = 0.05 * max(1.0, 1000 / LEARNERS)
    live.api.clear("bksb_results", night.run_id)
    live.wait("the night asks bksb", lambda: live.sandbox.site.calls)
    began = time.monotonic()
    asked = live.api.trigger("bksb_results", person_ids=[person.person_id])
    live.wait("the run for one learner ends", lambda: not live.api.run("bksb_results", asked.run_id).is_active)
    seconds = time.monotonic() - began
    goes_on = live.api.run("bksb_results", night.run_id).is_active
    live.sandbox.site.latency = 0.0
    slots = (
        "select count(*) as tasks, sum(pool_slots) as slots from task_instance where run_id = %s and pool = 'bksb_api'"
    )
    (fetching,) = live.rows("airflow", slots, night.run_id)
    print(f"\nOne learner in {seconds:.1f} s, while {fetching.tasks} tasks of the night want {fetching.slots} slots")
    assert goes_on
    assert live.api.run("bksb_results", asked.run_id).state == "success"
    live.wait("the night ends", lambda: not live.api.run("bksb_results", night.run_id).is_active, PATIENCE)
    assert live.api.run("bksb_results", night.run_id).state == "success"
    assert daily_activity(live) == recount(live)


def test_a_backfill_asks_bksb_once_for_each_account(live: Live, backfilled: Backfilled) -> None:
    assert backfilled.days == [FIRST + timedelta(days=number) for number in range(DAYS)]
    users = eligible_on_any(live, backfilled.days)
    assert users
    # V5 reports never change, and the first night has read them
    assert calls_for(live, users, reports=False) <= sum(backfilled.calls.values()) <= 1.1 * calls_for(live, users)


def eligible_on_any(live: Live, days: Iterable[date]) -> list[int]:
    """Return the bksb users of everyone who was eligible on one of the days."""
    people = set().union(*(live.world.eligible_on(day) for day in days))
    accounts = live.rows("reporting", "select person_id, bksb_user_id from bksb.account where state = 'active'")
    return [account.bksb_user_id for account in accounts if account.person_id in people]


def calls_for(live: Live, users: list[int], *, reports: bool = True) -> int:
    """Return how many calls it takes to read these users once, with or without the reports of V5."""
    calls = 0
    for user in users:
        for source in ("initial", "diagnostic"):
            calls += max(1, -(-len(live.sandbox.site.results(user, source)) // RECORDS_A_PAGE))
        calls += 2 + reports * sum(session.is_finished for session in live.sandbox.site.results(user, "v5"))
    return calls


def test_a_run_with_nothing_to_fetch_starts_three_tasks_at_most(live: Live, backfilled: Backfilled) -> None:
    fetching = live.rows(
        "airflow", "select distinct run_id from task_instance where task_id = 'fetch_results' and state = 'success'"
    )
    idle = [run for run in backfilled.runs if run.run_id not in {row.run_id for row in fetching}]
    assert idle
    assert max(run.tasks for run in idle) <= 3


def test_daily_activity_is_what_a_recount_of_the_sandbox_gives(live: Live, backfilled: Backfilled) -> None:
    assert daily_activity(live) == recount(live)


def daily_activity(live: Live) -> dict[tuple[Any, ...], tuple[int, int]]:
    rows = live.rows("reporting", "select * from bksb.daily_activity")
    return {
        (str(row.day), row.subject, row.assessment_kind, row.level_code): (row.results, row.learners) for row in rows
    }


def recount(live: Live) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Count results and learners by day, subject, kind and level, in bksb's own results of everyone who was
    eligible on the day of a run."""
    runs = live.runs("dag_run.state = 'success' and dag_run.conf::text not like '%%person_ids%%'")
    found = defaultdict(list)
    for user in eligible_on_any(live, {TODAY if run.interval_start is None else run.day for run in runs}):
        site = live.sandbox.site
        for result in site.results(user, "initial"):
            text = str(result.result)
            found[result.completed_raw[:10], subject_in(text, result), "initial", level_in(text)].append(user)
        for result in site.results(user, "diagnostic"):
            level = result.assessment_name.split()[1]
            found[result.completed_raw[:10], SUBJECTS[result.course_subject], "diagnostic", level].append(user)
        for session in site.results(user, "v5"):
            for component in session.components:
                kind, text = KINDS[session.assessment_type], component.ability_measurement or ""
                found[session.completed_raw[:10], subject_in(text, session), kind, level_in(text)].append(user)
    return {key: (len(users), len(set(users))) for key, users in found.items()}


def subject_in(text: str, assessment: Result | Session) -> str:
    """Return the subject that the result names, or else the subject under which it is listed."""
    named = [subject for word, subject in (("English", "English"), ("Math", "Maths"), ("ICT", "ICT")) if word in text]
    return named[0] if named else SUBJECTS[assessment.course_subject]


def level_in(text: str) -> str:
    for word in ("English", "Mathematics", "Maths", "ICT", "Working at"):
        text = text.removeprefix(f"{word} ")
    return LEVELS.get(text, "")


def test_each_day_has_an_asset_event_with_its_date(live: Live, backfilled: Backfilled) -> None:
    events = live.rows(
        "airflow",
        "select source_run_id, partition_key from asset_event where source_run_id = any(%s)",
        [run.run_id for run in backfilled.runs],
    )
    assert {(event.source_run_id, event.partition_key) for event in events} >= {
        (run.run_id, str(run.day)) for run in backfilled.runs
    }


def test_the_example_writes_a_file_for_each_published_day(live: Live, backfilled: Backfilled) -> None:
    live.api.unpause("daily_figures")
    days = backfilled.days[-5:]
    backfill(live, days[0], days[-1], max_active_runs=AT_ONCE, reprocess_behavior="completed")
    live.wait("the files are written", lambda: len(list(live.figures.glob("*.csv"))) == len(days), PATIENCE)
    live.api.pause("daily_figures")
    told = {}
    for day in days:
        with (live.figures / f"{day}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = (row["day"], row["subject"], row["assessment_kind"], row["level_code"])
                told[key] = (int(row["results"]), int(row["learners"]))
    written = {str(day) for day in days}
    assert told == {key: figures for key, figures in daily_activity(live).items() if key[0] in written}


def test_the_command_line_reads_dates_as_days_in_london(live: Live, backfilled: Backfilled) -> None:
    """The command of docs/backfill.md."""
    first, last = LAST - timedelta(days=min(DAYS, 3) - 1), LAST
    command = f"backfill create --dag-id bksb_results --from-date {first} --to-date {last}T23:59:59"
    live.airflow(*command.split(), "--reprocess-behavior", "completed", "--max-active-runs", "4")
    (told,) = live.rows("airflow", "select max(id) as number from backfill")
    assert [run.day for run in live.await_backfill(told.number)] == [
        first + timedelta(days=number) for number in range((last - first).days + 1)
    ]


def test_the_same_backfill_again_changes_no_row_and_asks_bksb_nothing(live: Live, backfilled: Backfilled) -> None:
    before = rows_of(live.deployment, *TABLES)
    again = backfill(live, max_active_runs=AT_ONCE, reprocess_behavior="completed")
    assert again.calls == {}
    assert [run.run_id for run in again.runs] == [run.run_id for run in backfilled.runs]
    after = rows_of(live.deployment, *TABLES)
    assert {table: after[table] == before[table] for table in TABLES} == dict.fromkeys(TABLES, True)


def test_the_day_on_which_the_clocks_go_back_has_25_hours_and_all_its_results(
    live: Live, backfilled: Backfilled
) -> None:
    day = timedelta(days=1)
    told = backfill(live, LONG_DAY - day, LONG_DAY + day, max_active_runs=3, reprocess_behavior="completed")
    assert told.days == [LONG_DAY - day, LONG_DAY, LONG_DAY + day]
    assert [run.hours for run in told.runs] == [25, 24, 24]  # the extra hour is before 03:00
    events = live.rows("airflow", "select partition_key from asset_event where source_run_id = %s", told.runs[1].run_id)
    assert {event.partition_key for event in events} == {str(LONG_DAY)}
    counted, truth = daily_activity(live), recount(live)
    assert counted == truth
    assert counted[str(LONG_DAY), "Maths", "initial", "L1"][0] >= len(ON_THE_LONG_DAY)


def test_a_backfill_beside_a_manual_run_reads_each_account_once_and_changes_nothing(
    live: Live, backfilled: Backfilled
) -> None:
    known, content = {row.bksb_user_id for row in results(live)}, results(live)
    live.rows("reporting", "delete from bksb.account_source")
    asked = live.api.trigger("bksb_results")
    last = min(DAYS, 4)
    told = backfill(live, LAST - timedelta(days=last - 1), LAST, max_active_runs=last, reprocess_behavior="completed")
    live.wait("the manual run ends", lambda: not live.api.run("bksb_results", asked.run_id).is_active, PATIENCE)
    assert live.api.run("bksb_results", asked.run_id).state == "success"
    sweeps = calls_for(live, eligible_on_any(live, told.days)) + calls_for(live, eligible_on_any(live, [TODAY]))
    assert sum(live.sandbox.site.calls.values()) <= 1.1 * sweeps
    assert [row for row in results(live) if row.bksb_user_id in known] == content
    assert daily_activity(live) == recount(live)


def results(live: Live) -> list[Any]:
    return live.rows(
        "reporting",
        "select bksb_user_id, source, session_id, component, subject, level_code, level_order, percent, result_raw,"
        " completed_at, missing_since from bksb.assessment_result order by 1, 2, 3, 4",
    )


def test_a_full_refresh_of_a_day_repairs_what_was_damaged(live: Live, backfilled: Backfilled) -> None:
    everything = results(live), daily_activity(live)
    eligible = eligible_on_any(live, [LAST])
    for damage in (
        "level_code = 'L3', level_order = 6, result_raw = 'damaged' where source = 'initial'",
        "missing_since = now() where source = 'diagnostic'",
    ):
        statement = f"update bksb.assessment_result set {damage} and bksb_user_id = any(%s)"
        live.rows("reporting", statement, eligible)
    live.rows("reporting", "update bksb.daily_activity set results = results + 1")
    told = backfill(
        live, LAST, LAST, dag_run_conf={"full_refresh": True}, max_active_runs=1, reprocess_behavior="completed"
    )
    assert sum(told.calls.values()) >= calls_for(live, eligible, reports=False)
    assert (results(live), daily_activity(live)) == everything


def test_a_day_that_was_refreshed_in_full_asks_nothing_after_its_conf_is_emptied(
    live: Live, backfilled: Backfilled
) -> None:
    """Airflow keeps the conf of a run that is begun again; docs/backfill.md says to give an empty one."""
    once = {"max_active_runs": 1, "reprocess_behavior": "completed"}
    assert backfill(live, LAST, LAST, dag_run_conf={"full_refresh": True}, **once).calls
    assert backfill(live, LAST, LAST, **once).calls
    assert backfill(live, LAST, LAST, dag_run_conf={}, **once).calls == {}
    assert backfill(live, LAST, LAST, **once).calls == {}


def test_a_manual_run_is_about_today_and_its_asset_event_has_no_partition(live: Live, backfilled: Backfilled) -> None:
    run = live.api.trigger("bksb_results")
    live.wait("the manual run ends", lambda: not live.api.run("bksb_results", run.run_id).is_active, PATIENCE)
    assert live.api.run("bksb_results", run.run_id).state == "success"
    (event,) = live.rows("airflow", "select partition_key, extra from asset_event where source_run_id = %s", run.run_id)
    assert (event.partition_key, event.extra["day"]) == (None, str(london_today()))


def test_a_day_without_eligible_people_succeeds(live: Live) -> None:
    day = date(2015, 6, 1)
    told = backfill(live, day, day, max_active_runs=1)
    assert (told.days, told.calls, told.runs[0].tasks) == ([day], {}, 3)
