"""No transaction of the reporting database is open during calls to the MIS or the mail server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.model import Person
from tests.conftest import query
from tests.runs import run_accounts, run_results


@pytest.fixture
def watched(deployment, mis_fields) -> Iterator[Deployment]:
    """A deployment that fails if a transaction is open when the MIS is read or a mail session opened."""
    looks: list[str] = []

    def require_no_transaction(what: str) -> None:
        looks.append(what)
        statement = (
            "select query from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
        )
        assert query(deployment.reporting, statement) == [], f"{what} inside a transaction"

    class WatchedMis(Mis):
        def read_people(self, as_of: date, *, allow_empty: bool = False) -> list[Person]:
            require_no_transaction("the MIS is read")
            return super().read_people(as_of, allow_empty=allow_empty)

    @contextmanager
    def open_mailer():
        require_no_transaction("a mail session is opened")
        with deployment.open_mailer() as mailer:
            yield mailer

    yield replace(
        deployment,
        mis=WatchedMis(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"),
        open_mailer=open_mailer,
    )
    assert {"the MIS is read", "a mail session is opened"} <= set(looks)


def test_no_transaction_is_open_during_calls_to_the_mis_or_the_mail_server(watched, world):
    # a run for a past day with usernames to link also reads the current people
    yesterday = watched.today() - timedelta(days=1)
    run_results(watched, day=yesterday, person_ids=(sorted(world.people_of("stored_username"))[0],))
    run_accounts(watched)
    run_results(watched, "manual__2")
