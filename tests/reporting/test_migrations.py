"""Migrations on a real PostgreSQL: twice, raced, granted, and the messages where something is missing."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from bksb.errors import ConfigurationError, TransientError
from bksb.reporting.migrations import migrate
from bksb.reporting.sql_files import sql_names
from bksb.reporting.store import open_store
from tests.conftest import fields_of, query

DIGEST = """
select md5(string_agg(line, E'\n' order by line)) as digest from (
    select format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) as line
    from information_schema.columns where table_schema = 'bksb'
    union all select indexdef from pg_indexes where schemaname = 'bksb'
    union all select format('%s %s', name, applied_at) from bksb.schema_migration
) as lines
"""


def test_migrating_twice_changes_nothing_the_second_time(empty_database):
    fields = fields_of(empty_database, "reporting")
    assert len(migrate(fields)) == len(sql_names("migrations")) > 20
    before = query(fields, DIGEST)
    assert migrate(fields) == []
    assert query(fields, DIGEST) == before


def test_two_migrations_at_once_apply_each_file_once(empty_database):
    fields = fields_of(empty_database, "reporting")
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(fields))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(sql_names("migrations"))]


def test_a_database_without_migrations_says_how_to_get_them(empty_database):
    with (
        pytest.raises(ConfigurationError, match=r"python -m bksb\.migrate"),
        open_store(fields_of(empty_database, "x")),
    ):
        pytest.fail("opened")


def test_a_database_that_lacks_the_newest_migration_is_not_written_to(reporting):
    query(reporting, "delete from bksb.schema_migration where name = '0027_create_grant_reader'")
    with pytest.raises(ConfigurationError, match="lacks 1 migrations"), open_store(reporting):
        pytest.fail("opened")


def test_a_missing_database_a_wrong_password_and_a_closed_port_each_have_their_remedy(postgres):
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


def test_the_writer_has_rows_but_no_tables_and_the_reader_sees_no_person(postgres, empty_database, roles):
    owner = fields_of(empty_database, "reporting")
    migrate(owner, writer="ring_writer", reader="ring_reader")
    database = owner.database
    try:
        writer, reader = (fields_of(postgres.dsn(database, role, "synthetic-1"), "reporting") for role in roles)
        query(writer, "insert into bksb.learner_contact values ('P1', 'Synthia', 'Sample', 's@x.example')")
        for forbidden in ("create table bksb.x ()", "drop table bksb.learner", "delete from bksb.schema_migration"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(writer, forbidden)
        for allowed in ("latest_result", "unmatched", "account_for_mis", "skill_summary", "daily_activity", "issue"):
            assert query(reader, f"select * from bksb.{allowed}") == []
        assert query(reader, "select result_raw from bksb.assessment_result") == []
        assert query(reader, "select * from bksb.skill_level_on(current_date)") == []
        for forbidden in (
            "select * from bksb.learner_contact",
            "select raw from bksb.assessment_result",
            "select * from bksb.first_password",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(reader, forbidden)
    finally:
        query(owner, f"drop owned by {', '.join(roles)}")
