"""A random walk through changes in the MIS and in bksb, crashes, faults, rejections and races.

The walk keeps a simple model of the people. After each run it checks bksb, the tables and the mailbox against it.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg2
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from bksb.api.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.errors import BksbSyncError
from bksb.folders import SQL_FOLDER
from bksb.jobs.accounts import apply_plan, finish_accounts, plan_accounts, record_plan
from bksb.jobs.runs import fail_run
from bksb.mis import Mis
from bksb.rules.account_plan import is_email
from sandbox.bksb.faults.catalogue import KINDS, Fault
from sandbox.mailbox.faults import MAIL_FAULTS, MailFault
from sandbox.server import Sandbox
from sandbox.world.population import World, months_before
from sandbox.world.storage import london_today
from tests.conftest import DEFAULT_PASSWORD, IMPATIENT, SETTINGS, mailer_of, query
from tests.runs import a_run, rows_of, run_accounts
from tests.whole_runs.edges import watched

STEPS = int(os.environ.get("BKSB_WALK_STEPS", "100"))
"""Steps of the walk: few in every test run. CI sets a thousand."""

SEED = int(os.environ.get("BKSB_WALK_SEED", "1"))
"""Another seed gives another walk."""

STEPS_A_WORLD = 25
"""Steps after which a new world begins."""

MOST_PEOPLE = 14

CREATING = (
    *("before GET", "after commit of begin", "before POST", "after POST"),
    *(
        "before commit of activate",
        "after commit of activate",
        "after rcpt",
        "before a mail",
        "after a mail",
        "after the",
    ),
)
"""Beginnings of the names of boundaries at which a crash is most dangerous."""

LASTING = ("account", "account_link", "issue", "learner", "learner_contact")
"""Tables in which a run with nothing to do must not write a row."""

TROUBLE = (
    *("400", "408", "429", "500", "503", "html", "json_string", "null", "empty", "reset", "truncated", "cut_json"),
    *("create_then_500", "create_then_timeout", "slow", "numbers_as_strings", "unknown_fields"),
)
"""Faults of bksb that pass by themselves."""

MAIL_TROUBLE = sorted(set(MAIL_FAULTS) - {"silent_after_data", "refuses_login"})
"""Faults of the mail server, except one that takes minutes and one that needs a log-in."""


NEWCOMERS = st.lists(
    st.sampled_from(["learner", "learner", "applicant", "like another", "without e-mail", "with a username"]),
    max_size=3,
)
"""People who are added to the MIS just before a run."""


@dataclass
class Learner:
    """One record of the MIS. `human` is the same for the records of one human as applicant and as learner."""

    person_id: str
    human: str
    kind: str = "learner"
    live: bool = True
    on_break: bool = False
    transferred: bool = False
    ended_on: date | None = None
    named: bool = True
    email: str | None = None
    stored: str | None = None
    former: str | None = None

    @property
    def learn_ref_number(self) -> str | None:
        return f"L{self.person_id}" if self.kind == "learner" else None

    @property
    def proposed(self) -> str:
        return self.learn_ref_number or self.person_id

    def is_eligible(self, today: date) -> bool:
        if self.kind == "applicant":
            return self.live and not self.transferred
        return self.live and not self.on_break and (self.ended_on is None or self.ended_on >= months_before(today, 1))


class Crash(BaseException):
    """The end of the process. The project's code does not catch it."""


class CrashAt:
    """Crashes at the boundary of this name after `passing` others, and at every boundary after that."""

    def __init__(self, beginning: str, passing: int) -> None:
        self._beginning = beginning
        self._left = passing
        self._lock = threading.Lock()
        self.at: str | None = None

    def __call__(self, boundary: str) -> None:
        with self._lock:
            if self.at:
                raise Crash(self.at)
            if boundary.startswith(self._beginning):
                self._left -= 1
                if self._left < 0:
                    self.at = boundary
                    raise Crash(boundary)


@dataclass(frozen=True)
class Ground:
    """The two databases that all worlds of a walk share."""

    reporting: ConnectionFields
    mis: ConnectionFields


