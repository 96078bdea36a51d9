"""`relink` corrects a wrong link, and no one keeps the results of another person."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from bksb.cli.relink import report
from bksb.errors import ConfigurationError, KeyRefusedError, TransientError
from bksb.jobs.accounts.relinking import relink
from bksb.rules.task_split import bucket_of
from sandbox.bksb.faults.catalogue import Fault
from tests.conftest import query
from tests.runs import rows_of, run_accounts, run_results

TABLES = ("account", "account_link", "issue", "skill_summary")


def make_user(sandbox, username: str, level: str) -> int:
    """A bksb user with one result in English at this level, and nothing else."""
    user = sandbox.site.create_user(username, "Ada", "Lovelace", "ada@learner.example", "a good password")
    for source in ("initial", "diagnostic"):
        for result in sandbox.site.results(user.user_id, source):
            sandbox.site.remove_result(user.user_id, source, result.session_id)
    sandbox.site.add_result(user.user_id, "initial", f"English {level}", "2026-09-01T10:00:00")
    return user.user_id


@pytest.fixture
def pair(deployment, sandbox, world) -> tuple[str, str]:
    """Two people who were linked to each other's account, each account with its own results."""
    first, second = sorted(world.people_of("plain"))[:2]
    users = {first: make_user(sandbox, f"of.{first}", "Level 1"), second: make_user(sandbox, f"of.{second}", "Entry 2")}
    for person_id, other in ((first, second), (second, first)):
        query(
            deployment.reporting,
            "insert into bksb.account (person_id, username, bksb_user_id, state, origin, linked_at) "
            "values (%s, %s, %s, 'active', 'imported', now())",
            person_id,
            f"of.{other}",
            users[other],
        )
        query(
            deployment.reporting,
            "insert into bksb.account_link (person_id, bksb_user_id, from_at) values (%s, %s, now())",
            person_id,
            users[other],
        )
    run_accounts(deployment, person_ids=(first, second))
    run_results(deployment)
    return first, second


def user_of(deployment, person_id: str) -> int | None:
    (row,) = query(deployment.reporting, "select bksb_user_id from bksb.account where person_id = %s", person_id)
    return row.bksb_user_id


def english_levels(deployment, person_id: str) -> tuple[list[str], list[str]]:
    """The person's levels in English: in the results by person, and in the summary."""
    results = query(
        deployment.reporting,
        "select level_code from bksb.person_result where person_id = %s and subject = 'English' order by 1",
        person_id,
    )
    summary = query(
        deployment.reporting,
        "select latest_level_code from bksb.skill_summary where person_id = %s and subject = 'English'",
        person_id,
    )
    return [row.level_code for row in results], [row.latest_level_code for row in summary]


def links_of(deployment, person_id: str) -> list[tuple[int, bool, bool]]:
    """The person's links, oldest first: the bksb user, whether it still holds, whether it was withdrawn."""
    rows = query(
        deployment.reporting,
        "select bksb_user_id, to_at is null as holds, withdrawn_at is not null as withdrawn from bksb.account_link "
        "where person_id = %s order by from_at, holds",
        person_id,
    )
    return [tuple(row) for row in rows]


