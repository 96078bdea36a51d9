"""docs/troubleshooting.md quotes what people see: each quote is in the code, and each error is in the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from bksb import errors
from tests.conftest import repository

CODE = ("plugins", "dags", "dev", "sandbox/world")

VARIABLE = "\0"
"""Marks a part of a message that is filled in when it is shown."""

SHOWN_ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.FatalError | errors.TransientError)
}
"""Names of the errors that end a task or a command. A RejectedError becomes the detail of an issue."""

OF_AIRFLOW = {
    "models/backfill.py": "Another backfill is running for Dag",
    "api_fastapi/core_api/routes/public/connections.py": "The host or port to test differs from the stored connection",
    "cli/commands/connection_command.py": "Testing connections is disabled",
}


def read_page(name: str = "troubleshooting") -> str:
    return (repository() / "docs" / f"{name}.md").read_text(encoding="utf-8")


def list_quotes(name: str = "troubleshooting") -> Iterator[str]:
    """The messages of a page: in the first column of tables under "message", and in the text if they hold "..."."""
    text = re.sub(r"^```.*?^```$", "", read_page(name), flags=re.DOTALL | re.MULTILINE)
    for block in text.split("\n\n"):
        if not block.startswith("|"):
            yield from (quote for quote in re.findall(r"\*([^*]+)\*", " ".join(block.split())) if "..." in quote)
        elif block.startswith("| message |"):
            for line in block.splitlines():
                yield from re.findall(r"\*(.+?)\*", line.split("|")[1])


def split_quote(quote: str) -> list[str]:
    """The fixed parts of a quote: "..." marks what varies."""
    return [part for part in (part.strip(" (:.,") for part in quote.split("...")) if part]


@cache
def list_messages() -> list[str]:
    """Every text in the code that is not a docstring, with VARIABLE for what is filled in."""
    files = [path for folder in CODE for path in sorted((repository() / folder).rglob("*.py"))]
    assert len(files) > 100
    texts = [text for path in files for text in list_texts(ast.parse(path.read_text(encoding="utf-8")))]
    return [*texts, (repository() / "run").read_text(encoding="utf-8")]


def list_texts(tree: ast.AST) -> Iterator[str]:
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in statements and (text := text_of(node)):
            yield text


def text_of(node: ast.AST) -> str:
    """A text as it is written in the code; "" if it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(\(\w+\))?[ds]", VARIABLE, node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or VARIABLE for part in node.values)
    return ""


def is_in_code(quote: str) -> bool:
    """Whether the parts of the quote follow each other in one text, or in two: one may be filled into the other."""
    parts = split_quote(quote)
    return is_in_one_text(parts) or any(
        is_in_one_text(parts[:place]) and is_in_one_text(parts[place:]) for place in range(1, len(parts))
    )


def is_in_one_text(parts: Sequence[str]) -> bool:
    pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    return any(pattern.search(text) for text in list_messages())


def list_raised() -> Iterator[tuple[str, str]]:
    """Where an error of ours is made, and its text, if it is written there."""
    for path in sorted((repository() / "plugins" / "bksb").rglob("*.py")):
        names = SHOWN_ERRORS | ({"ValueError"} if path.name == "settings.py" else set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name) and node.func.id in names:
                text = text_of(node.args[0])
                if any(letter.isalpha() for letter in text):
                    yield f"{path.relative_to(repository())}:{node.lineno}", text


@pytest.mark.parametrize(
    ("name", "at_least"), [("troubleshooting", 100), ("mis-query", 5), ("going-live", 5), ("invitations", 5)]
)
def test_every_quoted_message_is_in_the_code(name, at_least):
    quotes = list(list_quotes(name))
    assert len(quotes) >= at_least
    assert [quote for quote in quotes if not is_in_code(quote)] == []


def test_every_error_of_ours_is_in_the_page():
    """To add an error, add a line to docs/troubleshooting.md that quotes the first words of its message."""
    raised = list(list_raised())
    assert len(raised) > 50
    parts = {max(split_quote(quote), key=len) for quote in list_quotes()}
    assert [(where, text) for where, text in raised if not any(part in text for part in parts)] == []


def test_the_checks_that_publish_anyway_skips_are_in_the_page():
    from bksb.jobs.results.publishing import SKIPPED_BY_PUBLISH_ANYWAY

    assert set(re.findall(r"^\| `(find_\w+)` \|", read_page(), re.MULTILINE)) == {
        name.removeprefix("checks/") for name in SKIPPED_BY_PUBLISH_ANYWAY
    }


@pytest.mark.parametrize(("module", "message"), OF_AIRFLOW.items())
def test_the_messages_of_airflow_are_those_of_the_installed_version(module, message):
    (airflow,) = find_spec("airflow").submodule_search_locations
    assert message in (Path(airflow) / module).read_text(encoding="utf-8")
    assert f"*{message}" in read_page()
