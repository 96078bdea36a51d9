"""
An example to copy into your `dags/`: writes a CSV file of the figures of each day that `bksb_results` publishes.

**What it does.** Airflow starts one run for each published day, of nightly runs and of backfills. `bksb_results` emits
its asset with the day as partition key, which this DAG reads from `dag_run.partition_key`. It writes the rows of that
day in `bksb.daily_activity` to `FOLDER/YYYY-MM-DD.csv`. A manual run of `bksb_results` without a logical date starts
nothing. The trigger form fills in a logical date: that run publishes the last complete day before it (03:00 to 03:00).

**Reads and writes.** Reads the connection `reporting`. Writes files to the folder that the Airflow Variable
`daily_figures_folder` names. The files hold counts only, but a count of one can still identify a person, so protect
them.

**Running it again.** Always safe: each file is replaced as a whole. A file holds what was known when its day was
published. People who join later may bring results of earlier days: `bksb.daily_activity` counts them, but no event
announces them. Days that were published while this DAG was off need a backfill of `bksb_results` with
`--reprocess-behavior completed`, which does not call bksb.

**When it fails.** The red task's log says what is missing. Correct it, then clear the task.
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