def test_two_people_exchange_accounts_with_results_summaries_and_history(deployment, pair):
    first, second = pair
    own_of_second, own_of_first = user_of(deployment, first), user_of(deployment, second)
    assert english_levels(deployment, first) == (["E2"], ["E2"])
    assert english_levels(deployment, second) == (["L1"], ["L1"])
    result = relink(deployment, first, f"of.{first}", from_holder="swap")
    assert report(result, dry_run=False).splitlines() == [
        "Changed:",
        f"  {first}: bksb user {own_of_second} -> bksb user {own_of_first}",
        f"  {second}: bksb user {own_of_first} -> bksb user {own_of_second}",
        "No one was mailed: tell the people which username is theirs.",
    ]
    assert (user_of(deployment, first), user_of(deployment, second)) == (own_of_first, own_of_second)
    assert english_levels(deployment, first) == (["L1"], ["L1"])
    assert english_levels(deployment, second) == (["E2"], ["E2"])
    assert links_of(deployment, first) == [(own_of_second, False, True), (own_of_first, True, False)]
    assert links_of(deployment, second) == [(own_of_first, False, True), (own_of_second, True, False)]
    # the next runs keep it this way
    before = rows_of(deployment, "skill_summary")
    run_accounts(deployment, "manual__2", person_ids=pair)
    run_results(deployment, "manual__2")
    assert rows_of(deployment, "skill_summary") == before
    assert (user_of(deployment, first), user_of(deployment, second)) == (own_of_first, own_of_second)


def test_relinking_again_changes_no_row(deployment, pair):
    first, _ = pair
    relink(deployment, first, f"of.{first}", from_holder="swap")
    before = rows_of(deployment, *TABLES)
    for username in (f"of.{first}", f" OF.{first} "):
        result = relink(deployment, first, username, from_holder="swap")
        assert not result.is_change and "already" in report(result, dry_run=False)
    assert rows_of(deployment, *TABLES) == before


def test_a_username_of_another_person_is_refused_unless_swap_or_take_is_given(deployment, pair):
    first, second = pair
    before = rows_of(deployment, *TABLES)
    with pytest.raises(ConfigurationError, match=rf"Nothing was changed: {second} has this account.*--swap"):
        relink(deployment, first, f"of.{first}")
    assert rows_of(deployment, *TABLES) == before


def test_a_dry_run_reports_the_same_and_writes_nothing(deployment, pair):
    first, _ = pair
    before = rows_of(deployment, *TABLES)
    dry = relink(deployment, first, f"of.{first}", from_holder="swap", dry_run=True)
    assert rows_of(deployment, *TABLES) == before
    assert report(dry, dry_run=True).splitlines()[0] == "Dry run, nothing was written. Would change:"
    assert relink(deployment, first, f"of.{first}", from_holder="swap") == dry


def test_a_person_gets_a_free_account_and_the_wrong_results_count_for_no_one(deployment, sandbox, pair):
    first, second = pair
    wrong = user_of(deployment, first)
    free = make_user(sandbox, "the.right.one", "Entry 3")
    relink(deployment, first, "the.right.one")
    assert english_levels(deployment, first) == ([], [])
    assert links_of(deployment, first) == [(wrong, False, True), (free, True, False)]
    run_results(deployment, "manual__2")
    assert english_levels(deployment, first) == (["E3"], ["E3"])
    assert english_levels(deployment, second) == (["L1"], ["L1"])
    # the results of the wrong user stay, and the checks of bksb_results accept them
    assert query(deployment.reporting, "select 1 from bksb.assessment_result where bksb_user_id = %s", wrong)


def test_results_do_not_go_back_to_a_person_who_had_the_user_before(deployment, pair, sandbox):
    """The earlier link may have been wrong too, so the results count for no one until someone is linked again."""
    first, _ = pair
    lent = user_of(deployment, first)
    make_user(sandbox, "the.right.one", "Entry 3")
    query(
        deployment.reporting,
        "insert into bksb.account_link (person_id, bksb_user_id, from_at, to_at) "
        "values ('BEFORE', %s, '2026-01-01', '2026-02-01')",
        lent,
    )
    relink(deployment, first, "the.right.one")
    assert english_levels(deployment, "BEFORE") == ([], [])
    run_results(deployment, "manual__2")
    assert english_levels(deployment, "BEFORE") == ([], [])


