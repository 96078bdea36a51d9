"""The commands of ./run, in the environment that dev.bootstrap has made."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import adopt_orphans

USAGE = """\
usage: ./run demo [--once] [--approve] [--learners N] [--reset] [--port N]
                                                                 the whole sync on real Airflow, with invented people
       ./run sandbox [--learners N] [--api-port P]               the pretend bksb alone, with switches for its faults
       ./run test [pytest arguments]                             every test
       ./run check                                               format, lint, types, SQL style
       ./run bench [--scale PART]                                what it costs, measured against what was promised
       ./run sql "select …"                                      CSV from the reporting database
       ./run export unmatched|account_for_mis [--out FILE]       that list as CSV
       ./run migrate                                             brings the reporting database up to date
       ./run airflow …                                           any Airflow command in this environment
"""

CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy", "--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"),
    ("sqlfluff", "lint", "--disable-progress-bar", "sql"),
)


def run_demo(clone: Clone, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./run demo", description="The whole sync on real Airflow, with invented people."
    )
    parser.add_argument("--once", action="store_true", help="end when the report is printed; approves by itself")
    parser.add_argument(
        "--approve",
        action="store_true",
        help="approve by itself what a run asks, as a person would in the UI; so does a demo without a terminal",
    )
    parser.add_argument("--learners", type=_positive, help="how many people to invent; settled at the first start")
    parser.add_argument("--reset", action="store_true", help="throw the data of earlier demos away first")
    parser.add_argument("--port", type=_port, help="port of the Airflow UI; the first free one from 8080")
    options = parser.parse_args(arguments)
    from dev.demo import demo

    demo(clone, options)
    return 0


def run_sandbox(clone: Clone, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run sandbox", description="The pretend bksb alone, until Ctrl-C.")
    parser.add_argument("--learners", type=_positive, help="how many people to invent; settled at the first start")
    parser.add_argument("--api-port", type=_port, help="port of the API and the pages; a free one")
    options = parser.parse_args(arguments)
    from dev.sandbox_command import serve_alone

    serve_alone(clone, options.learners, options.api_port)
    return 0


def run_bench(clone: Clone, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run bench", description="Measures, and fails if a target is missed.")
    parser.add_argument("--scale", type=_part, default=1.0, help="part of the usual sizes, for a quick look; 1")
    scale = parser.parse_args(arguments).scale
    from dev.stage import refuse_real_connections

    refuse_real_connections("bench")
    from bench.command import bench

    return bench(clone, scale)


def _part(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("must be from 1 to 65535")
    return number


def run_tests(_clone: Clone, arguments: Sequence[str]) -> int:
    """All tests, or those asked for. Every signal ends them as Ctrl-C does: fixtures clean up."""
    import pytest

    for number in interrupts.SIGNALS:
        signal.signal(number, signal.default_int_handler)
    return pytest.main(list(arguments))


def run_checks(clone: Clone, _arguments: Sequence[str]) -> int:
    """All checks, whatever the first ones say; the names of those that failed come last."""
    failed = [check for check in CHECKS if _tool(clone, *check)]
    for check in failed:
        print(f"run check: failed: {' '.join(check)}", file=sys.stderr)
    return 1 if failed else 0


def run_sql(clone: Clone, arguments: Sequence[str]) -> int:
    from dev.query import run_query

    if len(arguments) != 1:
        print('usage: ./run sql "select …"', file=sys.stderr)
        return 2
    run_query(clone, arguments[0])
    return 0


def run_migrate(clone: Clone, arguments: Sequence[str]) -> int:
    """Migrates the database of AIRFLOW_CONN_REPORTING if that is set, else the embedded one."""
    if "AIRFLOW_CONN_REPORTING" in os.environ:
        environment = dict(os.environ) | {"AIRFLOW_HOME": str(clone.airflow)}
        os.execve(clone.python, [str(clone.python), "-m", "bksb", "migrate", *arguments], environment)  # noqa: S606 - no shell is wanted
    from dev.services.databases import prepare_databases
    from dev.services.postgres.server import Postgres
    from dev.stage import migrate_reporting

    with Postgres.shared(clone.postgres, clone.locks) as server:
        prepare_databases(server, clone)
        migrate_reporting(server, clone)
    print("The embedded reporting database is up to date.")
    return 0


def run_export(clone: Clone, arguments: Sequence[str]) -> int:
    """Exports from the database of AIRFLOW_CONN_REPORTING if that is set, else from the embedded one."""
    os.chdir(os.environ["RUN_CALLED_FROM"])  # which is where a person looks for FILE
    if "AIRFLOW_CONN_REPORTING" in os.environ:
        environment = dict(os.environ) | {"AIRFLOW_HOME": str(clone.airflow)}
        os.execve(clone.python, [str(clone.python), "-m", "bksb", "export", *arguments], environment)  # noqa: S606 - no shell is wanted
    from bksb.cli.export import add_arguments
    from dev.query import export_list

    parser = argparse.ArgumentParser(prog="./run export", description="A list from the reporting database as CSV.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    print(f"Wrote {export_list(clone, options.name, options.out)} rows of {options.name}.", file=sys.stderr)
    return 0


def run_airflow(clone: Clone, arguments: Sequence[str]) -> int:
    from dev.airflow_command import run_airflow

    return run_airflow(clone, arguments)


COMMANDS: dict[str, Callable[[Clone, Sequence[str]], int]] = {
    "demo": run_demo,
    "sandbox": run_sandbox,
    "test": run_tests,
    "bench": run_bench,
    "check": run_checks,
    "sql": run_sql,
    "export": run_export,
    "migrate": run_migrate,
    "airflow": run_airflow,
}


def _tool(clone: Clone, *command: str) -> int:
    """Runs a tool of the environment in the foreground."""
    return subprocess.run([str(clone.python), "-m", *command], check=False).returncode


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(USAGE, end="")
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        if arguments:
            print(f"run: there is no command {arguments[0]!r}", file=sys.stderr)
        print(USAGE, end="", file=sys.stderr)
        return 2
    interrupts.listen()
    adopt_orphans()
    try:
        return COMMANDS[arguments[0]](Clone(), arguments[1:])
    except RunError as error:
        print(f"run {arguments[0]}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has left
        return 1


if __name__ == "__main__":
    sys.exit(main())
