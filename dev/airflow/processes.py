"""Airflow on this machine: its settings, its metadata database and its four processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from psycopg2 import sql

from dev.airflow.rest_api import AirflowApi
from dev.services.clone import Clone, random_fernet_key, random_signing_key
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from dev.services.processes import Program, Programs
from sandbox.files import write_private

ADMIN = "admin"
POOL = "bksb_api"
POOL_SLOTS = 16
START_SECONDS = 600
NOT_INHERITED = ("AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS", "AIRFLOW_CONFIG", "AIRFLOW_HOME")
"""Prefixes of variables that would change where Airflow reads its configuration and connections."""


class AirflowStartError(RunError):
    """Airflow did not start. The text says which part failed and where to look."""


def inherited_environment() -> dict[str, str]:
    """The caller's environment without the variables in NOT_INHERITED."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}


def airflow_environment(clone: Clone, server: Postgres, port: int, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of all Airflow commands of this clone, plus `variables`."""
    inherited = inherited_environment()
    url = f"http://127.0.0.1:{port}"
    metadata = server.dsn("airflow", "airflow", clone.secret("airflow"))
    passwords = clone.airflow / "passwords.json"
    write_private(passwords, json.dumps({ADMIN: clone.secret("airflow_admin")}) + "\n")
    settings = {
        "API__BASE_URL": url,
        "API__ENABLE_SWAGGER_UI": "False",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__SECRET_KEY": clone.secret("airflow_api_secret_key", random_signing_key),
        "API_AUTH__JWT_SECRET": clone.secret("airflow_jwt_secret", random_signing_key),
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "CORE__DAGS_FOLDER": str(clone.root / "dags"),
        "CORE__DEFAULT_TIMEZONE": "Europe/London",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__FERNET_KEY": clone.secret("airflow_fernet_key", random_fernet_key),
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default uses DNS, which may take seconds
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "4",
        "CORE__PLUGINS_FOLDER": str(clone.root / "plugins"),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__TEST_CONNECTION": "Enabled",
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DATABASE__SQL_ALCHEMY_CONN": metadata.replace("postgresql://", "postgresql+psycopg2://"),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": "",  # would need asyncpg, for two calls that we do not use
        "LOGGING__BASE_LOG_FOLDER": str(clone.airflow / "logs"),
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(clone.airflow / "logs" / "dag_processor"),
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        # seconds until a worker notices the end of a task if it missed the signal; the default is 5
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }
    return {
        **inherited,
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        **variables,
        "AIRFLOW_HOME": str(clone.airflow),
        "NO_PROXY": _without_proxy(inherited.get("NO_PROXY", inherited.get("no_proxy", ""))),
        "no_proxy": _without_proxy(inherited.get("no_proxy", inherited.get("NO_PROXY", ""))),
        "PYTHONUNBUFFERED": "1",
    }


def _without_proxy(hosts: str) -> str:
    return ",".join([*filter(None, hosts.split(",")), "127.0.0.1", "localhost"])


def metadata_is_ready(server: Postgres) -> bool:
    """Whether this version of Airflow has already prepared the metadata database. Takes milliseconds."""
    with closing(server.connect("airflow")) as connection, connection.cursor() as cursor:
        cursor.execute("select shobj_description(oid, 'pg_database') from pg_database where datname = 'airflow'")
        return bool(cursor.fetchone() == (_metadata_stamp(),))


def start_metadata(programs: Programs, clone: Clone, environment: Mapping[str, str]) -> Program:
    """Starts to migrate the metadata database and to create the pool. Continue with finish_metadata."""
    command = [str(clone.python), "-m", "dev.airflow.metadata", POOL, str(POOL_SLOTS)]
    return programs.start("airflow-metadata", command, environment)


def finish_metadata(programs: Programs, program: Program, server: Postgres) -> None:
    """Waits for the migration, and records in the database that it is done."""
    programs.finish(program)
    with closing(server.connect("airflow")) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("comment on database airflow is {}").format(sql.Literal(_metadata_stamp())))


def _metadata_stamp() -> str:
    return f"prepared for Airflow {version('apache-airflow')}, pool {POOL} of {POOL_SLOTS}"


COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


def start_airflow(programs: Programs, clone: Clone, environment: Mapping[str, str]) -> None:
    """Starts the four processes. Their output goes to .run/logs. Continue with await_airflow."""
    for name, arguments in COMPONENTS.items():
        programs.start(name, [clone.python, "-m", "airflow", *arguments], environment)


def await_airflow(programs: Programs, api: AirflowApi, logs: Path) -> None:
    """Waits until all four processes report that they are healthy."""
    end = time.monotonic() + START_SECONDS
    while unhealthy := api.unhealthy_parts():
        programs.check()
        if time.monotonic() > end:
            raise AirflowStartError(
                f"Airflow is not healthy after {START_SECONDS} s: {', '.join(unhealthy)}. See the logs in {logs}."
            )
        time.sleep(0.2)
    programs.check()  # the healthy Airflow may be another one, which has our port
