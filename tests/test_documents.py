"""The documents: their links lead somewhere, and what they name exists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bksb.issues import ISSUE_KINDS
from tests.conftest import repository

ROOT = repository()

PAGES = sorted((ROOT / "docs").rglob("*.md"))

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += [ROOT / "config" / "README.md", *PAGES]

TOP_FOLDERS = ("bench", "config", "dags", "deploy", "dev", "docs", "plugins", "sandbox", "sql", "tests")

README_LINES = 150

INTERNAL_FUNCTIONS = {"grant_reader", "grant_writer", "mark_summary_rebuild"}
"""Functions that only migrations and triggers call."""

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^()\s]*)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)


def prose(path: Path) -> str:
    """The text without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def code(path: Path) -> str:
    """What the text shows as code: spans and fenced blocks."""
    text = path.read_text(encoding="utf-8")
    return "\n".join([*FENCE.findall(text), *CODE_SPAN.findall(FENCE.sub("", text))])


def links(path: Path) -> list[str]:
    return LINK.findall(CODE_SPAN.sub("", prose(path)))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    found: dict[str, int] = {}
    slugs = set()
    for heading in re.findall(r"^#{1,6} +(.+?)(?: +#+)?$", prose(path), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        times = found[slug] = found.get(slug, -1) + 1
        slugs.add(f"{slug}-{times}" if times else slug)
    return slugs


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The head and the rows of each table, as lists of cells."""
    for table in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
        yield head, rows


def section(path: Path, title: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    return re.split(r"^## ", path.read_text(encoding="utf-8").split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


@each_document
def test_every_relative_link_leads_to_a_file_and_a_heading(path):
    broken = []
    for target in links(path):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        place, _, anchor = target.partition("#")
        file = (path.parent / place).resolve() if place else path
        if not (file.is_relative_to(ROOT) and file.exists()) or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_anchors_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# The `bksb` API\n## What became of it: `bksb.invitation.state`\n## What, and why?\n## Ö_b - c\n"
        "```sh\n# a comment\n```\n## [Set up](x.md)\n## Again\n### Again\n"
    )
    assert anchors(page) == {
        "the-bksb-api",
        "what-became-of-it-bksbinvitationstate",
        "what-and-why",
        "ö_b---c",
        "set-up",
        "again",
        "again-1",
    }


@pytest.mark.parametrize("index", [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"], ids=name_of)
def test_the_index_of_a_folder_lists_each_of_its_pages(index):
    pages = {page.name for page in index.parent.glob("*.md")} - {index.name}
    assert pages - {target.partition("#")[0] for target in links(index)} == set()


def test_the_index_of_the_documents_lists_the_folders_below():
    index = ROOT / "docs" / "README.md"
    folders = {f"{page.parent.relative_to(index.parent)}/README.md" for page in PAGES if page.parent != index.parent}
    assert folders - {target.partition("#")[0] for target in links(index)} == set()


@each_document
def test_a_document_has_one_title_and_then_says_what_it_is_for(path):
    lines = prose(path).splitlines()
    assert [line for line in lines if line.startswith("# ")] == lines[:1]
    first = "\n".join(lines[1:]).strip().split("\n\n")[0]
    assert not re.match(r"[-#>|]|```|\d+\. |$", first), "the first paragraph is not text"
    sentence = re.split(r"[.:](?:\s|$)", first)[0]
    assert 3 < len(sentence.split()) <= 35
    assert first.endswith((".", ":"))


def test_the_readme_is_short_enough_to_be_read():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES


@pytest.fixture(scope="module")
def schema() -> dict[str, set[str]]:
    """The tables, views and functions of schema bksb, and the columns of each: all of them have a comment."""
    objects: dict[str, set[str]] = {}
    for path in (ROOT / "sql" / "views").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^comment on (?:table|view|function) bksb\.(\w+)", text, re.MULTILINE):
            objects.setdefault(name, set())
        for table, column in re.findall(r"^comment on column bksb\.(\w+)\.(\w+)", text, re.MULTILINE):
            objects.setdefault(table, set()).add(column)
    for path in (ROOT / "sql" / "schema").glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^create table (?:if not exists )?bksb\.(\w+)", text, re.MULTILINE):
            objects.setdefault(name, set())
    return objects


@each_document
def test_everything_named_in_schema_or_package_bksb_exists(path, schema):
    """`bksb.issue`, `bksb.account.username` and `bksb.skill_level_on` of the schema; `bksb.api` of the package."""
    unknown = []
    for name, part in re.findall(r"(?<![\w./@-])bksb\.([a-z]\w*)(?:\.([a-z]\w*))?", code(path)):
        in_schema = name in schema and (not part or part in schema[name])
        module = ROOT / "plugins" / "bksb" / name
        in_package = module.is_dir() or module.with_suffix(".py").exists()
        if not (in_schema or in_package):
            unknown.append(".".join(filter(None, (name, part))))
    assert unknown == []


def test_the_page_of_tables_lists_every_table_and_view_and_no_other(schema):
    page = ROOT / "docs" / "tables.md"
    named = {re.split(r"\W", span)[0] for span in CODE_SPAN.findall(prose(page))}
    assert set(schema) - INTERNAL_FUNCTIONS - named == set()
    columns = set().union(*schema.values())
    for head, rows in tables(prose(page)):
        if head[0] in ("table or view", "table", "view", "function", "column"):
            listed = {re.split(r"\W", span)[0] for row in rows for span in CODE_SPAN.findall(row[0])}
            assert listed and listed - set(schema) - columns == set()


def test_the_page_of_tables_lists_every_issue_code_and_no_other():
    listed = [
        span
        for _, rows in tables(section(ROOT / "docs" / "tables.md", "Issue codes"))
        for row in rows
        for span in CODE_SPAN.findall(row[0])
    ]
    assert sorted(listed) == sorted(ISSUE_KINDS)


@each_document
def test_every_file_that_is_named_exists(path):
    """Files of the site's own are named too: those exist as an example, or as a default."""
    missing = []
    for span in CODE_SPAN.findall(prose(path)):
        if not re.fullmatch(rf"(?:{'|'.join(TOP_FOLDERS)})/[\w./*-]*", span):
            continue
        of_site = span.removeprefix("config/")
        places = (span, f"{span}.example", f"plugins/bksb/defaults/{of_site}", f"sql/mis/{of_site}")
        if not any(ROOT.glob(place.rstrip("/")) if "*" in place else (ROOT / place).exists() for place in places):
            missing.append(span)
    assert missing == []


OF_OTHERS = {"access_token"}
"""Names of Airflow's REST API that a page explains. Its settings, which begin with AIRFLOW__, need not be listed."""


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every word of the code, and of what it ships."""
    files = [path for top in TOP_FOLDERS for path in (ROOT / top).rglob("*")]
    files += [ROOT / "run", ROOT / "pyproject.toml", ROOT / ".env.example"]
    suffixes = (".py", ".sql", ".toml", ".html", ".txt", ".example", "")
    texts = (path.read_text(encoding="utf-8") for path in files if path.is_file() and path.suffix in suffixes)
    return {word for text in texts for word in re.findall(r"\w+", text)}


@each_document
def test_every_name_of_code_is_in_the_code(path, words):
    """Names with an underscore, such as `make_row` or the ending `_at`, and of classes, such as `AssessmentResult`."""
    names = [
        span for span in CODE_SPAN.findall(prose(path)) if re.fullmatch(r"[A-Za-z]*_\w+|([A-Z][a-z0-9]+){2,}", span)
    ]
    endings = {name for name in names if name.startswith("_") and any(word.endswith(name) for word in words)}
    unknown = set(names) - words - endings - OF_OTHERS
    assert {name for name in unknown if not name.startswith("AIRFLOW__")} == set()


PUBLIC_TEXTS = sorted(
    path
    for path in [*DOCUMENTS, *(file for top in TOP_FOLDERS for file in (ROOT / top).rglob("*"))]
    if path.suffix in (".py", ".sql", ".md", ".toml", ".html", ".txt", ".example")
)


def foreign_addresses(text: str, project: list[str]) -> list[str]:
    """Addresses of a copy of this project that pyproject.toml does not give."""
    found = re.findall(
        r"https?://(?:github\.com|gitlab\.com|codeberg\.org|bitbucket\.org)/[\w.-]+/[\w.-]*bksb[\w./-]*", text
    )
    return [address for address in found if not any(address.startswith(one.rstrip("/")) for one in project)]


def test_the_address_of_the_project_is_that_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    for path in PUBLIC_TEXTS:
        assert foreign_addresses(path.read_text(encoding="utf-8"), list(project.values())) == [], path


def test_another_address_of_the_project_is_found():
    address = "/".join(("https://github.com", "someone", "bksb-sync", "issues"))
    text = f"See {address} and https://github.com/apache/airflow."
    assert foreign_addresses(text, []) == [address]
    assert foreign_addresses(text, [address.removesuffix("issues")]) == []
