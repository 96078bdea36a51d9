"""./run demo: runs the whole sync on a real Airflow, with invented people and a simulated bksb."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dev.airflow.approvals import Approvals
from dev.airflow.processes import (
    ADMIN,
    airflow_environment,
    await_airflow,
    finish_metadata,
    metadata_is_ready,
    start_airflow,
    start_metadata,
)
from dev.airflow.rest_api import AirflowApi, AirflowApiError, Run, summarise
from dev.connections import refuse_own_connections, sandbox_variables
from dev.progress import Progress
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.databases import prepare_databases, prepare_everything
from dev.services.errors import RunError
from dev.services.locks import FileLock
from dev.services.ports import reserved_port
from dev.services.postgres.server import Postgres
from dev.services.processes import Programs
from dev.services.sandbox_server import SandboxServer
from dev.services.sharing import SharedServices, erase
from sandbox.world import storage as world

DAGS = ("bksb_accounts", "bksb_results")
DAG_SECONDS = 600
POLL_SECONDS = 0.3
LOG_LINES = 15
EXAMPLE_QUERIES = (
    "select state, count(*) from bksb.account group by state",
    "select code, subject_key, detail from bksb.issue where resolved_at is null",
    "select * from bksb.skill_summary limit 10",
)


class DemoError(RunError):
    """The demo cannot continue. The text says what to do next."""


def _create_world(clone: Clone, learners: int | None) -> None:
    try:
        world.load_or_create(clone.sandbox, learners)
    except world.WorldMismatchError as error:
        raise DemoError(str(error)) from None


def demo(clone: Clone, options: argparse.Namespace) -> None:
    """Runs both DAGs and prints a report. On a terminal, a person approves runs, and Airflow runs until Ctrl-C.

    With --once or without a terminal, it approves runs itself and ends after the report.
    """
    refuse_own_connections("demo")
    attended = sys.stdout.isatty() and not options.once
    with reserved_port(options.port) as port, closing(FileLock(clone.scheduler_lock)) as scheduler:
        if not scheduler.try_exclusive():
            raise DemoError(
                "another ./run demo or a ./run airflow … test is running in this folder. Use it, or stop it first."
            )
        if options.reset:
            erase(clone)
        _create_world(clone, options.learners)
        with SharedServices(clone) as services, Programs(clone.logs) as programs:
            server, sandbox = services.postgres(), services.sandbox()
            approve = options.approve or not attended
            Demo(clone, server, sandbox, programs, port, approve=approve).run(serve=attended)


class Demo:
    """One run of the demo, on running services."""

    def __init__(
        self,
        clone: Clone,
        server: Postgres,
        sandbox: SandboxServer,
        programs: Programs,
        port: int,
        *,
        approve: bool,
    ) -> None:
        self.clone = clone
        self.server = server
        self.sandbox = sandbox
        self.programs = programs
        self.progress = Progress()
        self.api = AirflowApi(port, ADMIN, clone.secret("airflow_admin"))
        self.login = f"user {ADMIN}, password {clone.secret('airflow_admin')}"
        self.approvals = Approvals(self.api, self.progress.say, self.login, by_itself=approve)
        self.environment = airflow_environment(clone, server, port, sandbox_variables(server, clone, sandbox))

    def run(self, serve: bool) -> None:
        self._prepare()
        since = datetime.now(UTC)
        self._start_airflow()
        runs = [self._run_dag(dag_id) for dag_id in DAGS]
        runs = self._await_scheduled_runs(since, runs)
        self._report(since, runs)
        if serve:
            self._serve()
        else:
            print(
                "\nAirflow and the sandbox stop now. In a terminal, ./run demo starts them again and keeps them.",
                flush=True,
            )

    def _prepare(self) -> None:
        self.progress.say("Preparing the databases, the MIS and Airflow's metadata")
        prepare_databases(self.server, self.clone)
        migration = None
        if not metadata_is_ready(self.server):
            migration = start_metadata(self.programs, self.clone, self.environment)
        prepare_everything(self.server, self.clone)
        if migration:
            finish_metadata(self.programs, migration, self.server)

    def _start_airflow(self) -> None:
        self.progress.say(f"Starting Airflow on {self.api.url}")
        start_airflow(self.programs, self.clone, self.environment)
        await_airflow(self.programs, self.api, self.clone.logs)

    def _run_dag(self, dag_id: str) -> Run:
        """Unpauses the DAG and triggers a run. Returns when the run has succeeded."""
        self._await_dag(dag_id)
        try:
            self.api.unpause(dag_id)
            run = self.api.trigger(dag_id)
        except AirflowApiError:
            self._raise_import_errors()  # Airflow may still know the DAG from an earlier version of its file
            raise
        while run.is_active:
            self.programs.check()
            time.sleep(POLL_SECONDS)
            self._attend()
            run = self.api.run(dag_id, run.run_id)
        self._show(run)
        self._raise_if_failed(run)
        self.progress.say(f"{dag_id} took {run.seconds or 0:.1f} s")
        return run

    def _attend(self) -> None:
        """Handles open approvals, and shows the progress of all runs."""
        self.approvals.attend()
        for run in self.api.active_runs():
            self._show(run)

    def _show(self, run: Run) -> None:
        title = f"{run.dag_id} ({run.kind})"
        self.progress.show((run.dag_id, run.run_id), title, summarise(self.api.task_states(run)))

    def _await_dag(self, dag_id: str) -> None:
        end = time.monotonic() + DAG_SECONDS
        while not self.api.dag_is_known(dag_id):
            self._raise_import_errors()
            if time.monotonic() > end:
                raise DemoError(
                    f"Airflow did not find {dag_id} within {DAG_SECONDS} s. See the logs in {self.clone.logs}."
                )
            self.programs.check()
            time.sleep(POLL_SECONDS)

    def _raise_import_errors(self) -> None:
        errors = self.api.import_errors()
        if errors:
            raise DemoError("Airflow cannot import a DAG file: " + "\n".join(errors))

    def _await_scheduled_runs(self, since: datetime, shown: list[Run]) -> list[Run]:
        """Waits for the runs that the scheduler starts itself, for the latest interval of each DAG."""
        while any(self.api.run_is_due(dag_id) for dag_id in DAGS) or self.api.active_runs():
            self._attend()
            self.programs.check()
            time.sleep(POLL_SECONDS)
        runs = self.api.runs_since(since)
        for run in runs:
            self._raise_if_failed(run)
        return runs or shown

    def _raise_if_failed(self, run: Run) -> None:
        if run.state == "failed":
            failed = [task for task in self.api.task_states(run) if task.state == "failed"]
            logs = [_task_log(self.clone.airflow / "logs", run, task.task_id) for task in failed]
            names = ", ".join(dict.fromkeys(task.task_id for task in failed))
            raise DemoError("\n".join([f"{run.dag_id} failed in {names or 'no task'} (run {run.run_id})", *logs]))

    def _report(self, since: datetime, runs: list[Run]) -> None:
        from dev.report import print_report  # imports pandas, which is slow

        self.progress.end_line()
        print_report(self.server.dsn("reporting", "bksb_writer", self.clone.secret("bksb_writer")), since, runs)
        print(
            "\nThe tables",
            *(f'  ./run sql "{query}"' for query in EXAMPLE_QUERIES),
            sep="\n",
            flush=True,
        )

    def _serve(self) -> None:
        print(
            "\nWhere to look",
            f"  Airflow         {self.api.url}  {self.login}",
            f"  mailbox         {self.sandbox.mailbox_url}",
            f"  simulated bksb  {self.sandbox.url}",
            "\nServing until Ctrl-C.",
            sep="\n",
            flush=True,
        )
        try:
            while True:
                self.programs.check()
                time.sleep(0.5)
        except interrupts.Interrupted:
            print("\nStopping.", flush=True)


def _task_log(logs: Path, run: Run, task_id: str) -> str:
    """The last lines of a failed task's newest log."""
    folder = logs / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task_id}"
    files = sorted(folder.rglob("attempt=*.log"), key=lambda path: path.stat().st_mtime)
    if not files:
        return f"there is no log of {task_id}"
    lines = files[-1].read_text(errors="replace").splitlines()
    lines = [_format_log_line(line) for line in lines if "group::" not in line]
    return "\n".join([f"{files[-1]} ends with:", *lines[-LOG_LINES:]])


def _format_log_line(line: str) -> str:
    try:
        entry: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return f"  {line}"
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or []]
    return "  " + "\n    ".join([f"{entry.get('level', '')}: {entry.get('event', '')}", *errors])
