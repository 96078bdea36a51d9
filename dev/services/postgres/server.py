"""A private PostgreSQL for the demo and the tests: a real server, reachable from this machine only."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg2
from psycopg2 import sql

from dev.services import interrupts
from dev.services.errors import PostgresError
from dev.services.ports import free_port
from dev.services.postgres.binaries import find_binaries
from dev.services.postgres.data_folder import create_data, refuse_other_version
from dev.services.postgres.unprivileged import Account, OutsideFolder
from dev.services.processes import await_end, is_alive
from sandbox.files import write_private

START_SECONDS = 300


class Postgres:
    """A server with its data in a folder. Started again on the same folder, it has the same rows.

    After start(), `port` and `password` are set, for the superuser `user`. Also a context manager.
    """

    host = "127.0.0.1"
    user = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.port = 0
        self.password = ""
        self._state = self.folder / "server.json"
        self._outside = OutsideFolder(self.folder)

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with interrupts.held():
            self.stop()

    def start(self) -> Postgres:
        """Starts the server, or joins one that already runs on this folder. Takes about half a second."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._answers():
            return self
        try:
            self._remove_stale_server()
            binaries = find_binaries()
            account = self._outside.choose_account(binaries)
            if account.user:
                binaries = self._outside.move_in(binaries, account)
            self._create_data(binaries, account)
            with interrupts.held():
                self._launch(binaries, account)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops the server if it runs, and moves its data back into the folder."""
        process = _find_server(self._home / "data")
        if process:
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            if await_end([process], 30):
                process.send_signal(signal.SIGQUIT)
                await_end([process], 10)
        self._outside.move_back()

    def exists(self) -> bool:
        """Whether the server has data."""
        return (self._home / "data").exists()

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A libpq URI. The user is the superuser unless given."""
        if user is None:
            user, password = self.user, self.password
        account = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{account}@{self.host}:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str = "postgres") -> psycopg2.extensions.connection:
        """A connection of the superuser, in autocommit mode."""
        connection = psycopg2.connect(self.dsn(database), connect_timeout=60)
        connection.autocommit = True
        return connection

    def create_database(self, name: str, owner: str | None = None, template: str = "template1") -> None:
        """Creates a database. Copies the template as files, which takes milliseconds."""
        statement = sql.SQL("create database {} template {} owner {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner or self.user)
        )
        self._execute(statement)

    def drop_database(self, name: str) -> None:
        """Drops a database and closes its connections. Does nothing if it does not exist."""
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composable) -> None:
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    @property
    def _home(self) -> Path:
        """The folder that holds the data at present."""
        return self._outside.path if self._outside.has_data else self.folder

    def _answers(self) -> bool:
        """Whether the server of this folder runs and accepts the password of this folder."""
        lines = _read_pid_file(self._home / "data")
        if len(lines) < 4 or not self._state.exists() or not _find_server(self._home / "data"):
            return False
        self.port = int(lines[3])
        self.password = json.loads(self._state.read_text())["password"]
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _remove_stale_server(self) -> None:
        """Removes what is left of a killed server, because a new one would refuse to start."""
        process = _find_server(self._home / "data")
        if process:
            process.send_signal(signal.SIGQUIT)
            if await_end([process], 10):
                raise PostgresError(
                    f"a PostgreSQL (process {process.pid}) on {self.folder} does not answer and does not stop. "
                    f"Stop it with: kill -9 {process.pid}"
                )
        (self._home / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _create_data(self, binaries: Path, account: Account) -> None:
        """Creates the data folder unless it exists. An unfinished one is created again."""
        home = self._outside.path if account.user else self.folder
        if (home / "data").exists():
            refuse_other_version(home / "data", binaries, account)
            return
        password = secrets.token_urlsafe(18)
        draft = home / "data.new"
        create_data(draft, binaries, account, host=self.host, user=self.user, password=password)
        write_private(self._state, json.dumps({"password": password}))
        draft.rename(home / "data")

    def _launch(self, binaries: Path, account: Account) -> None:
        home = self._home
        log = home / "postgres.log"
        log.touch(mode=0o600)
        account.give(log)
        end = time.monotonic() + START_SECONDS
        while True:
            offset = log.stat().st_size
            account.run(
                *(binaries / "pg_ctl", "-D", home / "data", "-l", log, "-o", f"-p {free_port()}"),
                *("-w", "-t", str(START_SECONDS), "start"),
                cwd=home,
            )
            if self._answers():
                return
            output = log.read_bytes()[offset:].decode(errors="replace")
            is_port_taken = "Address already in use" in output or "still in use" in output
            if not is_port_taken or time.monotonic() > end:
                raise PostgresError(f"PostgreSQL did not start; its log ends with:\n{output.strip()[-2000:]}")


def _read_pid_file(data: Path) -> list[str]:
    """The lines of PostgreSQL's pid file: the process is the first, the port the fourth. Empty without the file."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _find_server(data: Path) -> psutil.Process | None:
    """The server's main process, if it runs. The pid file alone proves nothing: it survives a kill and a reboot."""
    lines = _read_pid_file(data)
    if not lines:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(int(lines[0]))
        if is_alive(process) and "postgres" in process.name() and str(data) in process.cmdline():
            return process
    return None
