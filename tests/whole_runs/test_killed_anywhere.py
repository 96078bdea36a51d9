"""Kills the process at each boundary of a run, runs again, and expects the outcome of an undisturbed run."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dev.services.postgres.server import Postgres
from sandbox.bksb.faults.catalogue import Fault
from sandbox.mis import database as sandbox_mis
from sandbox.server import Sandbox
from sandbox.world.population import Account, World
from sandbox.world.storage import london_today
from tests.conftest import DEFAULT_PASSWORD, fields_of, query
from tests.runs import run_accounts, run_results
from tests.whole_runs import small_world
from tests.whole_runs.killing import Case, Fate, KillingServers, deployment_of

SERVERS = 2

EVERY_BOUNDARY = os.environ.get("BKSB_KILL_ALL") == "1"
"""CI kills at every boundary."""

SAMPLE = 12
"""Most boundaries at which other test runs kill each kind of run."""

WHEN = (
    {"from_at", "to_at", "synced_at", "incomplete_at", "failed_at", "missing_since", "intent_at", "sent_at"}
    | {f"{verb}_at" for verb in ("first_seen", "last_seen", "created", "linked", "invited", "checked", "changed")}
    | {"resolved_at", "replaced_at"}
)
"""Columns with times of ours. They are compared by null or not null only."""

ACCIDENTAL = {"id", "run_id", "replaced_by_run_id", "message_id"}
"""Columns that differ from run to run."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[KillingServers]:
    with KillingServers(SERVERS) as running:
        yield running


@dataclass(frozen=True)
class Stage:
    """The databases as they are before a case, and the bksb that belongs to them."""

    postgres: Postgres
    reporting_template: str
    mis: str
    world: World
    shared_sandbox: Sandbox | None = None

    @contextmanager
    def set(self, work: str) -> Iterator[tuple[Case, Sandbox]]:
        """Prepare a new case."""
        name = f"killed_{next(_numbers)}"
        self.postgres.create_database(name, template=self.reporting_template)
        try:
            with self._sandbox() as sandbox:
                yield Case.of(work, self.postgres.dsn(name), self.postgres.dsn(self.mis), sandbox), sandbox
        finally:
            self.postgres.drop_database(name)

    @contextmanager
    def _sandbox(self) -> Iterator[Sandbox]:
        if self.shared_sandbox:
            yield self.shared_sandbox
        else:
            with Sandbox(self.world) as sandbox:
                yield sandbox


@pytest.fixture(scope="module")
def second_day(postgres, migrated_template) -> Stage:
    """A day on which an applicant with an account has become a learner, and others are new."""
    postgres.create_database("killed_first_day", template=migrated_template)
    world = small_world.first_day(london_today())
    for name, people in (("killed_mis_1", world), ("killed_mis_2", small_world.second_day(world, ()))):
        postgres.create_database(name)
        sandbox_mis.fill(postgres.dsn(name), people)
    with Sandbox(world) as sandbox:
        case = Case.of("accounts", postgres.dsn("killed_first_day"), postgres.dsn("killed_mis_1"), sandbox)
        run_accounts(deployment_of(case), "manual__0")
        accounts = tuple(
            Account(user.username, user.first_name, user.last_name, user.email, 3) for user in sandbox.site.users()
        )
    # long enough ago for the links to be checked again
    query(
        fields_of(case.reporting, "reporting"), "update bksb.account set checked_at = checked_at - interval '30 days'"
    )
    assert len(accounts) == len(world.accounts) + 1
    return Stage(postgres, "killed_first_day", "killed_mis_2", small_world.second_day(world, accounts))


@pytest.fixture(scope="module")
def results_to_fetch(second_day) -> Iterator[Stage]:
    """A bksb with new and edited results since the last run. It is shared, because the run only reads it."""
    name = "killed_before_results"
    second_day.postgres.create_database(name, template=second_day.reporting_template)
    with Sandbox(second_day.world) as sandbox:
        case = Case.of("accounts", second_day.postgres.dsn(name), second_day.postgres.dsn(second_day.mis), sandbox)
        run_accounts(deployment_of(case), "manual__0")
        run_results(deployment_of(case), "manual__0")
        users = [user for user in sandbox.site.users() if sandbox.site.results(user.user_id, "initial")]
        assert len(users) > 3
        for user in users[:3]:
            result = sandbox.site.results(user.user_id, "initial")[0]
            sandbox.site.edit_result(user.user_id, "initial", result.session_id, result="English Level 2")
            sandbox.site.add_result(user.user_id, "diagnostic", 61, "2026-11-20T09:00:00")
            sandbox.site.add_result(user.user_id, "initial", "No Such Level", "2026-11-20T09:00:00")
        yield replace(second_day, reporting_template=name, shared_sandbox=sandbox)


