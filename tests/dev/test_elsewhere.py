"""./run with connection variables: it uses those systems, and nothing of the sandbox."""

from __future__ import annotations

import json
from contextlib import closing

import psycopg2

from bksb.connection_fields import ConnectionFields, make_libpq_arguments
from sandbox.server import Sandbox
from tests.clones import Copy


def test_both_dags_run_on_the_systems_of_the_connections(
    fresh_clone: Copy, mis_fields: ConnectionFields, empty_database: str, sandbox: Sandbox
) -> None:
    connections = {
        "AIRFLOW_CONN_BKSB": json.dumps(
            {
                "conn_type": "bksb",
                "host": sandbox.url,
                "login": sandbox.access_key,
                "password": sandbox.secret_key,
                "extra": {"default_password": "Change-me-2026", "timezone": "Europe/London"},
            }
        ),
        "AIRFLOW_CONN_MIS": json.dumps(
            {
                "conn_type": "generic",
                "host": mis_fields.host,
                "port": mis_fields.port,
                "login": mis_fields.login,
                "password": mis_fields.password,
                "schema": mis_fields.database,
                "extra": dict(mis_fields.extra),
            }
        ),
        "AIRFLOW_CONN_REPORTING": empty_database.replace("postgresql://", "postgres://"),
    }
    with closing(psycopg2.connect(**make_libpq_arguments(mis_fields))) as mis, mis, mis.cursor() as cursor:
        cursor.execute("alter table person rename to people")
    written_for_the_sandbox = (fresh_clone.folder / "sql" / "mis" / "eligible_learners.sql").read_text()
    mis_query = fresh_clone.folder / "config" / "eligible_learners.sql"
    mis_query.write_text(written_for_the_sandbox.replace("from person\n", "from people as person\n"))
    before_migration = fresh_clone.run("sql", "select * from bksb.account", **connections)
    assert before_migration.returncode == 1
    assert "create them with the command migrate" in before_migration.stderr
    migrated = fresh_clone.run("migrate", **connections)
    assert migrated.returncode == 0, migrated.stderr
    # there is no mail server, and no one to approve
    options = ("--conf", '{"invite": false}', "--mark-success-pattern", "approve_plan")
    for command in (("bksb_accounts", *options), ("bksb_results",)):
        result = fresh_clone.run("airflow", "dags", "test", *command, **connections)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "state=success" in result.stdout + result.stderr
    with closing(psycopg2.connect(empty_database)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from bksb.account where state = 'active'")
        (accounts,) = cursor.fetchone() or (0,)
        cursor.execute("select count(*) from bksb.assessment_result")
        (results,) = cursor.fetchone() or (0,)
    mis_query.unlink()
    assert accounts > 0
    assert results > 0
    assert not (fresh_clone.folder / ".run" / "sandbox" / "server.json").exists()
