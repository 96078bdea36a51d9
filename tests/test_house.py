"""Rules for the whole tree: layers, names, SQL files."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import repository

PACKAGE = repository() / "plugins" / "bksb"

LAYERS = (
    ("addresses", "errors", "issues"),
    ("connection_fields", "folders", "model"),
    ("rules",),
    ("level_words", "settings"),
    ("api", "mail", "mis", "reporting"),
    ("deployment",),
    ("jobs",),
    ("airflow",),
    ("cli",),
    ("__main__",),
)
"""Packages and top-level modules, the lowest first. They import from lower lines only, or from their own package."""

SANDBOX_LAYERS = (("files", "html"), ("world",), ("bksb", "mailbox", "mis"), ("pages",), ("server",))
"""Packages and modules of the simulated world, the lowest first."""

PLACES = ("bksb", "sandbox", "bench", "dev")
"""The top-level packages, the lowest first. They import from earlier ones only."""

STATEMENTS = sorted((repository() / "sql").rglob("*.sql"))

SCHEMA_FOLDERS = ("migrations", "views")
"""Their files may hold several statements, such as a table and its indexes."""


def modules() -> dict[str, Path]:
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    names.pop("")
    return names


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_its_layer():
    assert {name.split(".")[0] for name in modules()} == {part for layer in LAYERS for part in layer}


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_down_only(name):
    height = {part: level for level, layer in enumerate(LAYERS) for part in layer}
    part = name.split(".")[0]
    for imported in imports_of(modules()[name]):
        if imported.startswith("bksb."):
            other = imported.split(".")[1]
            assert other == part or height[other] < height[part], f"{name} imports {imported}"


@pytest.mark.parametrize(
    "path",
    [path for place in PLACES[1:] for path in sorted((repository() / place).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(repository())),
)
def test_a_package_imports_only_those_below_it(path):
    height = {place: level for level, place in enumerate((*PLACES, "tests"))}
    own = height[path.relative_to(repository()).parts[0]]
    assert not {name for name in imports_of(path) if height.get(name.split(".")[0], -1) > own}


@pytest.mark.parametrize(
    "path", sorted((repository() / "sandbox").rglob("*.py")), ids=lambda path: str(path.relative_to(repository()))
)
def test_a_part_of_the_sandbox_imports_only_those_below_it(path):
    height = {part: level for level, layer in enumerate(SANDBOX_LAYERS) for part in layer}
    own = path.relative_to(repository() / "sandbox").with_suffix("").parts[0]
    assert own == "__init__" or own in height
    others = parts_imported(path, "sandbox") - {own}
    assert not {other for other in others if height[other] >= height[own]}


@pytest.mark.parametrize("name", sorted(modules()))
def test_the_package_imports_nothing_that_is_not_installed_with_it(name):
    assert not {imported for imported in imports_of(modules()[name]) if imported.split(".")[0] in PLACES[1:]}


@pytest.mark.parametrize("name", sorted(modules()))
def test_only_one_package_imports_airflow(name):
    """Only bksb.airflow imports Airflow. The test of layers checks that only commands import bksb.airflow."""
    imports_airflow = any(imported.split(".")[0] == "airflow" for imported in imports_of(modules()[name]))
    assert not imports_airflow or name.split(".")[0] == "airflow"


OUTSIDE = {"os", "pathlib", "psycopg2", "requests", "socket", "sqlalchemy", "subprocess", "tempfile", "time"}
"""Modules that reach the machine, a server or the clock."""


@pytest.mark.parametrize("name", [name for name in sorted(modules()) if name.startswith("rules.")])
def test_rules_reach_no_file_no_server_and_no_clock(name):
    assert not {imported.split(".")[0] for imported in imports_of(modules()[name])} & OUTSIDE
    called = [node.func for node in ast.walk(ast.parse(modules()[name].read_text())) if isinstance(node, ast.Call)]
    names = {getattr(function, "attr", getattr(function, "id", "")) for function in called}
    assert not names & {"now", "today", "utcnow", "open", "read_text", "read_bytes"}


NOUNS = {"addresses", "connection_fields", "errors", "folders", "issues", "model"}
"""Every package may import these, so the drawing does not show it."""


def parts_imported(path: Path, top: str) -> set[str]:
    """The packages and modules of `top` that a file imports, by the first part of their names."""
    found = (name.split(".") for name in imports_of(path))
    return {parts[1] for parts in found if parts[0] == top and len(parts) > 1}


def test_the_drawing_shows_every_import_between_packages():
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", (repository() / "docs/architecture.md").read_text(), re.MULTILINE))
    parts = {name.split(".")[0] for name in modules()} - {"__main__"}
    imported = set()
    for name, path in modules().items():
        imported |= {(name.split(".")[0], part) for part in parts_imported(path, "bksb") & parts}
    for path in (repository() / "dags").rglob("*.py"):
        imported |= {("dags", part) for part in parts_imported(path, "bksb") & parts}
    for place in ("dev", "bench", "sandbox"):
        for path in (repository() / place).rglob("*.py"):
            tops = {found.split(".")[0] for found in imports_of(path)}
            imported |= {(place, "plugins" if top == "bksb" else top) for top in tops & set(PLACES)}
    arrows = {(a, b) for a, b in imported if a != b and not {a, b} & (NOUNS | {"__main__"})}
    assert drawn == arrows


def test_the_jobs_of_one_dag_do_not_import_those_of_the_other():
    for one, other in (("accounts", "results"), ("results", "accounts")):
        paths = list((PACKAGE / "jobs" / one).rglob("*.py"))
        assert paths
        assert not [path.name for path in paths for name in imports_of(path) if name.startswith(f"bksb.jobs.{other}")]


@pytest.mark.parametrize("name", [name for name in sorted(modules()) if name.split(".")[0] == "cli"])
def test_a_command_imports_airflow_only_when_it_runs(name):
    tree = ast.parse(modules()[name].read_text(encoding="utf-8"))
    at_import = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
    assert not {module for module in at_import if module in ("bksb.airflow.hook", "bksb.airflow.dag_support")}


@pytest.mark.parametrize("folder", ["dags", "plugins/bksb"])
def test_pandas_is_never_imported_by_a_dag_or_a_plugin(folder):
    paths = list((repository() / folder).rglob("*.py"))
    assert paths
    assert not [path.name for path in paths if "pandas" in imports_of(path)]


def test_no_module_has_the_name_of_a_standard_module():
    assert not {name for name in modules() if "." not in name} & sys.stdlib_module_names


def test_airflow_is_told_not_to_run_the_package_as_loose_plugins():
    assert (repository() / "plugins" / ".airflowignore").read_text().split() == ["bksb/"]


def test_there_is_sql_to_look_at():
    assert len(STATEMENTS) > 50


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_a_sql_file_is_one_statement_under_a_header(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- Purpose: ", text) and "-- Safe to repeat: " in text
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    outside_of_functions = re.sub(r"\$\$.*?\$\$", "", body, flags=re.DOTALL)
    assert body.rstrip().endswith(";")
    assert outside_of_functions.count(";") == 1 or path.parent.name in SCHEMA_FOLDERS
    assert "{{" not in text and "{%" not in text


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_a_sql_file_names_each_parameter_it_takes(path):
    text = path.read_text(encoding="utf-8")
    header = " ".join(line for line in text.splitlines() if line.startswith("--"))
    for parameter in set(re.findall(r"%\((\w+)\)s", text)):
        assert re.search(rf"\b{parameter}\b", header), parameter


def test_everything_in_the_schema_is_defined_in_one_place():
    defined = [
        f"{kind} {name}"
        for path in STATEMENTS
        if path.parent.name in SCHEMA_FOLDERS
        for kind, name in re.findall(
            r"^create (?:or replace )?(table|view|function|unique index|index) ([\w.]+)",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]
    assert len(defined) == len(set(defined)) > 30


def test_every_statement_is_used():
    sources = [
        path.read_text(encoding="utf-8")
        for top in ("plugins", "dev", "docs/examples")
        for path in (repository() / top).rglob("*.py")
    ]
    whole_folders = {"migrations", "checks", "load", "mis"}
    for path in STATEMENTS:
        if path.parent.name not in whole_folders:
            assert any(f"{path.parent.name}/{path.stem}" in text or f'"{path.stem}"' in text for text in sources), path


def test_the_copy_lists_columns_in_the_order_in_which_rows_are_written():
    columns = re.search(r"\((.*)\)", (repository() / "sql/results/copy_loaded_result.sql").read_text(), re.DOTALL)
    assert columns is not None
    names = [name.strip() for name in columns.group(1).split(",")]
    table = (repository() / "sql/results/create_loaded_result.sql").read_text()
    assert names == re.findall(r"^    (\w+) ", table, re.MULTILINE)


def test_every_file_of_the_repository_is_text():
    git = shutil.which("git")
    assert git, "install git"
    listed = subprocess.run([git, "ls-files", "-z"], cwd=repository(), capture_output=True, check=True).stdout
    paths = [repository() / name for name in listed.decode().split("\0") if name]
    assert len(paths) > 100
    assert [path for path in paths if path.is_file() and b"\0" in path.read_bytes()] == []


LARGE_FOR_A_REASON = {
    "Probe": "one list of questions to bksb, in their order",
}


def test_a_class_over_150_lines_and_a_module_over_350_have_a_reason():
    paths = [path for top in ("plugins", "dags", *PLACES[1:]) for path in (repository() / top).rglob("*.py")]
    long_modules = [str(path) for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > 350]
    long_classes = {
        node.name
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= 150
    }
    assert long_modules == []
    assert long_classes == set(LARGE_FOR_A_REASON)
