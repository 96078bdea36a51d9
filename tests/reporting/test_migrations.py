"""Migrations on a real PostgreSQL: repeated, at the same time, with grants, and with messages about what is missing."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from bksb.connection_fields import make_libpq_arguments
from bksb.errors import ConfigurationError, TransientError
from bksb.reporting.migrations import REPEATABLE, migrate
from bksb.reporting.sql_files import list_statements
from bksb.reporting.store import open_store
from dev.services.postgres.server import find_binaries
from tests.conftest import fields_of, query

NAMES = [name.removeprefix("migrations/") for name in list_statements("migrations")]

UNCOMMENTED = """
select relname::text as name, null as part from pg_class
where relnamespace = 'bksb'::regnamespace and relkind in ('r', 'v') and obj_description(oid, 'pg_class') is null
union all
select relname::text, attname::text from pg_class join pg_attribute on attrelid = pg_class.oid
where relnamespace = 'bksb'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not attisdropped
    and col_description(pg_class.oid, attnum) is null
union all
select proname::text, 'function' from pg_proc
where pronamespace = 'bksb'::regnamespace and obj_description(oid, 'pg_proc') is null
"""
"""Selects the tables, views, columns and functions without a comment."""


def dump(dsn: str) -> list[str]:
    """Return everything in the database: tables, views, functions, triggers, comments, grants and rows."""
    dumped = subprocess.run([find_binaries() / "pg_dump", dsn], check=True, capture_output=True, text=True)
    # pg_dump writes these two lines with a random word, which protects psql from commands in rows
    return [line for line in dumped.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def test_migrating_twice_changes_nothing_the_second_time(empty_database):
    fields = fields_of(empty_database, "reporting")
    assert migrate(fields) == NAMES
    before = dump(empty_database)
    assert any("CREATE TABLE bksb.learner " in line for line in before)
    assert migrate(fields) == []
    assert dump(empty_database) == before


def test_the_next_migration_restores_a_changed_view_and_a_changed_comment(empty_database):
    fields = fields_of(empty_database, "reporting")
    migrate(fields)
    before = dump(empty_database)
    query(fields, "create or replace view bksb.account_for_mis as select person_id, username from bksb.account")
    query(fields, "comment on column bksb.account.username is null")
    assert dump(empty_database) != before
    assert migrate(fields) == []
    assert dump(empty_database) == before


def test_the_order_of_the_repeatable_files_lists_each_file_once():
    assert sorted(f"views/{name}" for name in REPEATABLE) == list_statements("views")


def test_every_table_view_column_and_function_has_a_comment(reporting):
    assert query(reporting, UNCOMMENTED) == []


def test_migrations_at_the_same_time_apply_each_file_once(empty_database):
    fields = fields_of(empty_database, "reporting")
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(fields))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], [], [], NAMES]


def test_a_migration_waits_for_a_writer_that_then_reads_the_views(reporting):
    applied: list[list[str]] = []
    migration = threading.Thread(target=lambda: applied.append(migrate(reporting)))
    waits = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with closing(psycopg2.connect(**make_libpq_arguments(reporting))) as writer, writer.cursor() as cursor:
        cursor.execute("insert into bksb.learner (person_id, person_kind, eligible) values ('P1', 'learner', true)")
        migration.start()
        deadline = time.monotonic() + 30
        while not query(reporting, waits):
            assert time.monotonic() < deadline, "the migration does not wait"
        for view in ("person_result", "latest_result", "unmatched", "account_for_mis", "latest_plan"):
            cursor.execute(f"select * from bksb.{view}")
        writer.commit()
    migration.join()
    assert applied == [[]]
    assert [row.person_id for row in query(reporting, "select person_id from bksb.learner")] == ["P1"]


def test_the_error_for_a_database_without_migrations_says_how_to_migrate(empty_database):
    with (
        pytest.raises(ConfigurationError, match=r"python -m bksb migrate"),
        open_store(fields_of(empty_database, "x")),
    ):
        pytest.fail("opened")


def test_a_database_that_lacks_the_newest_migration_is_not_written_to(reporting):
    query(reporting, "delete from bksb.schema_migration where name = %s", NAMES[-1])
    with pytest.raises(ConfigurationError, match="lacks 1 migrations"), open_store(reporting):
        pytest.fail("opened")


def test_a_role_that_does_not_exist_stops_migrate_with_what_to_do(empty_database):
    with pytest.raises(ConfigurationError, match="There is no role bksb_writr in the reporting database: create it"):
        migrate(fields_of(empty_database, "reporting"), writer="bksb_writr")


def test_a_database_older_than_the_first_release_is_not_migrated_or_changed(empty_database, roles):
    fields = fields_of(empty_database, "reporting")
    for statement in (
        "create schema bksb",
        "create table bksb.schema_migration (name text primary key, applied_at timestamptz not null default now())",
        "insert into bksb.schema_migration (name) values ('0001_of_long_ago'), ('0002_of_long_ago')",
        "create table bksb.learner (person_id text primary key)",
    ):
        query(fields, statement)
    before = dump(empty_database)
    with pytest.raises(ConfigurationError) as stopped:
        migrate(fields, writer=roles[0], reader=roles[1])
    for said in ("'reporting'", "0001_of_long_ago", "Nothing was changed", "./run demo --reset", "import-accounts"):
        assert said in str(stopped.value)
    assert dump(empty_database) == before


def test_a_database_of_a_newer_version_is_not_migrated_or_changed(empty_database):
    fields = fields_of(empty_database, "reporting")
    migrate(fields)
    query(fields, "insert into bksb.schema_migration (name) values ('9999_of_some_day')")
    query(fields, "create or replace view bksb.account_for_mis as select person_id, username from bksb.account")
    before = dump(empty_database)
    with pytest.raises(ConfigurationError, match="9999_of_some_day.*use the newer version"):
        migrate(fields)
    assert dump(empty_database) == before


def test_a_missing_database_a_wrong_password_and_a_closed_port_have_messages_that_say_what_to_do(postgres):
    missing = fields_of(postgres.dsn("not_there"), "reporting")
    with pytest.raises(ConfigurationError, match="does not exist: create it"), open_store(missing):
        pytest.fail("opened")
    wrong = fields_of(postgres.dsn("postgres", "postgres", "wrong-password"), "reporting")
    with pytest.raises(ConfigurationError, match="check login and password"), open_store(wrong):
        pytest.fail("opened")
    closed = fields_of("postgresql://postgres:x@127.0.0.1:1/reporting", "reporting")
    with pytest.raises(TransientError, match="check host, port"), open_store(closed):
        pytest.fail("opened")


@pytest.fixture
def roles(postgres):
    names = ("ring_writer", "ring_reader")
    for name in names:
        query(fields_of(postgres.dsn(), "x"), f"create role {name} login password 'synthetic-1'")
    yield names
    for name in names:
        query(fields_of(postgres.dsn(), "x"), f"drop role {name}")


def test_the_writer_may_write_rows_but_not_change_tables_and_the_reader_sees_no_contact_details(
    postgres, empty_database, roles
):
    owner = fields_of(empty_database, "reporting")
    migrate(owner, writer="ring_writer", reader="ring_reader")
    database = owner.database
    try:
        writer, reader = (fields_of(postgres.dsn(database, role, "synthetic-1"), "reporting") for role in roles)
        query(writer, "insert into bksb.learner_contact values ('P1', 'Synthia', 'Sample', 's@x.example')")
        for forbidden in ("create table bksb.x ()", "drop table bksb.learner", "delete from bksb.schema_migration"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(writer, forbidden)
        for allowed in (
            *("learner", "account", "account_link", "skill_summary", "daily_activity", "summary_rebuild", "issue"),
            *("sync_run", "planned_action", "latest_plan", "person_result", "latest_result", "unmatched"),
            "account_for_mis",
        ):
            assert query(reader, f"select * from bksb.{allowed}") == []
        assert query(reader, "select bksb_user_id, source, synced_at from bksb.account_source") == []
        assert query(reader, "select result_raw from bksb.assessment_result") == []
        assert query(reader, "select * from bksb.skill_level_on(current_date)") == []
        for forbidden in (
            "select * from bksb.learner_contact",
            "select raw from bksb.assessment_result",
            "select incomplete_at from bksb.account_source",
            "select failed_at from bksb.account_source",
            *(f"select * from bksb.{name}" for name in ("initial_password", "approval", "invitation", "run_person")),
            *(f"select * from bksb.{name}" for name in ("result_change", "summary_rebuild_due", "unpublished_run")),
            "select * from bksb.schema_migration",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(reader, forbidden)
    finally:
        query(owner, f"drop owned by {', '.join(roles)}")