def accounts_outcome(case: Case, sandbox: Sandbox) -> dict[str, list[Any]]:
    """Return the outcome of a run of bksb_accounts, in bksb and in the tables."""
    return tables(case, sandbox, "learner", "learner_contact", "account", "account_link") | {
        "users": sorted(
            (user.username, user.first_name, user.last_name, user.email, str(user.date_of_birth), user.auto_enrol)
            for user in sandbox.site.users()
        ),
        "issues": issues(case),
    }


def results_outcome(case: Case, sandbox: Sandbox) -> dict[str, list[Any]]:
    """Return the outcome of a run of bksb_results."""
    loaded = ("assessment_result", "result_change", "account_source", "skill_summary", "daily_activity")
    return tables(case, sandbox, *loaded, "account", "account_link") | {"issues": issues(case)}


def tables(case: Case, sandbox: Sandbox, *names: str) -> dict[str, list[Any]]:
    usernames = {user.user_id: user.username for user in sandbox.site.users()}
    fields = fields_of(case.reporting, "reporting")
    return {
        name: sorted(
            str(comparable(row.content, usernames))
            for row in query(fields, f"select to_jsonb(t) as content from bksb.{name} as t")
        )
        for name in names
    }


def comparable(row: dict[str, Any], usernames: dict[int, str]) -> dict[str, Any]:
    """Return a row without what differs from run to run. Ids of users depend on the order of creation."""
    kept = {name: value for name, value in row.items() if name not in ACCIDENTAL}
    kept |= {name: value is not None for name, value in row.items() if name in WHEN}
    return kept | {name: usernames.get(value, "no user") for name, value in kept.items() if name == "bksb_user_id"}


def issues(case: Case) -> list[Any]:
    """Return every issue ever opened, except for repeated messages."""
    statement = (
        "select code, subject_key, person_id, detail, resolved_at is not null as is_resolved from bksb.issue "
        "where code <> 'invitation_repeated'"
    )
    return sorted(tuple(row) for row in query(fields_of(case.reporting, "reporting"), statement))


def wait_until_quiet(sandbox: Sandbox) -> None:
    """Wait until bksb has finished the calls of a killed process."""
    sandbox.site.reset_counters()
    while sandbox.site.peak_concurrency:
        sandbox.site.reset_counters()


def mails(case: Case, sandbox: Sandbox) -> dict[str, list[str]]:
    """Return the ids of the messages that each address received, oldest first."""
    found: dict[str, list[str]] = {}
    for message in reversed(sandbox.mailbox.messages()):
        for address in message.recipients:
            found.setdefault(address, []).append(message.message_id)
    return found


def repeated(case: Case) -> set[str]:
    """Return the people with an issue that their message may have been sent twice."""
    statement = "select person_id from bksb.issue where code = 'invitation_repeated'"
    return {row.person_id for row in query(fields_of(case.reporting, "reporting"), statement)}


def assert_no_state_is_left_open(case: Case) -> None:
    statement = "select person_id, state from bksb.account where state not in ('active', 'stale', 'blocked')"
    assert query(fields_of(case.reporting, "reporting"), statement) == []


def assert_mails_are_right(case: Case, sandbox: Sandbox, expected: dict[str, int]) -> None:
    """One message each. At most one address has two, with the same id and an issue about it."""
    got = mails(case, sandbox)
    assert set(got) == set(expected)
    twice = [address for address, ids in got.items() if len(ids) > expected[address]]
    assert all(len(set(ids)) == expected[address] for address, ids in got.items())
    assert len(twice) <= 1 and all(len(got[address]) == 2 for address in twice)
    told = {f"{person_id.lower()}@learner.example" for person_id in repeated(case)}
    assert set(twice) <= told and len(told) <= 1


