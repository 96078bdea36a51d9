"""
Brings every assessment result from bksb into the reporting tables.

**What it does.** Takes the people who were eligible on the run's day and have an active bksb account, reads *every
page* of every source chosen in connection `bksb` (initial, diagnostic, and `v5`: the newer assessments, of which a
finished session's report is read once), and loads them. The day is the London date on which the run's interval starts;
a manual run without a logical date is about today.

1. `list_people` reads the MIS as of the day.
2. `link_people` (skipped if there is no one to link) looks up people who have no account yet, but a bksb username in
   the MIS, and links them.
3. `plan_fetches` finds the accounts that have to be fetched.
4. `fetch_results` (one task for each share of the accounts; skipped if nothing is due) reads bksb, and loads by COPY
   and one merge.
5. `publish_results` holds the tables to every promise in `sql/checks`, brings the summaries up to date and emits the
   asset `bksb_results`, with the day as partition key.

**Reads and writes.** Reads the MIS, and bksb by GET only: it never creates an account and never mails. Writes
`assessment_result`, `result_change`, `account_source`, `skill_summary`, `daily_activity`, `run_person`, `issue` and
`sync_run`, and for people linked on the way `account` and `account_link`. Parameters: `person_ids` refreshes just the
people named ("Get latest results"), before everything else that waits; `full_refresh` asks bksb again for everything.

**Running it again.** Always safe, also for a past day. An unchanged result is not written; a changed one leaves its old
row in `result_change`; one that bksb no longer shows gets `missing_since` and counts no more, and comes back if bksb
shows it again. The run's day of `daily_activity` is counted anew, from the results. A scheduled or backfill run asks
nothing that a later answer already covers, so a backfill costs one sweep, not one a day; `full_refresh` asks, and
repairs damaged rows. To read again what is loaded, after new words for levels: `python -m bksb reparse`, without bksb.

**When it fails.** The red task's log says what to do. *Key refused*: in bksb, Admin Options > API Access Keys.
*bksb did not answer*: it tries again by itself. *Checks failed*: the named file in `sql/checks` says what was
promised; what is loaded stays, nothing is published, by later runs neither, until it is put right: new words in
`config/levels.toml` and `python -m bksb reparse`; or, if it is right as it is, a run with `publish_anyway`.
"""

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, task

from bksb.airflow import dag_support

RESULTS = Asset("bksb_results")


@dag(
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="Europe/London"),
    start_date=dag_support.START_DATE,
    catchup=False,
    max_active_runs=4,
    default_args=dag_support.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["bksb", "reads from bksb"],
    params={
        "person_ids": Param([], type="array", items={"type": "string"}, title="Only these people (person_id)"),
        "full_refresh": Param(
            False, type="boolean", title="Full refresh", description="Ask bksb again for everything."
        ),
        "publish_anyway": Param(
            False, type="boolean", title="Publish anyway", description="Results that vanished, or new words, are right."
        ),
    },
)
def bksb_results():
    @task(show_return_value_in_logs=False)
    def list_people(dag_run=None, params=None) -> list[list[int]]:
        from bksb.jobs import results

        deployment = dag_support.open_deployment_or_skip()
        return results.list_people(deployment, dag_support.make_run(dag_run, params, deployment))

    @task(pool=dag_support.POOL, pool_slots=dag_support.POOL_SLOTS)
    def link_people(buckets: list[int], dag_run=None, params=None) -> None:
        from bksb.jobs import results

        deployment = dag_support.open_deployment_or_skip()
        results.link_people(deployment, dag_support.make_run(dag_run, params, deployment), buckets)

    @task(trigger_rule="none_failed", show_return_value_in_logs=False)
    def plan_fetches(dag_run=None, params=None) -> list[list[int]]:
        from bksb.jobs import results

        deployment = dag_support.open_deployment_or_skip()
        return results.plan_fetches(deployment, dag_support.make_run(dag_run, params, deployment))

    @task(pool=dag_support.POOL, pool_slots=dag_support.POOL_SLOTS)
    def fetch_results(buckets: list[int], dag_run=None, params=None) -> None:
        from bksb.jobs import results

        deployment = dag_support.open_deployment_or_skip()
        results.fetch_results(deployment, dag_support.make_run(dag_run, params, deployment), buckets)

    @task(trigger_rule="none_failed", outlets=[RESULTS])
    def publish_results(dag_run=None, params=None, *, outlet_events) -> None:
        from bksb.jobs import results

        deployment = dag_support.open_deployment_or_skip()
        run = dag_support.make_run(dag_run, params, deployment)
        results.check_results(deployment, run)
        counts = results.publish_results(deployment, run)
        outlet_events[RESULTS].extra = {"day": run.day.isoformat()} | vars(counts)
        if run.interval_start:
            outlet_events[RESULTS].add_partitions(run.day.isoformat())

    fetches = plan_fetches()
    link_people.expand(buckets=list_people()) >> fetches
    fetch_results.expand(buckets=fetches) >> publish_results()


bksb_results()
