"""Finds the project's files in a checkout, an image or an installed wheel, and the files that a site adds."""

from __future__ import annotations

import os
from pathlib import Path

from bksb.errors import ConfigurationError

VARIABLE = "BKSB_CONFIG"
"""The environment variable that names the folder of the site's own files."""

CHECK_FILE = "Check that the file exists and that the user of the Airflow processes may read it."
"""What to do about a file that cannot be read, for the end of a message."""

PACKAGE = Path(__file__).resolve().parent

CHECKOUT = None if (PACKAGE / "sql").is_dir() else PACKAGE.parents[1]
"""The folder that holds `plugins/`, `sql/` and `config/` in a checkout or an image. None for an installed wheel, which
has `sql/` inside the package."""

SQL_FOLDER = (CHECKOUT or PACKAGE) / "sql"
"""The SQL statements."""

DEFAULTS_FOLDER = PACKAGE / "defaults"
"""The words for levels and the mail templates that come with the project."""


def config_folder() -> Path | None:
    """Return the folder of the site's own files: the one in BKSB_CONFIG, else `config/` of the checkout or image.

    Returns None if there is neither. Raises ConfigurationError if BKSB_CONFIG is not the absolute path of a folder.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        own = Path(named)
        if not own.is_absolute() or not os.path.isdir(own):
            raise ConfigurationError(
                f"{VARIABLE} names {named}, which is not a folder with an absolute path. Set it to the absolute path "
                "of the folder with your own files, or unset it."
            )
        return own
    folder = CHECKOUT / "config" if CHECKOUT else None
    return folder if folder and os.path.isdir(folder) else None


def find_file(name: str, default: Path) -> Path:
    """Return the file to use: `name` (such as `levels.toml`) in the site's folder if it exists, else `default`.

    A file that exists and cannot be read is returned too: silently using the default would hide the mistake.
    """
    folder = config_folder()
    if folder is None:
        return default
    own = folder / name
    try:
        own.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return default
    except OSError as error:
        raise ConfigurationError(f"{shown(own)} cannot be read: {error.strerror}. {CHECK_FILE}") from None
    return own


def find_mis_query() -> Path:
    """Return the file with the query for eligible people: the site's own, else the one for the sandbox."""
    return find_file("eligible_learners.sql", SQL_FOLDER / "mis" / "eligible_learners.sql")


def shown(path: Path) -> str:
    """Return a path for messages: relative to the checkout, or absolute if it is outside."""
    return str(path.relative_to(CHECKOUT) if CHECKOUT and path.is_relative_to(CHECKOUT) else path)
