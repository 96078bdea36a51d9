"""Creates the data folder of an embedded PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from dev.services.errors import PostgresError
from dev.services.postgres.unprivileged import Account
from sandbox.files import write_private

SETTINGS = {
    "unix_socket_directories": ".",  # the data folder, which is private; an absolute path may be too long
    "max_connections": 200,
    "fsync": "off",
    "full_page_writes": "off",  # synchronous_commit stays on, or kill -9 would lose commits
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def create_data(draft: Path, binaries: Path, account: Account, *, host: str, user: str, password: str) -> None:
    """Empties the folder and runs initdb on it. Its server listens on `host` and requires the password."""
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.give(draft)
    password_file = draft.with_name("password")
    write_private(password_file, password)
    if account.user:
        os.chown(password_file, account.user.pw_uid, account.user.pw_gid)
    builtin = major_version(binaries, account) >= 17
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if builtin else []
    made = account.run(
        binaries / "initdb",
        *("--pgdata", draft, "--username", user, "--pwfile", password_file),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", *locale, "--no-sync"),
        cwd=draft.parent,
    )
    password_file.unlink()
    if made.returncode:
        raise PostgresError(f"initdb of {binaries} failed:\n{made.stdout.strip()}")
    with (draft / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in {"listen_addresses": host, **SETTINGS}.items())


def refuse_other_version(data: Path, binaries: Path, account: Account) -> None:
    """Raises PostgresError if another major version than that of the binaries made the folder."""
    found, major = (data / "PG_VERSION").read_text().strip(), major_version(binaries, account)
    if found != str(major):
        raise PostgresError(
            f"the data was made by PostgreSQL {found}, but the binaries are {major}. "
            f"Start over with ./run demo --reset, or set PG_BIN to the bin folder of a PostgreSQL {found}."
        )


def major_version(binaries: Path, account: Account) -> int:
    """The major version of the binaries, such as 16."""
    answer = account.run(binaries / "postgres", "--version", cwd=Path("/"))
    match = re.search(r"\) (\d+)", answer.stdout)
    if match is None:
        raise PostgresError(f"{binaries / 'postgres'} does not run here: {answer.stdout.strip()}")
    return int(match[1])
