"""
An example to copy into your `dags/`: a CSV of the figures of each day that `bksb_results` has published.

**What it does.** Airflow starts one run for each day that was published, a night's as well as each day of a backfill:
`bksb_results` emits its asset with the day as partition key, and the run finds it in `dag_run.partition_key`. The day's
rows of `bksb.daily_activity` become `FOLDER/YYYY-MM-DD.csv`. A manual run of `bksb_results` without a logical date is
about no day and starts nothing; one with a date, as the form of the UI fills in, publishes the day before, also if it
was for one learner.

**Reads and writes.** Reads the connection `reporting`; writes files of counts in the folder of the Variable
`daily_figures_folder`, and nothing about any person. A count of one may still tell something about somebody: think of
who reads the files.

**Running it again.** Always safe: a file is replaced whole. It tells what was known when its day was published: people
who come later may bring results of earlier days, which `bksb.daily_activity` counts and no event tells. Days published
while this DAG was switched off do not come by themselves: backfill `bksb_results` for them with `--reprocess-behavior
completed`, which asks bksb for nothing.

**When it fails.** The red task's log says what is missing. Mend it, then clear the task.
"""

from airflow.sdk import Asset, PartitionedAssetTimetable, Variable, dag, task


@dag(schedule=PartitionedAssetTimetable(assets=Asset("bksb_results")), catchup=False, doc_md=__doc__, tags=["example"])
def daily_figures():
    @task(retries=2)
    def write_figures(dag_run=None) -> int:
        import csv
        from datetime import date
        from pathlib import Path

        from bksb.airflow.hook import connection_fields
        from bksb.reporting.store import open_store

        day = date.fromisoformat(dag_run.partition_key)
        with open_store(connection_fields("reporting")) as store, store.transaction():
            rows = store.run("reports/list_activity_of_day", day=day)
        path = Path(Variable.get("daily_figures_folder")) / f"{day}.csv"
        draft = path.with_suffix(".new")
        with draft.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["day", "subject", "assessment_kind", "level_code", "results", "learners"])
            lines.writerows(rows)
        draft.replace(path)
        return len(rows)

    write_figures()


daily_figures()
