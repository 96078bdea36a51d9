"""A real Airflow for a test, started as the demo starts it, with a world of its own and bksb in this process."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2.extras

from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.rules.times import find_day_bounds
from bksb.settings import read_settings
from dev.airflow.processes import (
    ADMIN,
    airflow_environment,
    await_airflow,
    finish_metadata,
    start_airflow,
    start_metadata,
)
from dev.airflow.rest_api import AirflowApi
from dev.connections import embedded_fields, sandbox_variables
from dev.services.clone import ROOT, Clone
from dev.services.databases import migrate_reporting, prepare_databases
from dev.services.ports import reserved_port
from dev.services.postgres.server import Postgres
from dev.services.processes import Programs
from dev.services.sandbox_server import SandboxServer
from sandbox.mis import database as sandbox_mis
from sandbox.server import Sandbox
from sandbox.world.population import World
from tests.clones import OtherFolder
from tests.conftest import client_of, fields_of, mailer_of

POLL_SECONDS = 0.5
GOING = """
select 1 from dag_run where dag_id = 'bksb_results' and state in ('queued', 'running')
union all
select 1 from task_instance
where dag_id = 'bksb_results' and state in ('scheduled', 'queued', 'running', 'restarting', 'up_for_retry', 'deferred')
"""
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Live:
    """A running Airflow, and everything around it."""

    clone: Clone
    server: Postgres
    sandbox: Sandbox
    api: AirflowApi
    environment: dict[str, str]
    programs: Programs

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def figures(self) -> Path:
        """The folder into which the example DAG writes."""
        return Path(self.environment["AIRFLOW_VAR_DAILY_FIGURES_FOLDER"])

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment of Airflow's connections, to prepare a test without Airflow."""
        mis_fields = fields_of(
            self.server.dsn("mis", "mis_reader", self.clone.secret("mis_reader")),
            "mis",
            {"sqlalchemy_scheme": "postgresql+psycopg2"},
        )
        return Deployment(
            settings=read_settings(json.loads(self.environment["AIRFLOW_CONN_BKSB"])["extra"]),
            mis=Mis(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"),
            reporting=embedded_fields(
                self.server, "reporting", "reporting", "bksb_writer", self.clone.secret("bksb_writer")
            ),
            make_client=lambda: client_of(self.sandbox),
            open_mailer=lambda: mailer_of(self.sandbox),
        )

    def rows(self, database: str, statement: str, *parameters: object) -> list[Any]:
        """Return rows of a database, read as its superuser."""
        with (
            closing(self.server.connect(database)) as connection,
            connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor,
        ):
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def wait(self, what: str, holds: Callable[[], Any], seconds: float = 300) -> Any:
        """Wait for a condition and return its value. Fails if Airflow has ended, or after `seconds`."""
        end = time.monotonic() + seconds
        while not (held := holds()):
            self.programs.check()
            assert time.monotonic() < end, f"still waiting after {seconds} s: {what}"
            time.sleep(POLL_SECONDS)
        return held

    def backfill(self, first: date, last: date, *, seconds: float = 600, **more: Any) -> list[RunOfDay]:
        """Backfill bksb_results from first to last, as days in London. Returns its runs, the oldest day first."""
        begins, ends = find_day_bounds(first, LONDON)[0], find_day_bounds(last, LONDON)[1]
        number = self.api.backfill("bksb_results", begins, ends - timedelta(seconds=1), **more)
        return self.await_backfill(number, seconds)

    def await_backfill(self, number: int, seconds: float = 600) -> list[RunOfDay]:
        """Wait for a backfill. Returns its runs, the oldest day first.

        Waits for every run of bksb_results: a run of another backfill may have been started again.
        """
        self.wait(f"backfill {number} ends", lambda: not self.rows("airflow", GOING), seconds)
        self.api.end_backfill(number)
        return self.runs("dag_run.backfill_id = %s", number)

    def airflow(self, *arguments: str) -> None:
        """Run an airflow command to its end, as ./run airflow does."""
        self.programs.finish(
            self.programs.start("command", [self.clone.python, "-m", "airflow", *arguments], self.environment)
        )

    def runs(self, where: str, *parameters: object) -> list[RunOfDay]:
        """Return runs from Airflow's own tables, with the number of tasks that ran."""
        found = self.rows(
            "airflow",
            "select dag_run.run_id, dag_run.state, dag_run.data_interval_start, dag_run.data_interval_end,"
            " count(task_instance.start_date) filter (where task_instance.state = 'success') as tasks"
            " from dag_run join task_instance using (dag_id, run_id)"
            f" where dag_id = 'bksb_results' and ({where}) group by dag_run.id order by dag_run.data_interval_start",
            *parameters,
        )
        return [RunOfDay(*row) for row in found]


@dataclass(frozen=True)
class RunOfDay:
    """One run in Airflow's tables. `tasks` is the number that were started and succeeded."""

    run_id: str
    state: str
    interval_start: datetime | None
    interval_end: datetime | None
    tasks: int

    @property
    def day(self) -> date:
        """The London date on which its interval starts."""
        return self.interval_start.astimezone(LONDON).date()

    @property
    def hours(self) -> float:
        return (self.interval_end - self.interval_start).total_seconds() / 3600


def _with_examples(folder: Path) -> Path:
    """Return a folder with the DAGs of this checkout and the examples."""
    folder.mkdir()
    for path in (*(ROOT / "dags").glob("*.py"), *(ROOT / "docs" / "examples").glob("*.py")):
        shutil.copy2(path, folder)
    return folder


@contextmanager
def live_airflow(folder: Path, world: World, *, dags: Sequence[str] = ("bksb_results",)) -> Iterator[Live]:
    """Start Airflow as ./run demo does, with these DAGs switched on. Everything ends with the context."""
    clone = OtherFolder(made_in=folder)
    with ExitStack() as stack:
        port = stack.enter_context(reserved_port(None))
        server = stack.enter_context(Postgres(clone.postgres))
        sandbox = stack.enter_context(Sandbox(world))
        programs = stack.enter_context(Programs(clone.logs))
        server_info = SandboxServer(sandbox.url, sandbox.smtp_port, sandbox.access_key, sandbox.secret_key)
        prepare_databases(server, clone)
        environment = airflow_environment(clone, server, port, sandbox_variables(server, clone, server_info))
        environment["AIRFLOW__CORE__DAGS_FOLDER"] = str(_with_examples(folder / "dags"))
        environment["AIRFLOW_VAR_DAILY_FIGURES_FOLDER"] = str(folder / "figures")
        (folder / "figures").mkdir()
        metadata = start_metadata(programs, clone, environment)
        sandbox_mis.fill(server.dsn("mis", "mis_owner", clone.secret("mis_owner")), world)
        migrate_reporting(server, clone)
        finish_metadata(programs, metadata, server)
        api = AirflowApi(port, ADMIN, clone.secret("airflow_admin"))
        start_airflow(programs, clone, environment)
        await_airflow(programs, api, clone.logs)
        live = Live(clone, server, sandbox, api, environment, programs)
        for dag_id in dags:
            live.wait(f"Airflow knows {dag_id}", lambda dag_id=dag_id: api.dag_is_known(dag_id), 120)
            api.unpause(dag_id)
        yield live
