"""The plan of a run as it stands in the reporting database, and the accounts it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bksb.model import Account, Action, Plan, Run
from bksb.reporting.store import Store

Planned = Mapping[str, tuple[str, str | None]]
"""By person_id: the kind of action (also transfer and blocked), and the username if it needs one."""


def write_plan(store: Store, run: Run, plan: Plan) -> None:
    """Put the plan into `bksb.planned_action`, in place of what this run planned before."""
    blocked: dict[str, str] = {}
    for issue in plan.issues:
        if issue.person_id:
            blocked[issue.person_id] = ", ".join(filter(None, (blocked.get(issue.person_id), issue.code)))
    rows: dict[str, tuple[str, str, str | None]] = {
        person_id: ("blocked", codes, None) for person_id, codes in blocked.items()
    }
    rows |= {
        transfer.person_id: ("transfer", f"was applicant {transfer.former_person_id}", None)
        for transfer in plan.transfers
    }
    rows |= {action.person_id: (action.kind, action.reason, action.username) for action in plan.actions}
    of_run(store, "accounts/delete_planned_actions", run)
    store.copy(
        "accounts/copy_planned_actions",
        ((run.dag_id, run.run_id, person_id, *row) for person_id, row in rows.items()),
    )


def planned_actions(store: Store, run: Run) -> Planned:
    """What the run set out to do."""
    rows = of_run(store, "accounts/list_planned_actions", run)
    return {row.person_id: (row.action, row.username) for row in rows}


def is_planned(action: Action, planned: Planned) -> bool:
    """Whether the run set out to do just this, under this very username."""
    return planned.get(action.person_id) == (action.kind, action.username)


def known_accounts(store: Store) -> list[Account]:
    """Every account we know."""
    return [
        Account(row.person_id, row.username, row.bksb_user_id, row.state, row.origin)
        for row in store.run("accounts/list_accounts")
    ]


def of_run(store: Store, name: str, run: Run) -> list[Any]:
    """The rows of a statement that takes a run, and nothing else."""
    return store.run(name, dag_id=run.dag_id, run_id=run.run_id)
