"""The commands in README and docs exist, and work as printed."""

from __future__ import annotations

import itertools
import re
import shlex
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bksb import cli
from dev.commands import COMMANDS
from dev.services.clone import ROOT, Clone
from dev.services.sharing import SharedServices
from tests.clones import PATIENCE, Copy, processes_in, started, wait_until

PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "config/*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
NEEDS = "# needs "
"""Start of the first line of a block that needs a system which a test does not have."""

LEFT_OUT = re.compile(r"\./run (?:test|check|bench)\b")
"""Commands that take too long. CI runs them anyway, except for bench."""

SERVER = re.compile(r"^\./run sandbox\b(?:.*\\\n)*.*\n?", re.MULTILINE)
"""A command that runs until Ctrl-C. A demo ends by itself if it has no terminal."""

BKSB_COMMAND = re.compile(rf"(?:\./run|python -m bksb) +((?:{'|'.join(cli.COMMANDS)})\b(?:.*\\\n)*.*)")

SERVING = "Serving until Ctrl-C."


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    @property
    def is_run(self) -> bool:
        return self.language == "sh" and not self.text.startswith(NEEDS)


def blocks_of(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["language"], textwrap.dedent(found["text"]))
        for found in FENCE.finditer(text)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    spans = re.findall(r"`([^`]+)`", FENCE.sub("", (ROOT / page).read_text()))
    text = "\n".join(
        [
            *(" ".join(span.split()) for span in spans),
            *(block.text for block in blocks_of(page) if block.language == "sh"),
        ]
    )
    of_run = set(re.findall(r"^(?:[A-Z_]+=.* )?\./run +([a-z][a-z-]*)", text, re.MULTILINE))
    of_bksb = set(re.findall(r"\bpython -m bksb +([a-z][a-z-]*)", text))
    assert of_run <= {*COMMANDS, *cli.COMMANDS}
    assert of_bksb <= {*cli.COMMANDS}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_commands_is_fenced_as_sh(page: str) -> None:
    """Other blocks are not run."""
    shell = [block for block in blocks_of(page) if block.language in ("", "bash", "shell", "console")]
    assert not [f"{block.page}:{block.line}" for block in shell if re.search(r"^(\$ )?\./run ", block.text, re.M)]


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_blocks_that_are_not_run_have_valid_arguments(page: str) -> None:
    for block in blocks_of(page):
        if block.language == "sh" and not block.is_run:
            for command in BKSB_COMMAND.findall(block.text):
                cli.parse(arguments_of(command), prog=f"{block.page}:{block.line}")


def arguments_of(command: str) -> list[str]:
    """The words of a command, up to a pipe, a redirection or the like."""
    words = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    return list(itertools.takewhile(lambda word: not word or word[0] not in words.punctuation_chars, words))


def test_the_readme_has_commands_to_run() -> None:
    assert [block for block in blocks_of("README.md") if block.is_run]


@pytest.fixture(scope="module")
def demo_clone(fresh_clone: Copy) -> Iterator[Copy]:
    """A clone in which the demo has run once, so that there are results to read and Airflow knows the DAGs."""
    result = fresh_clone.run("demo", "--once", "--reset", "--learners", "120")
    assert result.returncode == 0, result.stdout + result.stderr
    yield fresh_clone
    assert processes_in(fresh_clone.folder) == []


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in PAGES if any(block.is_run for block in blocks_of(page))])
def test_every_command_of_a_page_works_as_printed(demo_clone: Copy, page: str, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.is_run]
    text = "".join(block.text for block in blocks)
    with ExitStack() as stack:
        if not SERVER.search(text) and "--reset" not in text:
            stack.enter_context(running_services(demo_clone))
        failures = [
            f"{block.page}:{block.line}: {failure}"
            for block in blocks
            if (failure := run_block(demo_clone, block, stack, tmp_path))
        ]
    assert not failures, "\n\n".join(failures)


@contextmanager
def running_services(clone: Copy) -> Iterator[None]:
    """Keeps PostgreSQL and the sandbox running, so that no command has to start them."""
    with SharedServices(Clone(clone.folder)) as services:
        services.postgres()
        services.sandbox()
        yield


def run_block(clone: Copy, block: Block, servers: ExitStack, logs: Path) -> str:
    """Runs a block as one script. Returns the output if it failed.

    A server is started first, and runs until `servers` is closed, because later blocks may need it.
    """
    for command in SERVER.findall(block.text):
        servers.enter_context(serving(clone, arguments_of(command)[1:], logs / f"server-{block.line}"))
    script = LEFT_OUT.sub("true", SERVER.sub("", block.text))
    with started(
        ["bash", "-xeuo", "pipefail", "-c", script],
        cwd=clone.folder,
        env=clone.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    return f"exit code {process.returncode} of\n{script}\n{output}" if process.returncode else ""


@contextmanager
def serving(clone: Copy, arguments: list[str], output: Path) -> Iterator[None]:
    """A running server. At the end it gets the signal of Ctrl-C."""
    with clone.running(*arguments, output=output) as process:
        wait_until(
            "the server is ready or has ended", lambda: SERVING in output.read_text() or process.poll() is not None
        )
        assert process.poll() is None, output.read_text()
        yield
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, output.read_text()
