"""The commands of ./run. dev.bootstrap starts this module in the environment it has built."""

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
from dev.connections import CONNECTIONS, embedded_fields, refuse_own_connections
from dev.services import interrupts
from dev.services.clone import Clone
from dev.services.errors import RunError
from dev.services.processes import adopt_orphans
from sandbox.world.storage import DEFAULT_LEARNERS

LEARNERS_HELP = f"number of people to invent (default: {DEFAULT_LEARNERS}); fixed until --reset"

CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy", "--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"),
    ("sqlfluff", "lint", "--disable-progress-bar", "sql"),
)


def run_demo(clone: Clone, arguments: Sequence[str]) -> int:
    """Run the whole sync on a real Airflow, with invented people and a simulated bksb."""
    parser = _parser("demo", run_demo)
    parser.add_argument(
        "--once", action="store_true", help="exit after the report, and approve runs without asking you"
    )
    parser.add_argument(
        "--approve",
        action="store_true",
        help="approve runs without asking you (the default without a terminal)",
    )
    parser.add_argument("--learners", type=_positive, metavar="N", help=LEARNERS_HELP)
    parser.add_argument("--reset", action="store_true", help="delete the data of earlier demos first")
    parser.add_argument("--port", type=_port, help="port of the Airflow UI (default: the first free one from 8080)")
    options = parser.parse_args(arguments)
    from dev.demo import demo

    demo(clone, options)
    return 0


def run_sandbox(clone: Clone, arguments: Sequence[str]) -> int:
    """Serve the simulated bksb alone until Ctrl-C, with a page that switches faults on and off."""
    parser = _parser("sandbox", run_sandbox)
    parser.add_argument("--learners", type=_positive, metavar="N", help=LEARNERS_HELP)
    parser.add_argument("--api-port", type=_port, help="port of the API and the web pages (default: any free one)")
    options = parser.parse_args(arguments)
    from dev.sandbox_command import serve_sandbox

    serve_sandbox(clone, options.learners, options.api_port)
    return 0


def run_tests(clone: Clone, arguments: Sequence[str]) -> int:
    """Run all tests, or those that pytest arguments select. --long adds the slow ones."""
    from dev.suite import run_suite

    return run_suite(clone, arguments)


def run_checks(clone: Clone, _arguments: Sequence[str]) -> int:
    """Check format, lint, types and SQL style."""
    failed = [check for check in CHECKS if _run_tool(clone, *check)]
    for check in failed:
        print(f"run check: failed: {' '.join(check)}", file=sys.stderr)
    return 1 if failed else 0


def run_bench(clone: Clone, arguments: Sequence[str]) -> int:
    """Measure how fast the sync is. Fails if a target is missed."""
    parser = _parser("bench", run_bench)
    parser.add_argument(
        "--scale", type=_fraction, default=1.0, help="fraction of the full size, for a quick look (default: 1)"
    )
    scale = parser.parse_args(arguments).scale
    from bench.command import bench
    from dev.services.postgres.server import Postgres

    refuse_own_connections("bench")
    clone.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=clone.run) as folder, Postgres(Path(folder)) as server:
        os.environ["BKSB_CONFIG"] = tempfile.mkdtemp(dir=folder)  # ignore the site's own files
        return bench(embedded_fields(server, "bench", "postgres", server.user, server.password), scale)


def run_airflow(clone: Clone, arguments: Sequence[str]) -> int:
    """Run an Airflow command on the sandbox, or on your own systems (see below)."""
    from dev.airflow_command import run_airflow

    return run_airflow(clone, arguments)


def run_compose(clone: Clone, arguments: Sequence[str]) -> int:
    """Run docker compose for the deployment, or, as `compose sandbox`, for the whole product with invented people."""
    from dev.compose_command import run_compose

    return run_compose(clone, arguments)


def run_bksb(clone: Clone, arguments: Sequence[str]) -> int:
    """Run a command of python -m bksb. `arguments` starts with its name."""
    from dev.bksb_command import run_bksb

    return run_bksb(clone, arguments)


COMMANDS: dict[str, Callable[[Clone, Sequence[str]], int]] = {
    "demo": run_demo,
    "sandbox": run_sandbox,
    "test": run_tests,
    "check": run_checks,
    "bench": run_bench,
    "airflow": run_airflow,
    "compose": run_compose,
}
"""Commands besides those of python -m bksb. The first line of each docstring is the help text."""


def usage() -> str:
    """The help text: one line for each command."""
    of_run = {name: command.__doc__ or "" for name, command in COMMANDS.items()}
    of_bksb = {name: import_module(module).__doc__ or "" for name, module in cli.COMMANDS.items()}
    width = max(map(len, of_run | of_bksb))
    return "\n".join(
        [
            "usage: ./run COMMAND [arguments]    (details: ./run COMMAND --help)",
            "",
            *(f"  {name.ljust(width)}  {text.splitlines()[0]}" for name, text in of_run.items()),
            "",
            "The commands of python -m bksb:",
            "",
            *(f"  {name.ljust(width)}  {text.splitlines()[0]}" for name, text in of_bksb.items()),
            "",
            "These commands and ./run airflow use the sandbox of this folder. If you set any of the variables",
            f"{', '.join(CONNECTIONS)}, they use only your connections.",
        ]
    )


def _parser(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"./run {name}", description=command.__doc__)


def _fraction(text: str) -> float:
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
    return subprocess.run([str(clone.python), "-m", *command], check=False).returncode


def main() -> int:
    """Runs the command that sys.argv names and returns its exit code."""
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed our output
        return 1


if __name__ == "__main__":
    sys.exit(main())
