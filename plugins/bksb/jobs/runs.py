"""Opens and closes runs in `bksb.sync_run`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bksb.deployment import Deployment
from bksb.model import Run
from bksb.reporting.store import Store


def open_run(store: Store, run: Run) -> None:
    """Record the start of an attempt, and delete the working rows of old runs."""
    with store.transaction():
        store.run(
            "runs/open_run",
            run_type=run.run_type,
            interval_start=run.interval_start,
            interval_end=run.interval_end,
            **run.key,
        )
        if not run.dry_run:
            store.run("runs/delete_old_run_rows")


def close_run(store: Store, run: Run, state: str, counts: Mapping[str, int] | None = None) -> None:
    """Record the end of the attempt; call it inside a transaction. Without `counts`, the stored counts stay."""
    store.run("runs/close_run", state=state, counts=None if counts is None else json.dumps(counts), **run.key)


def fail_run(deployment: Deployment, run: Run) -> None:
    """Record that the attempt failed, also in `bksb.approval` if the run is still waiting for an answer."""
    with deployment.open_store() as store, store.transaction():
        close_run(store, run, "failed")
        store.run("approvals/fail_approval", **run.key)
