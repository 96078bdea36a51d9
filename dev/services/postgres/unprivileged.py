"""Runs PostgreSQL for root, although it refuses root: in a user namespace, or as another account."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.services.errors import PostgresError

NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """Runs the server's programs as this user. For root: behind the command `prefix`, or as `user`."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs a program. The result has both of its outputs in `stdout`."""
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
        """Makes the account the owner of the folder and everything in it."""
        if self.user:
            _change_owner(folder, self.user.pw_uid, self.user.pw_gid)


class OutsideFolder:
    """A folder outside the clone for data and programs, if the server's account cannot reach a private folder."""

    def __init__(self, private: Path) -> None:
        self._private = private
        name = hashlib.sha256(str(private).encode()).hexdigest()[:12]
        self.path = Path("/var/tmp") / f"bksb-sync-{name}"  # noqa: S108 - refused unless it is ours, see move_in()

    @property
    def has_data(self) -> bool:
        """Whether the data is here at present and not in the private folder."""
        return (self.path / "data").exists()

    def choose_account(self, binaries: Path) -> Account:
        """The account that can run the server. If it has a `user`, call `move_in` first."""
        if os.geteuid() != 0:
            return Account()
        reachable = ["sh", "-c", 'test -w "$1" && test -x "$2"', "sh", str(self._private), f"{binaries}/postgres"]
        if shutil.which("unshare") and not self.has_data:
            probe = subprocess.run([*NAMESPACE, *reachable], check=False, capture_output=True)
            if probe.returncode == 0:
                return Account(prefix=NAMESPACE)
        try:
            return Account(user=pwd.getpwnam(UNPRIVILEGED))
        except KeyError:
            raise PostgresError(
                f"PostgreSQL does not run as root, and this machine has neither user namespaces nor an account "
                f"{UNPRIVILEGED!r}. Run this command as an ordinary user."
            ) from None

    def move_in(self, binaries: Path, account: Account) -> Path:
        """Moves the data here and copies the programs, until move_back(). Returns the folder with the programs."""
        base = self.path
        base.mkdir(mode=0o755, exist_ok=True)
        found = base.lstat()
        if base.is_symlink() or found.st_uid != os.geteuid():
            raise PostgresError(f"{base} belongs to another user. Remove it and try again.")
        base.chmod(0o755)
        if not self.has_data and (self._private / "data").exists():
            shutil.move(self._private / "data", base / "data.moving")
            (base / "data.moving").rename(base / "data")
        if self.has_data:
            account.give(base / "data")
        if binaries.is_relative_to("/usr"):
            return binaries
        return self._copy(binaries)

    def _copy(self, binaries: Path) -> Path:
        shutil.rmtree(self.path / "bin", ignore_errors=True)
        package = binaries.parents[1]
        libraries = package.with_name(package.name + ".libs")
        copy = self.path / "bin" / package.name / binaries.parent.name
        shutil.copytree(binaries.parent, copy, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, self.path / "bin" / libraries.name, symlinks=True)
        for path in (self.path / "bin", *(self.path / "bin").rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if os.access(path, os.X_OK) else 0o444))
        return copy / "bin"

    def move_back(self) -> None:
        """Moves the data back into the private folder, and deletes this folder."""
        if not self.path.exists():
            return
        if self.has_data:
            shutil.rmtree(self._private / "data", ignore_errors=True)
            shutil.move(self.path / "data", self._private / "data")
            _change_owner(self._private / "data", os.geteuid(), os.getegid())
        shutil.rmtree(self.path, ignore_errors=True)


def _change_owner(folder: Path, user: int, group: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)
