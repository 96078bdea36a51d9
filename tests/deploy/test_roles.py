"""The roles that a deployment makes: what each may change."""

from __future__ import annotations

import pytest

from deploy.image.prepare_airflow import DAGS, ROLES, permissions
from tests.conftest import repository

OWN = {("can_edit", "My Password"), ("can_edit", "My Profile")}
"""Everyone may change these."""

RESULTS = {
    ("can_edit", "DAG:bksb_results"),
    ("can_create", "DAG Run:bksb_results"),
    ("can_create", "Backfills"),
    ("can_edit", "Backfills"),
}

ACCOUNTS = {
    ("can_edit", "DAG:bksb_accounts"),
    ("can_create", "DAG Run:bksb_accounts"),
    ("can_edit", "HITL Detail"),
}


@pytest.mark.parametrize(
    ("role", "changes"),
    [("bksb_viewer", OWN), ("bksb_operator", OWN | RESULTS), ("bksb_approver", OWN | RESULTS | ACCOUNTS)],
)
def test_a_role_may_change_exactly_this(role, changes):
    assert {one for one in permissions(role) if one[0] not in ("can_read", "menu_access")} == changes


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_pages_and_both_dags_but_no_connection(role):
    allowed = set(permissions(role))
    assert ("can_read", "Plugins") in allowed
    assert {("can_read", f"{kind}:{dag}") for kind in ("DAG", "DAG Run") for dag in DAGS} <= allowed
    assert not {resource for _, resource in allowed} & {"Connections", "Variables", "Configurations", "Users", "Roles"}


def test_the_roles_know_every_dag():
    assert set(DAGS) == {path.stem for path in (repository() / "dags").glob("*.py")}
