"""What `import-accounts` imports and rejects, with a real MIS, a real reporting database and the sandbox."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from bksb.api.client import BksbClient
from bksb.cli.import_accounts import report
from bksb.errors import KeyRefusedError, RejectedError, TransientError
from bksb.jobs.accounts import apply_plan, plan_accounts, record_plan
from bksb.jobs.accounts.importing import LINES_PER_BATCH, ImportReport, import_accounts
from bksb.reporting.store import BUCKET_LOCKS, WRITER_LOCKS, Writer
from bksb.rules.account_file import read_account_file
from bksb.rules.account_plan import make_plan
from bksb.rules.task_split import bucket_of
from sandbox.bksb.faults.catalogue import Fault
from tests.conftest import query
from tests.runs import a_run, rows_of, run_accounts, run_results

TABLES = ("account", "account_link", "issue", "learner", "learner_contact", "planned_action", "sync_run")


def import_pairs(deployment, *pairs, dry_run=False) -> ImportReport:
    """Import these (person_id, username) pairs as the lines of a file."""
    imported = ImportReport()
    text = "person_id,username\n" + "".join(f'{person_id},"{username}"\n' for person_id, username in pairs)
    lines, imported.rejected = read_account_file(text.encode())
    import_accounts(deployment, lines, imported, dry_run=dry_run)
    return imported


def told(imported) -> list[str]:
    return [str(line) for line in sorted(imported.rejected, key=lambda one: one.number)]


def account(deployment, person_id):
    rows = query(deployment.reporting, "select * from bksb.account where person_id = %s", person_id)
    return rows[0] if rows else None


def links(deployment, person_id) -> list[tuple[int, bool]]:
    statement = "select bksb_user_id, to_at from bksb.account_link where person_id = %s order by from_at, to_at"
    return [(row.bksb_user_id, row.to_at is None) for row in query(deployment.reporting, statement, person_id)]


def open_issues(deployment, person_id) -> list[str]:
    statement = "select code from bksb.issue where resolved_at is null and person_id = %s order by 1"
    return [row.code for row in query(deployment.reporting, statement, person_id)]


@pytest.fixture
def plain(world) -> list[str]:
    """Eligible people without anything unusual, and without a bksb username in the MIS."""
    return sorted(world.people_of("plain"))


@pytest.fixture
def made(sandbox):
    """Create an account in bksb, like one from before the sync; return its UserId."""

    def make(username):
        return sandbox.site.create_user(username, "Ada", "Lovelace", "ada@learner.example", "a good password").user_id

    return make


def make_stale(deployment, person_id) -> None:
    query(deployment.reporting, "update bksb.account set state = 'stale' where person_id = %s", person_id)
    query(
        deployment.reporting,
        "insert into bksb.issue (code, subject_key, person_id) values ('stale_link', %s, %s)",
        person_id,
        person_id,
    )


def test_an_account_that_bksb_knows_is_linked_to_the_person(deployment, plain, made):
    user_id = made("Ada.L")
    assert report(import_pairs(deployment, (plain[0], "ada.l"))) == "Imported 1 account, 0 were linked already."
    row = account(deployment, plain[0])
    assert (row.username, row.bksb_user_id, row.state, row.origin) == ("ada.l", user_id, "active", "imported")
    (now,) = query(deployment.reporting, "select now() as at")
    for moment in (row.linked_at, row.checked_at):
        assert 0 <= (now.at - moment).total_seconds() < 60
    assert row.created_at is None and row.invited_at is None
    assert links(deployment, plain[0]) == [(user_id, True)]


def test_an_import_only_looks_usernames_up_and_creates_nothing(deployment, sandbox, plain, made):
    made("ada")
    before = sandbox.site.users()
    sandbox.site.reset_counters()
    import_pairs(deployment, (plain[0], "ada"), (plain[1], "nobody.has.this"))
    assert sandbox.site.calls == {"getUserId": 2}
    assert sandbox.site.users() == before


def test_a_second_import_of_the_same_file_rewrites_no_row(deployment, plain, made):
    pairs = [(person_id, f"user.{person_id}") for person_id in plain[:5]]
    for _, username in pairs:
        made(username)
    import_pairs(deployment, *pairs)
    before = rows_of(deployment, *TABLES)
    again = import_pairs(deployment, *pairs)
    assert (again.imported, again.linked_already, again.rejected) == (0, 5, [])
    assert rows_of(deployment, *TABLES) == before


def test_a_file_of_several_batches_is_imported_completely_with_at_most_eight_look_ups_at_a_time(
    deployment, sandbox, mis_fields, made
):
    number = 2 * LINES_PER_BATCH + 7
    query(mis_fields, "insert into person select 'B' || n, 'B' || n from generate_series(1, %s) as n", number)
    query(
        mis_fields,
        "insert into episode select 700000 + n, 'B' || n, 'Test', 'Live', 'In Learning', current_date, null, null "
        "from generate_series(1, %s) as n",
        number,
    )
    pairs = [(f"B{n}", f"before.{n}") for n in range(1, number + 1)]
    for _, username in pairs:
        made(username)
    sandbox.site.latency = 0.002
    sandbox.site.reset_counters()
    assert import_pairs(deployment, *pairs).imported == number
    assert sandbox.site.calls == {"getUserId": number}
    assert 1 < sandbox.site.peak_concurrency <= 8
    statement = "select person_id, username from bksb.account where state = 'active' order by 1"
    assert [tuple(row) for row in query(deployment.reporting, statement)] == sorted(pairs)


def test_the_next_run_plans_nothing_for_imported_people_and_lists_none_of_them_as_unmatched(
    deployment, sandbox, plain, made
):
    user_id = made("ada")
    import_pairs(deployment, (plain[0], "ada"))
    imported = rows_of(deployment, "account", "account_link")
    run_accounts(deployment)
    planned = query(deployment.reporting, "select person_id from bksb.planned_action where person_id = %s", plain[0])
    unmatched = query(deployment.reporting, "select side from bksb.unmatched where person_id = %s", plain[0])
    assert planned == [] and unmatched == []
    assert account(deployment, plain[0]).bksb_user_id == user_id
    after = rows_of(deployment, "account", "account_link")
    assert all(row in after[table] for table, rows in imported.items() for row in rows)
    run_results(deployment)
    assert query(
        deployment.reporting,
        "select 1 from bksb.account_source where bksb_user_id = %s and synced_at is not null",
        user_id,
    )


def test_people_with_issues_can_be_imported_and_their_issues_are_resolved(deployment, sandbox, world, made):
    run_accounts(deployment)
    served = {
        kind: sorted(world.people_of(kind))[0]
        for kind in ("no_email", "shared_email", "no_given_name", "same_learn_ref_number", "username_taken")
    }
    others = {row.id for row in query(deployment.reporting, "select id from bksb.issue where resolved_at is null")} - {
        row.id
        for row in query(
            deployment.reporting, "select id from bksb.issue where person_id = any(%s)", [*served.values()]
        )
    }
    for person_id in served.values():
        assert account(deployment, person_id).state == "blocked" and open_issues(deployment, person_id)
        made(f"old.{person_id}")
    assert import_pairs(deployment, *((p, f"old.{p}") for p in served.values())).imported == len(served)
    for person_id in served.values():
        assert account(deployment, person_id).state == "active"
        assert open_issues(deployment, person_id) == []
    still = {row.id for row in query(deployment.reporting, "select id from bksb.issue where resolved_at is null")}
    assert still == others
    before = rows_of(deployment, "account", "account_link")
    run_accounts(deployment, "manual__2")
    after = rows_of(deployment, "account", "account_link")
    # the other person with the same LearnRefNumber is no longer blocked
    assert all(row in after[table] for table, rows in before.items() for row in rows if "blocked" not in row[1])
    for person_id in served.values():
        assert account(deployment, person_id).username == f"old.{person_id}"
        assert open_issues(deployment, person_id) == []


def test_an_account_that_is_only_planned_is_imported_and_then_not_created(deployment, sandbox, plain, made):
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    shares = record_plan(deployment, run)
    made("ada")
    assert account(deployment, plain[0]).state == "pending"
    assert import_pairs(deployment, (plain[0], "ada")).imported == 1
    for buckets in shares:
        apply_plan(deployment, run, buckets)
    assert account(deployment, plain[0]).username == "ada"
    (mine,) = [p for p in deployment.mis.read_people(run.day) if p.person_id == plain[0]]
    assert sandbox.site.find(mine.proposed_username) is None


def test_a_person_who_left_but_was_recorded_is_imported(deployment, mis_fields, plain, made):
    run_accounts(deployment, person_ids=(plain[1],))
    query(mis_fields, "delete from episode where person_id = %s", plain[0])
    made("ada")
    assert import_pairs(deployment, (plain[0], "ada")).imported == 1


def test_a_dry_run_looks_up_every_username_and_writes_nothing(deployment, sandbox, plain, made):
    run_accounts(deployment, person_ids=(plain[3],))
    linked = account(deployment, plain[3]).username
    made("ada")
    before = rows_of(deployment, *TABLES)
    sandbox.site.reset_counters()
    pairs = [(plain[0], "ada"), (plain[1], "nobody.has.this"), (plain[3], linked)]
    dry = import_pairs(deployment, *pairs, dry_run=True)
    assert sandbox.site.calls == {"getUserId": 3}
    assert rows_of(deployment, *TABLES) == before
    assert report(dry, dry_run=True).splitlines()[0] == (
        "Dry run, nothing was written: would import 1 account, 1 was linked already, 1 line needs attention:"
    )
    real = import_pairs(deployment, *pairs)
    assert (real.imported, real.linked_already, told(real)) == (dry.imported, dry.linked_already, told(dry))


def test_every_bad_line_is_reported_with_its_reason_and_every_good_one_is_imported(
    deployment, sandbox, world, plain, made
):
    run_accounts(deployment, person_ids=(plain[0], plain[1]))
    own, others = account(deployment, plain[0]), account(deployment, plain[1])
    named = sorted(world.people_of("stored_username"))[0]
    (stored,) = [p.bksb_username for p in deployment.mis.read_people(world.today) if p.person_id == named]
    query(deployment.reporting, "insert into bksb.account values (%s, 'on.its.way', null, 'creating')", plain[2])
    for username in ("on.its.way", "unmistakeable", "good", "good.one"):
        made(username)
    before = rows_of(deployment, "account", "account_link", "issue")
    imported = import_pairs(
        deployment,
        ("X999999", "good"),
        (plain[3], "unmistakeable.nobody"),
        (plain[0], "unmistakeable"),
        (plain[4], others.username.upper()),
        (plain[2], "on.its.way"),
        (plain[5], stored),
        (plain[6], ""),
        ("Unmistakeable Name", "unmistakeable.too"),
        (plain[7], "good.too"),
        (plain[7], "good.other"),
        (plain[8], "good.one"),
    )
    assert imported.imported == 1
    after = rows_of(deployment, "account", "account_link", "issue")
    assert {table: [row for row in rows if plain[8] not in row[1]] for table, rows in after.items()} == before
    assert account(deployment, plain[8]).state == "active"
    assert told(imported) == [
        "line 2, X999999: neither the MIS nor an earlier run lists this person: correct the person_id",
        f"line 3, {plain[3]}: bksb does not know this username: correct it",
        f"line 4, {plain[0]}: this person already has another active account, which was not changed: find out which is "
        "right (relink corrects a link)",
        f"line 5, {plain[4]}: {plain[1]} already has this account: find out who is right",
        f"line 6, {plain[2]}: an account creation for this person is unfinished: wait for the next run of "
        "bksb_accounts, then try again",
        f"line 7, {plain[5]}: the MIS stores this username for {named}: find out who is right",
        f"line 8, {plain[6]}: the username is missing",
        "line 9: neither the MIS nor an earlier run lists this person: correct the person_id",
        f"line 10, {plain[7]}: line 11 has another username for this person: keep the right one",
        f"line 11, {plain[7]}: line 10 has another username for this person: keep the right one",
    ]
    text = report(imported)
    assert text.splitlines()[0] == "Imported 1 account, 0 were linked already, 10 lines need attention:"
    assert not [word for word in ("unmistakeable", "good", "on.its", stored, own.username) if word in text.lower()]


def test_two_usernames_of_one_bksb_user_go_to_the_first_line_in_a_dry_run_too(deployment, sandbox, plain):
    class OneForAll(BksbClient):
        def find_user_id(self, username):
            return 310_001

    same = replace(deployment, make_client=lambda: OneForAll(sandbox.url, "AK", "SK"))
    pairs = [(plain[0], "one"), (plain[1], "two")]
    says = [f"line 3, {plain[1]}: {plain[0]} already has this account: find out who is right"]
    for dry_run in (True, False):
        imported = import_pairs(same, *pairs, dry_run=dry_run)
        assert (imported.imported, told(imported)) == (1, says)
    assert account(deployment, plain[1]) is None


def test_an_unfinished_creation_is_rejected_until_the_next_run_has_settled_it(deployment, sandbox, plain, made):
    (mine,) = [p for p in deployment.mis.read_people(a_run(deployment, "x").day) if p.person_id == plain[0]]
    made(mine.proposed_username)
    statement = "insert into bksb.account values (%s, %s, null, 'creating')"
    query(deployment.reporting, statement, plain[0], mine.proposed_username)
    pair = (plain[0], mine.proposed_username)
    assert "is unfinished" in told(import_pairs(deployment, pair))[0]
    run_accounts(deployment, person_ids=(plain[0],))
    assert account(deployment, plain[0]).origin == "created"
    assert import_pairs(deployment, pair).linked_already == 1


def test_the_account_of_an_applicant_is_moved_to_the_learner_by_a_run_and_not_duplicated_by_an_import(
    deployment, mis_fields, plain, made
):
    run_accounts(deployment)
    applicant = next(
        row for row in query(deployment.reporting, "select * from bksb.account") if row.person_id.startswith("A")
    )
    query(
        mis_fields,
        "update application set application_status = 'Transferred' where person_id = %s",
        applicant.person_id,
    )
    query(
        mis_fields,
        "insert into person select 'P900000', learn_ref_number, forenames, surname, email, date_of_birth, null, "
        "person_id from person where person_id = %s",
        applicant.person_id,
    )
    query(
        mis_fields,
        "insert into episode values (900000, 'P900000', 'Test', 'Live', 'In Learning', current_date - 1, null, null)",
    )
    made("another.one")
    (says,) = told(import_pairs(deployment, ("P900000", "another.one")))
    assert says == (
        f"line 2, P900000: this learner was applicant {applicant.person_id}, who has an account: wait for the next "
        "run of bksb_accounts, then try again"
    )
    run_accounts(deployment, "manual__2")
    assert account(deployment, "P900000").bksb_user_id == applicant.bksb_user_id


def test_a_stale_account_is_healed_by_another_user_and_its_history_kept(deployment, sandbox, plain, made):
    run_accounts(deployment, person_ids=(plain[0],))
    old = account(deployment, plain[0])
    kept = made("kept.one")
    sandbox.site.merge(kept, old.bksb_user_id)
    make_stale(deployment, plain[0])
    assert import_pairs(deployment, (plain[0], "kept.one")).imported == 1
    healed = account(deployment, plain[0])
    assert (healed.username, healed.bksb_user_id, healed.state, healed.origin) == (
        "kept.one",
        kept,
        "active",
        "imported",
    )
    assert links(deployment, plain[0]) == [(old.bksb_user_id, False), (kept, True)]
    assert open_issues(deployment, plain[0]) == []
    before = rows_of(deployment, *TABLES)
    assert import_pairs(deployment, (plain[0], "kept.one")).linked_already == 1
    assert rows_of(deployment, *TABLES) == before


def test_a_stale_account_is_healed_by_the_same_username_with_another_user_id(deployment, sandbox, plain, made):
    run_accounts(deployment, person_ids=(plain[0],))
    old = account(deployment, plain[0])
    sandbox.site.rename(old.bksb_user_id, "set.aside")
    new = made(old.username)
    make_stale(deployment, plain[0])
    assert import_pairs(deployment, (plain[0], old.username)).imported == 1
    assert account(deployment, plain[0]).bksb_user_id == new
    assert links(deployment, plain[0]) == [(old.bksb_user_id, False), (new, True)]


def test_a_stale_account_that_was_only_renamed_keeps_its_link(deployment, sandbox, plain):
    run_accounts(deployment, person_ids=(plain[0],))
    old = account(deployment, plain[0])
    sandbox.site.rename(old.bksb_user_id, "renamed")
    make_stale(deployment, plain[0])
    assert import_pairs(deployment, (plain[0], "renamed")).imported == 1
    assert account(deployment, plain[0]).username == "renamed"
    assert links(deployment, plain[0]) == [(old.bksb_user_id, True)]


def test_a_stale_account_is_not_healed_by_the_account_of_another_person(deployment, sandbox, plain):
    run_accounts(deployment, person_ids=(plain[0], plain[1]))
    make_stale(deployment, plain[0])
    before = rows_of(deployment, *TABLES)
    assert import_pairs(deployment, (plain[0], account(deployment, plain[1]).username)).imported == 0
    assert rows_of(deployment, *TABLES) == before


def test_a_username_that_the_mis_contradicts_is_imported_and_stays_an_issue(deployment, world, made):
    person_id = sorted(world.people_of("stored_but_unknown"))[0]
    run_accounts(deployment, person_ids=(person_id,))
    assert open_issues(deployment, person_id) == ["username_not_found"]
    made("the.right.one")
    assert import_pairs(deployment, (person_id, "the.right.one")).imported == 1
    people = [p for p in deployment.mis.read_people(world.today) if p.person_id == person_id]
    assert people and open_issues(deployment, person_id) == ["username_mismatch"]
    before = rows_of(deployment, "issue", "account")
    run_accounts(deployment, "manual__2", person_ids=(person_id,))
    assert rows_of(deployment, "issue", "account") == before


def test_a_refused_key_stops_the_import_at_once(deployment, sandbox, plain):
    sandbox.site.faults.add(Fault("401"))
    sandbox.site.reset_counters()
    with pytest.raises(KeyRefusedError):
        import_pairs(deployment, *((person_id, f"u.{person_id}") for person_id in plain[:40]))
    assert sandbox.site.calls["getUserId"] <= 8 + 16
    assert query(deployment.reporting, "select 1 from bksb.account") == []


def test_an_import_stops_after_few_calls_when_bksb_is_down(deployment, sandbox, plain):
    sandbox.site.faults.add(Fault("500"))
    sandbox.site.reset_counters()
    with pytest.raises(TransientError, match="8 people in a row"):
        import_pairs(deployment, *((person_id, f"u.{person_id}") for person_id in plain[:40]))
    assert sandbox.site.calls["getUserId"] <= 2 * (8 + 16)
    assert query(deployment.reporting, "select 1 from bksb.account") == []


def test_one_line_without_an_answer_does_not_stop_the_other_lines(deployment, sandbox, plain, made):
    for person_id in plain[:3]:
        made(f"u.{person_id}")
    sandbox.site.faults.add(Fault("500", user=f"u.{plain[1]}"))
    imported = import_pairs(deployment, *((person_id, f"u.{person_id}") for person_id in plain[:3]))
    assert imported.imported == 2
    assert told(imported) == [f"line 3, {plain[1]}: bksb did not answer: import the file again"]
    sandbox.site.faults.clear()
    again = import_pairs(deployment, *((person_id, f"u.{person_id}") for person_id in plain[:3]))
    assert (again.imported, again.linked_already) == (1, 2)


def test_a_username_that_bksb_cannot_look_up_is_one_rejected_line(deployment, sandbox, plain):
    class Refuses(BksbClient):
        def find_user_id(self, username):
            raise RejectedError("odd")

    odd = replace(deployment, make_client=lambda: Refuses(sandbox.url, "AK", "SK"))
    assert told(import_pairs(odd, (plain[0], "odd"))) == [
        f"line 2, {plain[0]}: bksb cannot look up this username: correct it"
    ]


def test_an_import_waits_for_a_run_that_works_on_the_same_people(deployment, plain, made):
    made("ada")
    done: list[ImportReport] = []
    importing = threading.Thread(target=lambda: done.append(import_pairs(deployment, (plain[0], "ada"))))
    with deployment.open_store() as run:
        run.lock_buckets([bucket_of(plain[0])])
        importing.start()
        wait_for_lock(deployment, BUCKET_LOCKS, bucket_of(plain[0]))
        assert account(deployment, plain[0]) is None
    importing.join()
    assert done[0].imported == 1


@pytest.mark.parametrize("writer", [Writer.PLAN_ACCOUNTS, Writer.APPLY_PLAN])
def test_an_import_waits_while_a_run_plans_or_activates_accounts(deployment, plain, made, writer):
    made("ada")
    done: list[ImportReport] = []
    importing = threading.Thread(target=lambda: done.append(import_pairs(deployment, (plain[0], "ada"))))
    with deployment.open_store() as run:
        with run.transaction(writer):
            importing.start()
            wait_for_lock(deployment, WRITER_LOCKS, int(writer))
            assert account(deployment, plain[0]) is None
    importing.join()
    assert done[0].imported == 1


def wait_for_lock(deployment, lock_class, key) -> None:
    """Wait until another session waits for this advisory lock."""
    waiting = (
        "select 1 from pg_locks where locktype = 'advisory' and not granted and classid::bigint = %s and objid = %s "
        "and database = (select oid from pg_database where datname = current_database())"
    )
    for _ in range(1000):
        if query(deployment.reporting, waiting, lock_class, key):
            return
    raise AssertionError("no session waits for the lock")


def test_an_import_and_a_run_at_once_give_each_person_one_account(deployment, sandbox, plain, made):
    pairs = [(person_id, f"old.{person_id}") for person_id in plain[:20]]
    for _, username in pairs:
        made(username)
    sandbox.site.latency = 0.005
    failures: list[BaseException] = []

    def guarded(work) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    works = (lambda: run_accounts(deployment), lambda: import_pairs(deployment, *pairs))
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    accounts = query(deployment.reporting, "select * from bksb.account where person_id = any(%s)", plain[:20])
    assert [row.state for row in accounts] == ["active"] * 20
    for row in accounts:
        assert row.origin in ("created", "imported")
        assert links(deployment, row.person_id) == [(row.bksb_user_id, True)]
    # an account that was imported first is not created too
    proposed = {p.person_id: p.proposed_username for p in deployment.mis.read_people(a_run(deployment, "x").day)}
    for row in accounts:
        assert (sandbox.site.find(proposed[row.person_id]) is not None) == (row.origin == "created")


def test_make_plan_returns_nothing_for_an_imported_person(deployment, plain, made):
    made("ada")
    import_pairs(deployment, (plain[0], "ada"))
    people = [p for p in deployment.mis.read_people(a_run(deployment, "x").day) if p.person_id == plain[0]]
    with deployment.open_store() as store, store.transaction():
        from bksb.model import Account

        known = [
            Account(row.person_id, row.username, row.bksb_user_id, row.state, row.origin)
            for row in store.run("accounts/list_accounts")
        ]
    plan = make_plan(people, known)
    assert (plan.actions, plan.transfers, plan.issues) == ((), (), ())


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_person_with_two_records_gets_one_account_even_if_the_file_has_two(deployment, sandbox, mis_fields, dry_run):
    query(mis_fields, "insert into person (person_id, forenames, surname) values ('A9', 'Nova', 'Newcomer')")
    query(mis_fields, "insert into application values (910009, 'A9', 'T', 'Live', 'Applied', current_date - 7)")
    run = a_run(deployment, "bksb_accounts")
    plan_accounts(deployment, run)
    record_plan(deployment, run)
    query(mis_fields, "update application set application_status = 'Transferred' where person_id = 'A9'")
    query(
        mis_fields,
        "insert into person (person_id, learn_ref_number, forenames, surname, former_person_id)"
        " values ('P9', 'LP9', 'Nova', 'Newcomer', 'A9')",
    )
    query(
        mis_fields,
        "insert into episode values (910010, 'P9', 'T', 'Live', 'In Learning', current_date - 1, null, null)",
    )
    for username in ("one", "two"):
        sandbox.site.create_user(username, "A", "B", "x@learner.example", "a good password")
    imported = import_pairs(deployment, ("A9", "one"), ("P9", "two"), dry_run=dry_run)
    assert imported.imported == 1
    assert told(imported) == [
        "line 3, P9: this learner was applicant A9, who has an account: wait for the next run of bksb_accounts, then "
        "try again"
    ]
