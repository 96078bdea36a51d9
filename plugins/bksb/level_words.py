"""The words that bksb uses for subjects and levels: the defaults, and a site's own in `config/levels.toml`."""

from __future__ import annotations

from bksb import folders
from bksb.errors import ConfigurationError
from bksb.rules.levels import Vocabulary, read_vocabulary

OUR_WORDS = folders.DEFAULTS_FOLDER / "levels.toml"


def load_vocabulary() -> Vocabulary:
    """Load the tables of words. Raises ConfigurationError with the name of the file and what is wrong in it."""
    own = folders.find_file("levels.toml", OUR_WORDS)
    files = []
    for path in dict.fromkeys((OUR_WORDS, own)):
        try:
            files.append((folders.shown(path), path.read_bytes()))
        except OSError as error:
            raise ConfigurationError(
                f"{folders.shown(path)} cannot be read: {error.strerror}. {folders.CHECK_FILE}"
            ) from None
    return read_vocabulary(*files)
