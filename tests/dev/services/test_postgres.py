"""The embedded PostgreSQL keeps its rows and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

from dev.services.errors import PostgresError
from dev.services.postgres.server import Postgres
from dev.services.postgres.unprivileged import OutsideFolder

AS_ROOT = os.geteuid() == 0


def rows(server: Postgres, query: str) -> list[tuple[object, ...]]:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def postmaster(folder: Path) -> psutil.Process:
    (pid_file,) = (path for path in pid_files(folder) if path.exists())
    return psutil.Process(int(pid_file.read_text().splitlines()[0]))


def pid_files(folder: Path) -> list[Path]:
    return [base / "data" / "postmaster.pid" for base in (folder, OutsideFolder(folder).path)]


@pytest.fixture(
    params=[
        "as found",
        pytest.param("without user namespaces", marks=pytest.mark.skipif(not AS_ROOT, reason="applies to root only")),
    ]
)
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a server, on a machine with and without user namespaces."""
    if request.param == "without user namespaces":
        for tool in ("sh", "chmod"):
            (tmp_path / "bin").mkdir(exist_ok=True)
            (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "a server"


def test_a_server_started_again_has_the_same_rows_and_leaves_nothing_behind(folder: Path) -> None:
    with Postgres(folder) as server:
        rows(server, "create table kept as select 42 as answer")
        process = postmaster(folder)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert not OutsideFolder(folder).path.exists()
    with Postgres(folder) as server:
        assert rows(server, "select answer from kept") == [(42,)]


def test_a_killed_server_starts_again_with_its_rows(folder: Path) -> None:
    server = Postgres(folder).start()
    try:
        rows(server, "create table kept as select 42 as answer")
        postmaster(folder).kill()
        with Postgres(folder) as again:
            assert rows(again, "select answer from kept") == [(42,)]
    finally:
        server.stop()


def test_a_pid_file_with_the_number_of_another_process_does_not_prevent_the_start(folder: Path) -> None:
    with Postgres(folder):
        pass
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'data'}\n1\n1\n\n127.0.0.1\n")
    with Postgres(folder) as server:
        assert rows(server, "select 1") == [(1,)]


def test_data_of_another_version_is_refused_and_the_message_says_what_to_do(folder: Path) -> None:
    with Postgres(folder) as server:
        (ours,) = rows(server, "select current_setting('server_version_num')::int / 10000")[0]
    (folder / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresError, match=rf"made by PostgreSQL 9, but the binaries are {ours}\..*--reset.*PG_BIN"):
        Postgres(folder).start()
    assert not OutsideFolder(folder).path.exists()


def test_an_interrupted_initdb_starts_again(folder: Path) -> None:
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("16\n")
    with Postgres(folder) as server:
        assert rows(server, "select 1") == [(1,)]


def test_the_server_listens_on_this_machine_only_and_requires_its_password(folder: Path) -> None:
    with Postgres(folder) as server:
        assert rows(server, "show listen_addresses") == [("127.0.0.1",)]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(server.dsn("postgres", "postgres", "wrong"))
        assert (folder / "server.json").stat().st_mode & 0o077 == 0


def test_a_template_is_copied_into_a_new_database(folder: Path) -> None:
    with Postgres(folder) as server:
        server.create_database("template")
        with closing(psycopg2.connect(server.dsn("template"))) as connection, connection, connection.cursor() as cursor:
            cursor.execute("create table kept as select 42 as answer")
        server.create_database("copy", template="template")
        with closing(psycopg2.connect(server.dsn("copy"))) as connection, connection.cursor() as cursor:
            cursor.execute("select answer from kept")
            assert cursor.fetchall() == [(42,)]
        server.drop_database("copy")
        server.drop_database("copy")


def test_pg_bin_without_binaries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(PostgresError, match=r"PG_BIN is .*, but there is no initdb in it"):
        Postgres(tmp_path / "server").start()