def test_with_take_the_holder_has_no_account_and_no_issue_about_the_old_one(deployment, pair):
    first, second = pair
    own_of_first = user_of(deployment, second)
    query(
        deployment.reporting,
        "insert into bksb.issue (code, subject_key, person_id) values ('stale_link', %s, %s)",
        second,
        second,
    )
    result = relink(deployment, first, f"of.{first}", from_holder="take")
    assert (result.holder, result.holder_gets) == (second, None)
    assert (user_of(deployment, first), user_of(deployment, second)) == (own_of_first, None)
    assert english_levels(deployment, second) == ([], [])
    open_issues = "select code from bksb.issue where person_id = %s and resolved_at is null"
    assert query(deployment.reporting, open_issues, second) == []


def test_a_person_left_without_an_account_is_invited_to_the_one_created_later(deployment, world, sandbox):
    first, second = sorted(world.people_of("plain"))[:2]
    run_accounts(deployment, person_ids=(first,))
    (created,) = query(deployment.reporting, "select username from bksb.account where person_id = %s", first)
    (mail,) = sandbox.mailbox.messages()
    relink(deployment, second, created.username, from_holder="take")
    # frees the username that is proposed for the first person
    sandbox.site.rename(user_of(deployment, second), "renamed.by.staff")
    relink(deployment, second, "renamed.by.staff")
    run_accounts(deployment, "manual__2", person_ids=(first,))
    assert user_of(deployment, first) not in (None, user_of(deployment, second))
    assert [message.recipients for message in sandbox.mailbox.messages()] == [mail.recipients] * 2


def test_an_account_that_is_only_renamed_keeps_its_invitation(deployment, world, sandbox):
    (person_id, *_) = sorted(world.people_of("plain"))
    run_accounts(deployment, person_ids=(person_id,))
    kept = "select bksb_user_id, origin, created_at, invited_at from bksb.account where person_id = %s"
    (before,) = query(deployment.reporting, kept, person_id)
    messages = rows_of(deployment, "invitation", "account_link")
    sandbox.site.rename(before.bksb_user_id, "renamed")
    result = relink(deployment, person_id, "renamed")
    assert report(result, dry_run=False) == f"Changed:\n  {person_id}: the username of bksb user {before.bksb_user_id}"
    assert query(deployment.reporting, kept, person_id) == [before]
    assert rows_of(deployment, "invitation", "account_link") == messages


def test_while_the_mis_names_another_username_nothing_is_changed(deployment, pair, mis_fields):
    """Otherwise the next run would link the person to the username in the MIS again."""
    first, second = pair
    before = rows_of(deployment, *TABLES)
    for named in pair:
        query(mis_fields, "update person set bksb_username = 'a.third.one' where person_id = %s", named)
        with pytest.raises(ConfigurationError, match=f"{named}: the MIS stores another bksb username: correct it"):
            relink(deployment, first, f"of.{first}", from_holder="swap")
        query(mis_fields, "update person set bksb_username = null where person_id = %s", named)
    assert rows_of(deployment, *TABLES) == before
    query(mis_fields, "update person set bksb_username = %s where person_id = %s", f"OF.{first}", first)
    relink(deployment, first, f"of.{first}", from_holder="swap")
    assert english_levels(deployment, second) == (["E2"], ["E2"])


def test_a_swap_with_a_person_without_an_account_leaves_the_holder_without_one_until_the_next_run(
    deployment, world, sandbox, pair
):
    first, _ = pair
    newcomer = sorted(world.people_of("plain"))[2]
    wrong = user_of(deployment, first)
    result = relink(deployment, newcomer, f"of.{pair[1]}", from_holder="swap")
    assert report(result, dry_run=False).splitlines() == [
        "Changed:",
        f"  {newcomer}: no account -> bksb user {wrong}",
        f"  {first}: bksb user {wrong} -> no account; the next run of bksb_accounts plans one",
        "No one was mailed: tell the people which username is theirs.",
    ]
    assert (user_of(deployment, newcomer), user_of(deployment, first)) == (wrong, None)
    assert english_levels(deployment, newcomer) == (["E2"], ["E2"])
    assert english_levels(deployment, first) == ([], [])
    run_accounts(deployment, "manual__2", person_ids=(first,))
    assert user_of(deployment, first) not in (None, wrong)