OUTCOMES: dict[str, Callable[[Case, Sandbox], dict[str, list[Any]]]] = {
    "accounts": accounts_outcome,
    "results": results_outcome,
}


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed run: the boundaries it reached, and its outcome."""

    reached: tuple[str, ...]
    outcome: dict[str, list[Any]]
    mails: dict[str, int]


def undisturbed(stage: Stage, servers: KillingServers, work: str) -> Undisturbed:
    with stage.set(work) as (case, sandbox):
        fate = servers.run(case)
        assert fate.failure is None and not fate.killed
        sent = {address: len(ids) for address, ids in mails(case, sandbox).items()}
        return Undisturbed(fate.reached, OUTCOMES[work](case, sandbox), sent)


def chosen(reached: tuple[str, ...]) -> list[int]:
    """Return the boundaries to die at: all of them, or a sample spread over their names."""
    if EVERY_BOUNDARY:
        return list(range(len(reached)))
    names = list(dict.fromkeys(reached))
    return [reached.index(name) for name in names[:: -(-len(names) // SAMPLE)]]


def killed_and_run_again(
    stage: Stage, servers: KillingServers, work: str, dies_at: int, next_run_id: str, calm: Undisturbed
) -> tuple[Fate, list[str]]:
    """Return how the process ended, and the differences in the outcome after the next run."""
    with stage.set(work) as (case, sandbox):
        fate = servers.run(replace(case, dies_at=dies_at))
        if not fate.killed:
            return fate, [f"the process was not killed: {fate.failure}"]
        wait_until_quiet(sandbox)
        again = servers.run(case.again(next_run_id))
        if again.failure:
            return fate, [again.failure]
        outcome = OUTCOMES[work](case, sandbox)
        differences = [
            f"{what}: {len(outcome[what])} instead of {len(rows)}, {sorted(set(outcome[what]) ^ set(rows))}"
            for what, rows in calm.outcome.items()
            if outcome[what] != rows
        ]
        try:
            assert_no_state_is_left_open(case)
            assert_mails_are_right(case, sandbox, calm.mails)
        except AssertionError as error:
            differences.append(str(error))
        return fate, differences


@pytest.mark.parametrize(
    ("work", "next_run_id"), [("accounts", "manual__2"), ("accounts", "manual__1"), ("results", "manual__2")]
)
def test_killed_at_any_boundary_and_run_again_the_outcome_is_the_same(request, servers, work, next_run_id):
    stage = request.getfixturevalue({"accounts": "second_day", "results": "results_to_fetch"}[work])
    calm = undisturbed(stage, servers, work)
    with ThreadPoolExecutor(SERVERS) as pool:
        fates = list(
            pool.map(
                lambda number: killed_and_run_again(stage, servers, work, number, next_run_id, calm),
                chosen(calm.reached),
            )
        )
    wrong = {fate.reached[-1]: differences for fate, differences in fates if differences}
    assert wrong == {}


def test_a_creation_that_bksb_finishes_while_the_next_run_repeats_it_is_ours(second_day, servers):
    (late, *_) = small_world.NEW
    with second_day.set("accounts") as (case, sandbox), ThreadPoolExecutor(1) as pool:
        intents = "begin_creation + record_initial_password + delete_withheld"
        assert servers.run(replace(case, dies_at=f"after commit of {intents}")).killed
        wait_until_quiet(sandbox)
        sandbox.site.faults.add(Fault("slow", ("createUser",), f"L{late}", times=1, seconds=2))
        again = pool.submit(servers.run, case.again("manual__2"))
        while not (sandbox.site.faults.count_played() or again.done()):
            threading.Event().wait(0.005)
        # bksb finishes the killed run's call now: after the next run looked it up, and before it creates it again
        sandbox.site.create_user(f"L{late}", "Given", "Family", "late@learner.example", DEFAULT_PASSWORD)
        assert again.result().failure is None
        assert servers.run(case.again("manual__3")).failure is None
        (account,) = query(
            fields_of(case.reporting, "reporting"), "select * from bksb.account where person_id = %s", late
        )
        assert (account.state, account.origin) == ("active", "created")
