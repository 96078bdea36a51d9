"""Where the project's files are, in a checkout, an image and an installed wheel, and which of them a site replaces."""

from __future__ import annotations

import os
from pathlib import Path

from bksb.errors import ConfigurationError

VARIABLE = "BKSB_CONFIG"
"""The environment variable that names the folder of the site's own files."""

PACKAGE = Path(__file__).resolve().parent

CHECKOUT = None if (PACKAGE / "sql").is_dir() else PACKAGE.parents[1]
"""The folder that holds `plugins/`, `sql/` and `config/`, in a checkout and in an image. None for an installed wheel,
which has `sql/` inside the package."""

SQL_FOLDER = (CHECKOUT or PACKAGE) / "sql"
"""Every SQL statement."""

DEFAULTS_FOLDER = PACKAGE / "defaults"
"""The words for levels and the mail templates that come with the project."""


def config_folder() -> Path | None:
    """The folder of the site's own files: the one that BKSB_CONFIG names, else `config/` of the checkout or image.

    None where there is neither. ConfigurationError if BKSB_CONFIG names no folder.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        own = Path(named)
        if not own.is_absolute() or not os.path.isdir(own):
            raise ConfigurationError(
                f"{VARIABLE} names {named}, which is not a folder: give it the whole path of the folder with your own "
                "files, from the first slash on, or unset it."
            )
        return own
    folder = CHECKOUT / "config" if CHECKOUT else None
    return folder if folder and os.path.isdir(folder) else None


def find_file(name: str, default: Path) -> Path:
    """The file to use: `name` in the site's folder, such as `levels.toml`, if it is there, else `default`.

    A file that is there and cannot be read is still the one to use: the default must not take its place in silence.
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
        raise ConfigurationError(f"{shown(own)} cannot be read: {error.strerror}.") from None
    return own


def find_mis_query() -> Path:
    """The file with the query for eligible people: the site's, else the one that fits the sandbox."""
    return find_file("eligible_learners.sql", SQL_FOLDER / "mis" / "eligible_learners.sql")


def shown(path: Path) -> str:
    """A path as messages name it: from the checkout on, or whole if it is elsewhere."""
    return str(path.relative_to(CHECKOUT) if CHECKOUT and path.is_relative_to(CHECKOUT) else path)
