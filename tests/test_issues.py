"""Every issue code is explained once, and docs/tables.md lists it."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from bksb.issues import (
    ACCOUNT_ISSUES,
    CHECK_ISSUES,
    INVITATION_ISSUES,
    ISSUE_KINDS,
    RESULT_ISSUES,
    TEXT_ISSUES,
    IssueCode,
)
from tests.conftest import repository

CODES = get_args(IssueCode)


def test_every_code_says_what_it_is_about_where_to_fix_it_and_what_to_do():
    assert set(ISSUE_KINDS) == set(CODES)
    for kind in ISSUE_KINDS.values():
        assert kind.what_to_do and not kind.what_to_do.endswith(".")


def test_every_code_belongs_to_a_job_that_resolves_it():
    groups = (ACCOUNT_ISSUES, CHECK_ISSUES, RESULT_ISSUES, INVITATION_ISSUES, TEXT_ISSUES)
    assert {code for group in groups for code in group} == set(CODES)
    assert {code for code, kind in ISSUE_KINDS.items() if kind.about == "text"} == set(TEXT_ISSUES)


@pytest.mark.parametrize("code", CODES)
def test_the_documents_list_the_code(code):
    assert re.search(rf"`{code}`", (repository() / "docs/tables.md").read_text(encoding="utf-8"))


def test_no_statement_names_a_code_that_does_not_exist():
    for path in (repository() / "sql").rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        for listed in re.findall(r"\bcode (?:=|in) (\([^)]*\)|'[^']*')", text):
            for code in re.findall(r"'(\w+)'", listed):
                assert code in CODES, (path.name, code)