def test_a_renamed_user_keeps_link_and_results_and_gets_the_new_username(deployment, pair, sandbox):
    first, _ = pair
    user_id = user_of(deployment, first)
    sandbox.site.rename(user_of(deployment, first), "renamed")
    links = rows_of(deployment, "account_link")
    result = relink(deployment, first, "renamed")
    assert result.is_renamed and not result.is_change
    (row,) = query(deployment.reporting, "select username, state from bksb.account where person_id = %s", first)
    assert tuple(row) == ("renamed", "active") and user_of(deployment, first) == user_id
    assert rows_of(deployment, "account_link") == links and english_levels(deployment, first) == (["E2"], ["E2"])


def test_unknown_people_and_usernames_and_unfinished_creations_are_refused_with_the_reason(
    deployment, world, mis_fields, pair, sandbox
):
    first, _ = pair
    named = sorted(world.people_of("stored_username"))[0]
    sandbox.site.create_user("free", "Ada", "Lovelace", "ada@learner.example", "a good password")
    sandbox.site.create_user("open", "Ada", "Lovelace", "ada@learner.example", "a good password")
    (stored,) = query(mis_fields, "select bksb_username from person where person_id = %s", named)
    unsettled = sorted(world.people_of("plain"))[2]
    query(
        deployment.reporting,
        "insert into bksb.account (person_id, username, state) values (%s, 'open', 'creating')",
        unsettled,
    )
    before = rows_of(deployment, *TABLES)
    for person_id, username, reason in (
        (first, "nobody.has.this", "bksb does not know this username"),
        (first, "   ", "the username is missing"),
        (first, "two\nlines", "a line break"),
        ("X999999", "free", "neither the MIS nor an earlier run lists this person"),
        (first, stored.bksb_username, f"the MIS stores this username for {named}"),
        (unsettled, "free", "an account creation for this person is unfinished"),
        (first, "open", f"{unsettled}: an account creation for this person is unfinished"),
    ):
        with pytest.raises(ConfigurationError, match=f"Nothing was changed: .*{reason}"):
            relink(deployment, person_id, username, from_holder="swap")
    assert rows_of(deployment, *TABLES) == before


def test_an_account_that_bksb_no_longer_knows_is_not_given_to_the_other_person(deployment, pair, sandbox):
    first, _ = pair
    sandbox.site.rename(user_of(deployment, first), "gone")
    before = rows_of(deployment, *TABLES)
    with pytest.raises(ConfigurationError, match=f"bksb no longer knows the account of {first}"):
        relink(deployment, first, f"of.{first}", from_holder="swap")
    assert rows_of(deployment, *TABLES) == before


def test_a_refused_key_or_no_answer_changes_nothing(deployment, pair, sandbox):
    first, _ = pair
    before = rows_of(deployment, *TABLES)
    for kind, error in (("401", KeyRefusedError), ("500", TransientError)):
        sandbox.site.faults.add(Fault(kind))
        with pytest.raises(error):
            relink(deployment, first, f"of.{first}", from_holder="swap")
        sandbox.site.faults.clear()
    assert rows_of(deployment, *TABLES) == before


def test_relinking_waits_for_a_run_that_works_on_the_same_people(deployment, pair):
    first, _ = pair
    wrong = user_of(deployment, first)
    done = threading.Event()

    def correct() -> None:
        relink(replace(deployment), first, f"of.{first}", from_holder="swap")
        done.set()

    with deployment.open_store() as run:
        run.lock_buckets({bucket_of(first)})
        thread = threading.Thread(target=correct)
        thread.start()
        waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        while not query(deployment.reporting, waiting):
            assert not done.is_set()
        assert user_of(deployment, first) == wrong
    thread.join()
    assert done.is_set() and user_of(deployment, first) != wrong
