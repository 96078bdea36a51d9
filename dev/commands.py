"""The commands of ./run, in the environment that dev.bootstrap has made."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from bksb import cli
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import adopt_orphans

CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy", "--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"),
    ("sqlfluff", "lint", "--disable-progress-bar", "sql"),
)


def run_demo(clone: Clone, arguments: Sequence[str]) -> int:
    """The whole sync on real Airflow, with invented people."""
    parser = _parser("demo", run_demo)
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
    """The pretend bksb alone, with switches for its faults, until Ctrl-C."""
    parser = _parser("sandbox", run_sandbox)
    parser.add_argument("--learners", type=_positive, help="how many people to invent; settled at the first start")
    parser.add_argument("--api-port", type=_port, help="port of the API and the pages; a free one")
    options = parser.parse_args(arguments)
    from dev.sandbox_command import serve_sandbox

    serve_sandbox(clone, options.learners, options.api_port)
    return 0


def run_tests(clone: Clone, arguments: Sequence[str]) -> int:
    """The tests: all, or those that the arguments of pytest choose; --long for those that take minutes, too."""
    from dev.suite import run_suite

    return run_suite(clone, arguments)


def run_checks(clone: Clone, _arguments: Sequence[str]) -> int:
    """Format, lint, types and SQL style; the names of the checks that failed come last."""
    failed = [check for check in CHECKS if _run_tool(clone, *check)]
    for check in failed:
        print(f"run check: failed: {' '.join(check)}", file=sys.stderr)
    return 1 if failed else 0


def run_bench(clone: Clone, arguments: Sequence[str]) -> int:
    """What the sync costs, measured against what was promised; fails if a target is missed."""
    parser = _parser("bench", run_bench)
    parser.add_argument("--scale", type=_part, default=1.0, help="part of the usual sizes, for a quick look; 1")
    scale = parser.parse_args(arguments).scale
    from bench.command import bench
    from dev.connections import embedded_fields, refuse_own_connections
    from dev.services.postgres.server import Postgres

    refuse_own_connections("bench")
    clone.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=clone.run) as folder, Postgres(Path(folder)) as server:
        os.environ["BKSB_CONFIG"] = tempfile.mkdtemp(dir=folder)  # without the files that a site edits
        return bench(embedded_fields(server, "bench", "postgres", server.user, server.password), scale)


def run_airflow(clone: Clone, arguments: Sequence[str]) -> int:
    """Any Airflow command, in the demo's surroundings or on the connections that AIRFLOW_CONN_… name."""
    from dev.airflow_command import run_airflow

    return run_airflow(clone, arguments)


def run_bksb(clone: Clone, arguments: Sequence[str]) -> int:
    """A command of python -m bksb; `arguments` begin with its name."""
    from dev.bksb_command import run_bksb

    return run_bksb(clone, arguments)


COMMANDS: dict[str, Callable[[Clone, Sequence[str]], int]] = {
    "demo": run_demo,
    "sandbox": run_sandbox,
    "test": run_tests,
    "check": run_checks,
    "bench": run_bench,
    "airflow": run_airflow,
}
"""Those that python -m bksb does not have. The first line of a function's docstring is the help text."""


def usage() -> str:
    """Every command, a line each."""
    of_run = {name: command.__doc__ or "" for name, command in COMMANDS.items()}
    of_bksb = {name: import_module(module).__doc__ or "" for name, module in cli.COMMANDS.items()}
    width = max(map(len, of_run | of_bksb))
    return "\n".join(
        [
            "usage: ./run COMMAND [arguments]    (./run COMMAND --help says more)",
            "",
            *(f"  {name.ljust(width)}  {text.splitlines()[0]}" for name, text in of_run.items()),
            "",
            "as python -m bksb, on the sandbox of this folder or on the connections that AIRFLOW_CONN_… name:",
            "",
            *(f"  {name.ljust(width)}  {text.splitlines()[0]}" for name, text in of_bksb.items()),
        ]
    )


def _parser(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"./run {name}", description=command.__doc__)


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


def _run_tool(clone: Clone, *command: str) -> int:
    """Runs a tool of the environment in the foreground."""
    return subprocess.run([str(clone.python), "-m", *command], check=False).returncode


def main() -> int:
    """Runs the command that sys.argv names; the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(usage())
        return 0
    name = arguments[0] if arguments else ""
    if name not in COMMANDS and name not in cli.COMMANDS:
        if name:
            print(f"run: there is no command {name!r}", file=sys.stderr)
        print(usage(), file=sys.stderr)
        return 2
    interrupts.listen()
    adopt_orphans()
    try:
        if name in COMMANDS:
            return COMMANDS[name](Clone(), arguments[1:])
        return run_bksb(Clone(), arguments)
    except RunError as error:
        print(f"run {name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has left
        return 1


if __name__ == "__main__":
    sys.exit(main())
