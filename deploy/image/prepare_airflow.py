"""Prepares Airflow before its processes start: tables, DAGs, roles, pool and administrator. Safe to repeat.

A repeat adds permissions that a role lacks. It never withdraws one.

Runs as the service `init`. The first failure ends it with exit code 1, and then no other process starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = ("bksb_accounts", "bksb_results")

ADMIN = "admin"

PASSWORD = Path("/run/secrets/admin_password")

READ, EDIT, CREATE, MENU = "can_read", "can_edit", "can_create", "menu_access"

VIEWER = {
    "Website": [READ],
    "Plugins": [READ],
    "Assets": [READ, MENU],
    "DAG Dependencies": [READ],
    "DAG Versions": [READ],
    "DAG Warnings": [READ],
    "HITL Detail": [READ],
    "Jobs": [READ],
    "Task Instances": [READ, MENU],
    "Task Logs": [READ],
    "Browse": [MENU],
    "DAGs": [MENU],
    "DAG Runs": [MENU],
    "My Password": [READ, EDIT],
    "My Profile": [READ, EDIT],
    **{f"DAG:{dag}": [READ] for dag in DAGS},
    **{f"DAG Run:{dag}": [READ] for dag in DAGS},
}

OPERATOR = {
    "DAG:bksb_results": [EDIT],
    "DAG Run:bksb_results": [CREATE],
    "Backfills": [READ, CREATE, EDIT],
}

APPROVER = {
    "DAG:bksb_accounts": [EDIT],
    "DAG Run:bksb_accounts": [CREATE],
    "HITL Detail": [EDIT],
}

ROLES = {
    "bksb_viewer": (VIEWER,),
    "bksb_operator": (VIEWER, OPERATOR),
    "bksb_approver": (VIEWER, OPERATOR, APPROVER),
}
"""The roles beside Airflow's own Admin. Each part maps a resource to the actions that it allows."""


def permissions(role: str) -> Iterator[tuple[str, str]]:
    """The permissions of a role, as actions and resources."""
    for part in ROLES[role]:
        for resource, actions in part.items():
            for action in actions:
                yield action, resource


def run_airflow(*arguments: str) -> None:
    print(f"airflow {' '.join(arguments)}", flush=True)
    if subprocess.run([sys.executable, "-m", "airflow", *arguments], check=False).returncode:
        sys.exit(f"init: airflow {' '.join(arguments)} failed. The reason is above. Correct it, then start again.")


def prepare_access() -> None:
    """Make the roles, and the administrator if there is none. Never changes an existing password."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def prepare() -> None:
        with get_application_builder() as builder:
            manager = builder.sm
            builder.add_permissions(update_perms=True)
            manager.sync_roles()
            manager.create_dag_specific_permissions()
            for name in ROLES:
                role = manager.add_role(name)
                for action, resource in permissions(name):
                    manager.add_permission_to_role(role, manager.create_permission(action, resource))
            if manager.find_user(ADMIN) is None:
                password = PASSWORD.read_text(encoding="utf-8")
                admin = manager.find_role("Admin")
                if not manager.add_user(ADMIN, "bksb", "sync", "admin@localhost", admin, password):
                    sys.exit("init: the administrator could not be created. The reason is above.")
                print(f"Created the administrator {ADMIN}.")

    prepare()
    print(f"Roles: {', '.join(ROLES)}.", flush=True)


def main() -> None:
    run_airflow("db", "migrate")
    run_airflow("dags", "reserialize")
    run_airflow("pools", "set", "bksb_api", os.environ["POOL_SLOTS"], "calls to bksb at once")
    prepare_access()
    print("Airflow is ready.")


if __name__ == "__main__":
    main()
