"""
Loads all assessment results from bksb into the reporting tables.

**What it does.** Takes the people who were eligible on the run's day and have an active bksb account. Reads *every
page* of each source that the connection `bksb` names (initial, diagnostic, v5), and loads the results. The run's day is
the date on which its interval starts, in the site's time zone. A manual run without a logical date is about today.

1. `list_people` reads the MIS as of the day.
2. `link_people` links people who have no account, but a bksb username in the MIS. Skipped if there are none.
3. `plan_fetches` finds the accounts to fetch.
4. `fetch_results` reads bksb and loads the results. One task for each share of the accounts. Skipped if nothing is due.
5. `publish_results` runs the checks in `sql/checks`, updates the summaries, and emits the asset `bksb_results` with the
   day as partition key.

**Reads and writes.** Reads the MIS, and bksb with GET only: it never creates an account or sends mail. Writes
`assessment_result`, `result_change`, `account_source`, `skill_summary`, `daily_activity`, `summary_rebuild`,
`run_person`, `planned_action`, `issue` and `sync_run`. For people it tries to link, it also writes `account` (a blocked
row if the link fails), and `account_link` if the link works.

**Running it again.** Always safe, also for a past day. A result that did not change is not written. One that changed
leaves its old row in `result_change`. One that bksb no longer shows gets `missing_since` and stops counting, until bksb
shows it again. A scheduled or backfill run does not ask bksb for what a later answer covers, so a backfill reads each
person once, not once a day. `full_refresh` asks bksb for everything again, and repairs damaged rows. To apply new words
for levels to loaded results, run `python -m bksb reparse`, which does not call bksb.

**When it fails.** The last ERROR line of the red task's log says what to do. If bksb does not answer, the task is tried
again by itself. *Checks failed* names a file in `sql/checks` that says what was expected. Results stay loaded, but no
run publishes until the cause is gone: add words to `config/levels.toml` and run `python -m bksb reparse`, or, if the
results are right, start a run with `publish_anyway`.
"""

from airflow.sdk import Asset, CronDataIntervalTimetable, dag, task

from bksb.airflow import dag_support
from bksb.airflow.dag_support import optional

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
        "person_ids": dag_support.person_ids(),
        "full_refresh": optional("boolean", False, "Full refresh", "Ask bksb for everything again."),
        "publish_anyway": optional(
            "boolean",
            False,
            "Publish anyway",
            "Publish even if results vanished or texts are unknown. Use it after you have checked that they are right.",
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