class Walk(RuleBasedStateMachine):
    """The rules of the walk. The test sets `ground`."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.today = london_today()
        self.people: list[Learner] = []
        self.foreign: dict[int, str] = {}
        self.made: dict[int, str] = {}
        self.stored_ever: set[tuple[str, str]] = set()
        self.usernames_ever: dict[int, set[str]] = {}
        self.runs = itertools.count(1)
        self.numbers = itertools.count(1)
        self.mails_seen = 0
        self.mailed: dict[str, str] = {}
        clear(self.ground)
        self.sandbox = Sandbox(empty_world(self.today))
        self.sandbox.__enter__()
        self.site = self.sandbox.site
        self.deployment = Deployment(
            settings=SETTINGS,
            mis=Mis(self.ground.mis, SQL_FOLDER / "mis" / "eligible_learners.sql"),
            reporting=self.ground.reporting,
            make_client=lambda: BksbClient(
                self.sandbox.url,
                self.sandbox.access_key,
                self.sandbox.secret_key,
                timeout_seconds=(5.0, 0.4),
                budget=IMPATIENT,
            ),
            open_mailer=lambda: mailer_of(self.sandbox),
        )
        self.learner_comes()
        self.stranger_comes("stranger")

    def teardown(self) -> None:
        self.sandbox.__exit__(None, None, None)

    # The MIS

    @precondition(lambda self: len(self.people) < MOST_PEOPLE)
    @rule()
    def learner_comes(self) -> None:
        number = next(self.numbers)
        self.change(Learner(f"P{number}", f"human {number}", email=f"p{number}@learner.example"))

    def people_come(self, newcomers: list[str]) -> None:
        for kind in newcomers[: MOST_PEOPLE - len(self.people)]:
            (self.applicant_comes if kind == "applicant" else self.learner_comes)()
            if kind == "like another":
                self.email_changes(len(self.people) - 1, "shared")
            elif kind == "without e-mail":
                self.email_changes(len(self.people) - 1, "none")
            elif kind == "with a username":
                self.stored_username_changes(len(self.people) - 1, "someone", len(self.people))

    @precondition(lambda self: len(self.people) < MOST_PEOPLE)
    @rule()
    def applicant_comes(self) -> None:
        number = next(self.numbers)
        self.change(Learner(f"A{number}", f"human {number}", kind="applicant", email=f"a{number}@learner.example"))

    @rule(which=st.integers(0, 9), marked=st.sampled_from([True, True, False]))
    def applicant_becomes_learner(self, which: int, marked: bool) -> None:
        claimed = {person.former for person in self.people}
        applicants = [p for p in self.people if p.kind == "applicant" and p.person_id not in claimed]
        if not applicants:
            self.applicant_comes()
        else:
            was = applicants[which % len(applicants)]
            number = next(self.numbers)
            was.transferred = marked
            self.change(Learner(f"P{number}", was.human, email=was.email, former=was.person_id))

    @rule(which=st.integers(0, 99))
    def applicant_is_marked_at_last(self, which: int) -> None:
        claimed = {person.former for person in self.people}
        unmarked = [p for p in self.people if p.person_id in claimed and not p.transferred]
        if unmarked:
            unmarked[which % len(unmarked)].transferred = True
            self.change()

    @rule(which=st.integers(0, 99), how=st.sampled_from(["live", "on_break", "ended"]))
    def leaves_or_comes_back(self, which: int, how: str) -> None:
        """Someone other than the first learner: an MIS that lists no one is an error."""
        if others := self.people[1:]:
            person = others[which % len(others)]
            if how == "ended":
                person.ended_on = None if person.ended_on else self.today - timedelta(days=26)
            else:
                setattr(person, how, not getattr(person, how))
            self.change()

    @rule(which=st.integers(0, 99), how=st.sampled_from(["none", "bad", "refused", "new", "shared"]))
    def email_changes(self, which: int, how: str) -> None:
        person = self.people[which % len(self.people)]
        number = next(self.numbers)
        person.email = {
            "none": None,
            "bad": "no address",
            "refused": f"n{number}@refused.example",
            "new": f"n{number}@learner.example",
            "shared": (self.people[(which + 1) % len(self.people)].email or "").upper() or None,
        }[how]
        self.change()

    @rule(which=st.integers(0, 99))
    def name_goes_or_comes(self, which: int) -> None:
        person = self.people[which % len(self.people)]
        person.named = not person.named
        self.change()

    @rule(
        which=st.integers(0, 99),
        username=st.sampled_from(["none", "none", "someone", "own", "unknown"]),
        of=st.integers(0, 99),
    )
    def stored_username_changes(self, which: int, username: str, of: int) -> None:
        """`someone` is any user of bksb: the right one, a stranger, or another person's."""
        person = self.people[which % len(self.people)]
        users = self.site.users()
        mine = [user.username for user in users if self.made.get(user.user_id) == person.human]
        person.stored = {
            "none": None,
            "someone": users[of % len(users)].username.upper(),
            "own": mine[0] if mine else None,
            "unknown": "no.such.user",
        }[username]
        self.change()

    def change(self, *newcomers: Learner) -> None:
        """Write the model to the MIS."""
        self.people += newcomers
        self.stored_ever |= {(p.human, p.stored.lower()) for p in self.people if p.stored}
        write_mis(self.ground.mis, self.people, self.today)

    # bksb

    @rule(which=st.integers(0, 99))
    def stranger_takes_a_username(self, which: int) -> None:
        """Not while we are creating that account: nothing could tell the two apart."""
        person = self.people[which % len(self.people)]
        limbo = {row.username.lower() for row in self.rows("account") if row.state == "creating"}
        if person.proposed.lower() not in limbo and self.site.find(person.proposed) is None:
            self.stranger_comes(person.proposed)

    @rule(which=st.integers(0, 99))
    def bksb_renames(self, which: int) -> None:
        if users := self.known_users():
            self.site.rename(users[which % len(users)], f"renamed.{next(self.numbers)}")

    @rule(kept=st.integers(0, 99), merged=st.integers(0, 99))
    def bksb_merges(self, kept: int, merged: int) -> None:
        users = self.known_users()
        if len(users) > 1 and kept % len(users) != merged % len(users):
            self.site.merge(users[kept % len(users)], users[merged % len(users)])

    def known_users(self) -> list[int]:
        """Return all users but those that a crash hid from us: nothing tells the person they belong to."""
        held = {row.bksb_user_id for row in self.rows("account")}
        return [user.user_id for user in self.site.users() if user.user_id in held or user.user_id in self.foreign]

    def stranger_comes(self, username: str) -> None:
        user = self.site.create_user(username, "Some", "Stranger", "stranger@learner.example", DEFAULT_PASSWORD)
        self.foreign[user.user_id] = username

    # Runs

    @rule()
    def calm_run(self) -> None:
        run_accounts(self.deployment, self.run_id())
        self.check()
        self.assert_everyone_is_served_or_reported()

    @rule()
    def two_calm_runs(self) -> None:
        """The second has nothing to do. An issue about a repeated message is resolved by one more run."""
        self.calm_run()
        if any(row.code == "invitation_repeated" and row.resolved_at is None for row in self.rows("issue")):
            self.calm_run()
        before, calls = rows_of(self.deployment, *LASTING), self.site.calls
        run_accounts(self.deployment, self.run_id())
        assert rows_of(self.deployment, *LASTING) == before
        assert self.site.calls.get("createUser", 0) == calls.get("createUser", 0)

    @rule(
        newcomers=NEWCOMERS,
        kinds=st.lists(st.sampled_from(TROUBLE), max_size=3),
        mail=st.lists(st.sampled_from(MAIL_TROUBLE), max_size=2),
        after=st.integers(0, 2),
        share=st.sampled_from([0.2, 0.5, 1.0]),
    )
    def run_in_trouble(self, newcomers: list[str], kinds: list[str], mail: list[str], after: int, share: float) -> None:
        self.people_come(newcomers)
        self.sandbox.mailbox.faults.add(*(MailFault(kind, after=after) for kind in mail))
        for kind in kinds:
            self.site.faults.add(Fault(kind, probability=share, seconds=0.6 if KINDS[kind].setting else None))
        try:
            run_accounts(self.deployment, self.run_id())
        except BksbSyncError:
            fail_run(self.deployment, a_run(self.deployment, "bksb_accounts", self.last_run_id))
        finally:
            self.site.faults.clear()
            self.sandbox.mailbox.faults.clear()
        self.wait_until_quiet()
        self.check()

    @rule(
        newcomers=NEWCOMERS,
        beginning=st.sampled_from(["", "", *CREATING]),
        passing=st.integers(0, 79),
        same_run=st.booleans(),
    )
    def run_that_crashes(self, newcomers: list[str], beginning: str, passing: int, same_run: bool) -> None:
        self.people_come(newcomers)
        crash = CrashAt(beginning, passing % (len(newcomers) + 1) if beginning else passing)
        with suppress(Crash), watched(crash):
            run_accounts(self.deployment, self.last_run_id if same_run else self.run_id())
        self.wait_until_quiet()
        self.check()

    @rule(newcomers=NEWCOMERS)
    def two_runs_at_once(self, newcomers: list[str]) -> None:
        self.people_come(newcomers)
        failures: list[BaseException] = []

        def run(run_id: str) -> None:
            try:
                run_accounts(self.deployment, run_id)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(self.run_id(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        self.check()

    @rule()
    def run_that_is_rejected(self) -> None:
        before, calls = rows_of(self.deployment, *LASTING), self.site.calls
        run = a_run(self.deployment, "bksb_accounts", self.run_id())
        plan_accounts(self.deployment, run)
        finish_accounts(self.deployment, run)
        assert rows_of(self.deployment, *LASTING) == before
        assert self.site.calls == calls

    @rule(which=st.integers(0, 99), how=st.sampled_from(["live", "stored", "email"]))
    def person_changes_while_a_run_waits(self, which: int, how: str) -> None:
        run = a_run(self.deployment, "bksb_accounts", self.run_id())
        plan_accounts(self.deployment, run)
        if how == "live":
            self.leaves_or_comes_back(which, "live")
        elif how == "stored":
            self.stored_username_changes(which, "someone", which // 10)
        else:
            self.email_changes(which, "none")
        try:
            for buckets in record_plan(self.deployment, run):
                apply_plan(self.deployment, run, buckets)
            finish_accounts(self.deployment, run)
        except BksbSyncError:
            fail_run(self.deployment, run)
        self.check()

    @rule(days=st.sampled_from([1, 1, 1, 3, 8]))
    def days_pass(self, days: int) -> None:
        """The clock of the machine stays. All stored times move back instead."""
        for person in self.people:
            if person.ended_on:
                person.ended_on -= timedelta(days=days)
        self.change()
        shift(self.ground.reporting, days)

    def run_id(self) -> str:
        self.last_run_id = f"manual__{next(self.runs)}"
        return self.last_run_id

    last_run_id = "manual__0"

    def wait_until_quiet(self) -> None:
        """Wait until bksb has finished the calls of a crashed run."""
        self.site.reset_counters()
        while self.site.peak_concurrency:
            self.site.reset_counters()

    # Checks

    def check(self) -> None:
        """Record new users of bksb, and compare bksb and the tables with the model."""
        eligible = self.eligible()
        for user in self.site.users():
            self.usernames_ever.setdefault(user.user_id, set()).add(user.username.lower())
            if user.user_id in self.foreign or user.user_id in self.made:
                continue
            (person,) = (p for p in self.people if p.proposed == user.username)
            assert person.person_id in eligible, f"{person.person_id} was created but is not eligible"
            assert not self.obstacles_in_the_mis(person), f"{person.person_id} was created despite the MIS"
            assert person.human not in self.made.values(), f"{person.human} has a second account"
            self.made[user.user_id] = person.human
        accounts = self.rows("account")
        human_of = {person.person_id: person.human for person in self.people}
        holders = Counter(human_of[row.person_id] for row in accounts if row.bksb_user_id is not None)
        assert not [human for human, count in holders.items() if count > 1], "one human holds two accounts"
        for row in accounts:
            if row.bksb_user_id is None:
                assert row.state in ("pending", "creating", "blocked")
                continue
            human = human_of[row.person_id]
            named = any((human, name) in self.stored_ever for name in self.usernames_ever[row.bksb_user_id])
            assert named or self.made.get(row.bksb_user_id) == human, f"{row.person_id} holds a stranger's account"
            if row.origin == "created":
                assert self.made.get(row.bksb_user_id) == human
        links = [row for row in self.rows("account_link") if row.to_at is None]
        assert Counter((row.person_id, row.bksb_user_id) for row in links) == Counter(
            (row.person_id, row.bksb_user_id) for row in accounts if row.bksb_user_id is not None
        )
        held = {row.bksb_user_id for row in accounts} | {row.bksb_user_id for row in self.rows("account_link")}
        unsettled = {row.username.lower() for row in accounts if row.state == "creating"}
        for user in self.site.users():
            known = user.user_id in self.foreign or user.user_id in held or user.username.lower() in unsettled
            assert known, f"an account that we made is lost: {user.username}"

        self.check_mailbox()

    def check_mailbox(self) -> None:
        """Each human gets one invitation, or the same one again with an issue, after a crash or a lost reply."""
        human_of = {person.person_id: person.human for person in self.people}
        rows = {row.message_id: row for row in self.rows("invitation") if row.message_id}
        messages = self.sandbox.mailbox.messages()[::-1]
        addresses = {p.email.lower(): p for p in self.people if p.email and p.is_eligible(self.today)}
        for message in messages[self.mails_seen :]:
            (address,) = message.recipients
            person_id = rows[message.message_id].person_id
            human = human_of[person_id]
            assert address.lower() in addresses, f"{person_id} is not eligible under the address that was written to"
            assert addresses[address.lower()].human == human, f"a message of {person_id} went to another person"
            assert human in self.made.values(), f"{person_id} was invited to an account that was not made for them"
            assert self.mailed.setdefault(human, message.message_id) == message.message_id, f"{human} is invited again"
        self.mails_seen = len(messages)
        times = Counter(message.message_id for message in messages)
        told = {human_of[row.person_id] for row in self.rows("issue") if row.code == "invitation_repeated"}
        twice = {human_of[rows[message_id].person_id] for message_id, count in times.items() if count > 1}
        assert twice <= told and max(times.values(), default=0) <= 2

    def assert_everyone_is_served_or_reported(self) -> None:
        """Check the outcome of an undisturbed run."""
        accounts = {row.person_id: row for row in self.rows("account")}
        reported: dict[str, set[str]] = {}
        for row in self.rows("issue"):
            if row.resolved_at is None:
                reported.setdefault(row.person_id, set()).add(row.code)
        assert not [p for p, row in accounts.items() if row.state in ("creating", "pending")]
        stale = {p for p, row in accounts.items() if row.state == "stale"}
        assert stale == {p for p, codes in reported.items() if "stale_link" in codes}
        for person_id in self.eligible():
            state = accounts[person_id].state if person_id in accounts else "absent"
            codes = reported.get(person_id, set())
            assert state == "active" or codes, f"{person_id} is {state}, and no issue says why"
            (person,) = (p for p in self.people if p.person_id == person_id)
            if self.must_be_active(person):
                assert state == "active", f"{person_id} should be active but is {state}: {codes}"
                has_word = person.human in self.mailed or any(code.startswith("invitation") for code in codes)
                assert has_word or accounts[person_id].origin != "created", f"{person_id} was not told of an account"
        assert not {code for codes in reported.values() for code in codes} & {"create_in_doubt", "bksb_no_answer"}

    def eligible(self) -> set[str]:
        return {person.person_id for person in self.people if person.is_eligible(self.today)}

    def obstacles_in_the_mis(self, person: Learner) -> bool:
        """Return whether the MIS now prevents an account for this person."""
        addresses = Counter(p.email.lower() for p in self.people if p.email and p.is_eligible(self.today))
        return (
            not person.named
            or not is_email(person.email)
            or addresses[(person.email or "").lower()] > 1
            or person.stored is not None
        )

    def must_be_active(self, person: Learner) -> bool:
        """Return whether the person must have an account after a calm run. False in doubtful cases."""
        if self.obstacles_in_the_mis(person) or person.former:
            return False
        user = self.site.find(person.proposed)
        wanted = {p.stored.lower() for p in self.people if p.stored}
        taken = {row.username.lower(): row.person_id for row in self.rows("account") if row.username}
        return (
            (user is None or self.made.get(user.user_id) == person.human)
            and person.proposed.lower() not in wanted
            and taken.get(person.proposed.lower(), person.person_id) == person.person_id
            and self.stored_never(person)
        )

    def stored_never(self, person: Learner) -> bool:
        return (
            person.human not in {human for human, _ in self.stored_ever}
            and not any(
                name in names
                for _, name in self.stored_ever
                for user_id, names in self.usernames_ever.items()
                if self.made.get(user_id) == person.human
            )
            and not any(
                self.site.find(next(iter(names))) is None or len(names) > 1
                for user_id, names in self.usernames_ever.items()
                if self.made.get(user_id) == person.human
            )
        )

    def rows(self, table: str) -> list[Any]:
        return query(self.ground.reporting, f"select * from bksb.{table} order by 1, 2")


def empty_world(today: date) -> World:
    """Return a world without people."""
    return World(0, today, 1, (), (), (), (), {})


def write_mis(fields: ConnectionFields, people: list[Learner], today: date) -> None:
    begun = today - timedelta(days=100)
    with psycopg2_of(fields) as connection, connection.cursor() as cursor:
        cursor.execute("truncate person, episode, application")
        for number, person in enumerate(people):
            cursor.execute(
                "insert into person values (%s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    person.person_id,
                    person.learn_ref_number,
                    f"Given {person.human}" if person.named else None,
                    f"Family {person.human}",
                    person.email,
                    date(2005, 1, 31),
                    person.stored,
                    person.former,
                ),
            )
            system = "Live" if person.live else "Dormant"
            if person.kind == "learner":
                status = "Break in learning" if person.on_break else "In Learning"
                row = (number, person.person_id, "Programme", system, status, begun, None, person.ended_on)
                cursor.execute("insert into episode values (%s, %s, %s, %s, %s, %s, %s, %s)", row)
            else:
                status = "Transferred" if person.transferred else "Applied"
                row = (number, person.person_id, "Programme", system, status, begun)
                cursor.execute("insert into application values (%s, %s, %s, %s, %s, %s)", row)
    connection.close()


def psycopg2_of(fields: ConnectionFields) -> Any:
    return psycopg2.connect(
        host=fields.host, port=fields.port, user=fields.login, password=fields.password, dbname=fields.database
    )


def clear(ground: Ground) -> None:
    """Empty the reporting tables and the MIS."""
    tables = query(
        ground.reporting,
        "select tablename as name from pg_tables where schemaname = 'bksb' and tablename <> 'schema_migration'",
    )
    names = ", ".join(f"bksb.{row.name}" for row in tables)
    query(ground.reporting, f"truncate {names} restart identity")
    query(ground.mis, "truncate person, episode, application")


def shift(fields: ConnectionFields, days: int) -> None:
    """Move every time in the reporting tables back."""
    columns = query(
        fields,
        "select table_name, "
        "string_agg(format('%%I = %%I - %%L::interval', column_name, column_name, %s), ', ') as changes "
        "from information_schema.columns join pg_tables on schemaname = table_schema and tablename = table_name "
        "where table_schema = 'bksb' and data_type = 'timestamp with time zone' group by table_name",
        f"{days} days",
    )
    for row in columns:
        query(fields, f"update bksb.{row.table_name} set {row.changes}")


def test_a_walk_through_changes_crashes_and_faults_loses_nothing_and_duplicates_nothing(reporting, mis_fields):
    Walk.ground = Ground(reporting, mis_fields)
    run_state_machine_as_test(
        seed(SEED)(Walk),
        settings=settings(
            max_examples=max(1, STEPS // STEPS_A_WORLD),
            stateful_step_count=STEPS_A_WORLD,
            deadline=None,
            database=None,
            # no shrinking: steps are slow, and crashes and races do not repeat exactly
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
