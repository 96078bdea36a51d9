"""Finds the SQL files. Every statement of the project is in `sql/`, one per file.

Files of `sql/migrations` and `sql/views` may hold several.
"""

from __future__ import annotations

from functools import cache

from bksb.errors import ConfigurationError
from bksb.folders import SQL_FOLDER


@cache
def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`, for a name such as `people/merge_learners`."""
    path = SQL_FOLDER / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"sql/{name}.sql cannot be read ({error.strerror}): the folder sql/ must be next to plugins/."
        ) from None


def list_statements(folder: str) -> list[str]:
    """Return the names of the statements in one folder of `sql/`, sorted."""
    return sorted(f"{folder}/{path.stem}" for path in (SQL_FOLDER / folder).glob("*.sql"))
