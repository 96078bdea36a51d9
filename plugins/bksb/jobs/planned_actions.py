"""Stores the plan of a run in `bksb.planned_action`, and reads it. Call these functions inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping

from bksb.model import Action, Plan, Run
from bksb.reporting.store import Store

PlannedActions = Mapping[str, tuple[str, str | None]]
"""By person_id: the kind of action (also "transfer" or "blocked"), and the username if the action needs one."""


def write_plan(store: Store, run: Run, plan: Plan) -> None:
    """Store the plan, replacing any earlier plan of the same run."""
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
    store.run("accounts/delete_planned_actions", **run.key)
    store.copy(
        "accounts/copy_planned_actions",
        ((run.dag_id, run.run_id, person_id, *row) for person_id, row in rows.items()),
    )


def planned_actions(store: Store, run: Run) -> PlannedActions:
    """Return what the run planned to do."""
    rows = store.run("accounts/list_planned_actions", **run.key)
    return {row.person_id: (row.action, row.username) for row in rows}


def is_planned(action: Action, planned: PlannedActions) -> bool:
    """Return whether the run planned exactly this action under this username."""
    return planned.get(action.person_id) == (action.kind, action.username)
