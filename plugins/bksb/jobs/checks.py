"""Runs the checks of `sql/checks`. A check returns rows only if something is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bksb.errors import CheckFailedError
from bksb.reporting.store import Store


def run_checks(store: Store, names: Sequence[str], *, consequence: str, **parameters: object) -> None:
    """Run these checks inside a transaction. Raises CheckFailedError with the failed checks and the ids they returned.

    `consequence` completes the message "Checks failed, so ...", for example with "nothing was published".
    """
    failed = []
    for name in names:
        if ids := [str(row.id) for row in store.run(name, **parameters)]:
            failed.append(f"sql/{name}.sql returned {', '.join(ids)}")
    if failed:
        raise CheckFailedError(
            f"Checks failed, so {consequence}: {'; '.join(failed)}. The header of each file explains the check."
        )
