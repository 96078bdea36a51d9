"""Runs the checks of `sql/checks`, each of which returns rows only when a promise about the tables is broken."""

from __future__ import annotations

from collections.abc import Sequence

from bksb.errors import CheckFailedError
from bksb.reporting.store import Store


def run_checks(store: Store, names: Sequence[str], *, consequence: str, **parameters: object) -> None:
    """Run these checks inside a transaction; CheckFailedError names each check that returned rows, with the ids.

    `consequence` says what follows, such as "nothing was published".
    """
    failed = []
    for name in names:
        if ids := [str(row.id) for row in store.run(name, **parameters)]:
            failed.append(f"sql/{name}.sql returned {', '.join(ids)}")
    if failed:
        raise CheckFailedError(
            f"Checks failed, so {consequence}: {'; '.join(failed)}. Each file says what was promised."
        )
