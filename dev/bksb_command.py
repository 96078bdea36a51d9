"""./run COMMAND for the commands of python -m bksb, on the caller's connections or on this clone's services."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from bksb import cli
from dev.airflow.processes import inherited_environment
from dev.connections import announce_sandbox, has_own_connections, reporting_variable, sandbox_variables
from dev.services.clone import Clone
from dev.services.databases import prepare_databases, prepare_everything
from dev.services.errors import RunError
from dev.services.postgres.server import Postgres
from dev.services.sharing import SharedServices

READ_ONLY = ("export", "sql")
"""Commands that only read the reporting database, which must exist."""


def run_bksb(clone: Clone, arguments: Sequence[str]) -> int:
    """Runs the command in the caller's folder; returns its exit code. Raises RunError if there is nothing to read."""
    options = cli.parse(arguments, prog="./run")
    os.chdir(os.environ["RUN_CALLED_FROM"])
    # these commands use nothing of Airflow but its connections
    environment = inherited_environment() | {"AIRFLOW_HOME": str(clone.airflow)}
    if has_own_connections() or (options.command == "preview-mail" and options.conn is None):
        return _run(options, environment)
    if options.command in READ_ONLY and not Postgres(clone.postgres).exists():
        raise RunError("there is no reporting database yet. Make one with: ./run demo")
    announce_sandbox()
    with SharedServices(clone) as services:
        return _run(options, environment | _prepare(clone, services, options))


def _prepare(clone: Clone, services: SharedServices, options: argparse.Namespace) -> dict[str, str]:
    """Starts the services that the command needs. Returns the environment variables that define its connections."""
    server = services.postgres()
    if options.command in READ_ONLY:
        return reporting_variable(server, clone, "bksb_writer")
    if options.command == "migrate":
        prepare_databases(server, clone)
        options.writer, options.reader = options.writer or "bksb_writer", options.reader or "bksb_reader"
        return reporting_variable(server, clone, "bksb_owner")
    prepare_everything(server, clone)
    return sandbox_variables(server, clone, services.sandbox())


def _run(options: argparse.Namespace, environment: dict[str, str]) -> int:
    os.environ.clear()
    os.environ.update(environment)
    return cli.run(options)
