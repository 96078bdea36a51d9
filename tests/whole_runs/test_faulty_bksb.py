"""A night in which one in twenty of bksb's answers is faulty, in every way that passes by itself."""

from __future__ import annotations

import os
from collections import Counter

from bksb.api.client import BksbClient
from bksb.api.transport import RetryBudget
from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from sandbox.bksb.faults.catalogue import Fault
from sandbox.mis import database as sandbox_mis
from sandbox.server import Sandbox
from sandbox.world.people import invent
from sandbox.world.storage import london_today
from tests.conftest import SETTINGS, fields_of, mailer_of, query
from tests.runs import rows_of, run_accounts, run_results

LEARNERS = int(os.environ.get("BKSB_FAULTY_LEARNERS", "300"))
"""Number of learners: few in every test run. CI sets ten thousand."""

SHARE = 0.05

PASSING = (
    *("408", "429", "429_seconds", "500", "503", "html", "json_string", "null", "empty", "reset", "slow"),
    *("truncated", "truncated_chunk", "cut_json", "create_then_500", "create_then_timeout", "missing_list"),
    *("capped_page", "shifting_pages", "changing_total", "total_missing", "total_too_low", "total_too_high"),
    *("pagination_missing", "endless_same", "out_of_range_400", "out_of_range_404", "repeated_last_page"),
    *("renamed_list", "numbers_as_strings"),
)
"""The faults of the sandbox that pass by themselves. The others need someone at the site, or change the data."""

BUDGET = RetryBudget(attempts=6, first_wait_seconds=0.02, longest_wait_seconds=0.1)


def test_a_night_of_faults_loses_nothing_and_duplicates_nothing(postgres, reporting, empty_database):
    world = invent(LEARNERS, london_today())
    sandbox_mis.fill(empty_database, world)
    mis_fields = fields_of(empty_database, "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})
    with Sandbox(world) as sandbox:
        deployment = Deployment(
            settings=SETTINGS,
            mis=Mis(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"),
            reporting=reporting,
            make_client=lambda: BksbClient(
                sandbox.url, sandbox.access_key, sandbox.secret_key, timeout_seconds=(5.0, 1.0), budget=BUDGET
            ),
            open_mailer=lambda: mailer_of(sandbox),
        )
        sandbox.site.faults.add(
            *(Fault(kind, probability=SHARE / len(PASSING), seconds=seconds_of(kind)) for kind in PASSING)
        )
        run_accounts(deployment, "night 1")
        run_accounts(deployment, "night 2")
        run_results(deployment, "night 1")
        run_results(deployment, "night 2")
        played = sandbox.site.faults.count_played()
        assert sandbox.site.peak_concurrency <= 8
        sandbox.site.faults.clear()
        run_accounts(deployment, "calm 1")
        run_results(deployment, "calm 1")
        assert len(played) > len(PASSING) / 2 and sum(played.values()) > LEARNERS / 10
        assert_equal_to_bksb(deployment, sandbox, world)
        before = rows_of(deployment, "account", "issue", "assessment_result")
        run_accounts(deployment, "calm 2")
        run_results(deployment, "calm 2")
        assert rows_of(deployment, "account", "issue", "assessment_result") == before


def seconds_of(kind: str) -> float | None:
    """Return a short wait for faults that wait: the test needs many faults, not long ones."""
    return {"slow": 0.2, "create_then_timeout": 1.5, "429_seconds": 1.0}.get(kind)


def assert_equal_to_bksb(deployment, sandbox, world) -> None:
    accounts = query(deployment.reporting, "select * from bksb.account")
    assert {account.person_id for account in accounts} == world.eligible_on(world.today)
    assert {account.state for account in accounts} == {"active", "blocked"}
    users = {user.user_id: user.username.lower() for user in sandbox.site.users()}
    assert len(set(users.values())) == len(users)
    before = {account.username.lower() for account in world.accounts}
    active = [account for account in accounts if account.state == "active"]
    created = {account.username.lower() for account in active if account.origin == "created"}
    assert set(users.values()) - before == created
    assert all(users[account.bksb_user_id] == account.username.lower() for account in active)
    truth = Counter(
        (account.bksb_user_id, source, str(result.session_id), str(result.result))
        for account in active
        for source in ("initial", "diagnostic")
        for result in sandbox.site.results(account.bksb_user_id, source)
    )
    rows = query(
        deployment.reporting, "select bksb_user_id, source, session_id, result_raw from bksb.assessment_result"
    )
    assert Counter(tuple(row) for row in rows) == truth
