"""Finds the SQL files: every statement of the project lives in `sql/`, one a file."""

from __future__ import annotations

from functools import cache

from bksb.errors import ConfigurationError
from bksb.folders import SQL_FOLDER


@cache
def read_sql(name: str) -> str:
    """The text of `sql/<name>.sql`, such as `people/merge_learners`."""
    path = SQL_FOLDER / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"sql/{name}.sql cannot be read ({error.strerror}): the folder sql/ has to stand beside plugins/."
        ) from None


def list_statements(folder: str) -> list[str]:
    """The statements in one folder of `sql/`, in the order of their names."""
    return sorted(f"{folder}/{path.stem}" for path in (SQL_FOLDER / folder).glob("*.sql"))
