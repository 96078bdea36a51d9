"""The store: atomic transactions, COPY of any text, and errors without data of a row."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bksb.errors import BksbSyncError, ConfigurationError, FatalError, TransientError
from bksb.reporting.copy_format import encode_row
from bksb.reporting.db_errors import translate_errors
from bksb.reporting.store import BUCKET_LOCKS, SENDER_LOCKS, WRITER_LOCKS, Writer, open_store
from tests.conftest import query

SECRET = "Unmistakeable"


def contact(person_id: str, family_name: str) -> tuple[str | int | None, ...]:
    return (person_id, 0, "learner", None, None, None, None, None, "Synthia", family_name, None)


def test_a_transaction_that_fails_leaves_nothing_behind(reporting):
    with open_store(reporting) as store:
        with pytest.raises(RuntimeError), store.transaction():
            store.run("accounts/block_account", person_id="P1")
            raise RuntimeError
        with store.transaction():
            assert store.run("accounts/list_accounts") == []


def test_the_error_for_a_violated_constraint_contains_no_row(reporting):
    with open_store(reporting) as store:
        with pytest.raises(FatalError) as caught, store.transaction():
            store.run("people/create_extracted_person")
            store.copy("people/copy_extracted_person", [contact("P1", SECRET), contact("P1", SECRET)])
    assert "23505" in str(caught.value) and "extracted_person_pkey" in str(caught.value)
    assert_no_secret(caught.value)


def test_the_error_for_a_failed_copy_contains_no_row(reporting):
    with open_store(reporting) as store:
        with pytest.raises(FatalError) as caught, store.transaction():
            store.run("people/create_extracted_person")
            store.copy("people/copy_extracted_person", [("P1", 0, "learner", None, None, None, SECRET, *[None] * 4)])
    assert_no_secret(caught.value)


def assert_no_secret(error: BaseException) -> None:
    assert SECRET not in str(error) and SECRET not in repr(error)
    assert error.__cause__ is None and error.__suppress_context__


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8))
def test_copy_stores_any_text_unchanged(reporting, names):
    with open_store(reporting) as store:
        with store.transaction():
            query(reporting, "truncate bksb.learner_contact")
            store.run("people/create_extracted_person")
            store.copy("people/copy_extracted_person", [contact(f"P{n}", name) for n, name in enumerate(names)])
            store.run("people/merge_contacts")
    rows = query(reporting, "select person_id, family_name from bksb.learner_contact")
    assert {row.person_id: row.family_name for row in rows} == {
        f"P{n}": name.replace("\0", "") for n, name in enumerate(names)
    }


def test_copy_distinguishes_null_from_the_empty_text():
    assert encode_row((None, "", "\\N", True, {"a": "b\\c"})) == '\\N\t\t\\\\N\tt\t{"a":"b\\\\\\\\c"}\n'


@pytest.mark.parametrize(
    ("written", "kept"),
    [("a\0b", "ab"), ("\\u0000", "\\u0000"), ("\\\0", "\\"), ("\0\0\\\\u0000", "\\\\u0000")],
)
def test_json_loses_its_nul_characters_only(reporting, written, kept):
    with open_store(reporting) as store, store.transaction():
        store.run("results/create_loaded_result")
        store.copy("results/copy_loaded_result", [(1, *[""] * 7, None, "", "", *[None] * 4, "", {"text": written})])
        with store._connection.cursor() as cursor:
            cursor.execute("select raw ->> 'text' from loaded_result")
            assert cursor.fetchall() == [(kept,)]


def test_only_one_task_holds_a_bucket_at_a_time(reporting):
    entered: list[str] = []
    first_may_go = threading.Event()

    def second() -> None:
        with open_store(reporting) as store:
            store.lock_buckets([7])
            entered.append("second")

    with open_store(reporting) as store:
        store.lock_buckets([3, 7])
        thread = threading.Thread(target=second)
        thread.start()
        waiting = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted"
        while query(reporting, waiting)[0].n == 0:
            assert thread.is_alive()
        entered.append("first")
        first_may_go.set()
    thread.join()
    assert entered == ["first", "second"]


@pytest.mark.parametrize(
    ("sqlstate", "remedy"),
    [("40P01", TransientError), ("57P01", TransientError), ("53300", TransientError), ("22003", FatalError)],
)
def test_an_error_of_the_server_is_translated_by_what_to_do(reporting, sqlstate, remedy):
    with pytest.raises(remedy, match=sqlstate), translate_errors("reporting"):
        query(reporting, f"do $$ begin raise exception '{SECRET}' using errcode = '{sqlstate}'; end $$")


def test_a_server_without_ssl_is_named_instead_of_tried_again(reporting):
    fields = replace(reporting, extra={"sslmode": "require"})
    with pytest.raises(ConfigurationError, match="does not offer SSL"), open_store(fields):
        pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('FATAL:  role "bksb_writr" does not exist', "refuses the log-in"),
        ('FATAL:  database "reportng" does not exist', "does not exist: create it"),
    ],
)
def test_a_missing_role_is_not_taken_for_a_missing_database(text, said):
    """A server with trust or peer authentication names the role."""
    with pytest.raises(ConfigurationError, match=said), translate_errors("reporting"):
        raise psycopg2.OperationalError(text)


def test_a_lost_connection_is_a_transient_error(reporting):
    with pytest.raises(BksbSyncError) as caught, open_store(reporting) as store, store.transaction():
        store.run("accounts/list_accounts")
        query(
            reporting,
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()",
        )
        store.run("accounts/list_accounts")
    assert isinstance(caught.value, TransientError)
    assert not isinstance(caught.value, psycopg2.Error)


def test_the_keys_of_advisory_locks_never_change():
    """Workers of two versions share them during an update."""
    assert (BUCKET_LOCKS, WRITER_LOCKS, SENDER_LOCKS) == (0x626B7362, 0x626B7363, 0x626B7364)
    assert {writer.name: writer.value for writer in Writer} == {
        "MIGRATE": 0,
        "PLAN_ACCOUNTS": 1,
        "APPLY_PLAN": 2,
        "LOAD_RESULTS": 3,
        "PUBLISH_RESULTS": 4,
    }
