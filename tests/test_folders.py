"""A site's own file replaces the default, file by file, and is never skipped."""

import shutil
import subprocess

import pytest

from bksb import folders
from bksb.errors import ConfigurationError
from tests.conftest import repository


def test_a_checkout_uses_its_own_config_folder(monkeypatch):
    monkeypatch.delenv("BKSB_CONFIG", raising=False)
    assert folders.config_folder() == repository() / "config"
    monkeypatch.setenv("BKSB_CONFIG", "  ")
    assert folders.config_folder() == repository() / "config"


def test_a_sites_file_is_used_and_otherwise_the_default(config):
    ours = folders.SQL_FOLDER / "mis" / "eligible_learners.sql"
    assert folders.find_mis_query() == ours and ours.is_file()
    (config / "eligible_learners.sql").write_text("select 1")
    assert folders.find_mis_query() == config / "eligible_learners.sql"
    assert folders.find_file("levels.toml", ours) == ours
    (config / "eligible_learners.sql").unlink()
    assert folders.find_mis_query() == ours


def test_a_sites_file_that_cannot_be_read_is_not_replaced_by_the_default(config):
    (config / "levels.toml").symlink_to(config / "not there")
    assert folders.find_file("levels.toml", folders.DEFAULTS_FOLDER) == config / "levels.toml"
    (config / "eligible_learners.sql").mkdir()
    assert folders.find_mis_query() == config / "eligible_learners.sql"


def test_a_name_that_is_too_long_is_an_error(config):
    with pytest.raises(ConfigurationError, match="cannot be read: File name too long"):
        folders.find_file("x" * 300, folders.DEFAULTS_FOLDER)


def test_a_file_in_place_of_a_folder_leaves_the_default(config):
    (config / "templates").rmdir()
    (config / "templates").write_text("")
    assert folders.find_file("templates/reminder.txt", folders.DEFAULTS_FOLDER) == folders.DEFAULTS_FOLDER


@pytest.mark.parametrize("named", ["/no/such/folder", "config", __file__])
def test_the_error_for_a_wrong_bksb_config_says_what_to_do(named, monkeypatch):
    monkeypatch.chdir(repository())
    monkeypatch.setenv("BKSB_CONFIG", named)
    for ask in (folders.config_folder, folders.find_mis_query):
        with pytest.raises(ConfigurationError, match=rf"BKSB_CONFIG names {named}.*absolute path"):
            ask()


def test_messages_name_a_path_relative_to_the_checkout_or_in_full(config):
    assert folders.shown(repository() / "config" / "levels.toml") == "config/levels.toml"
    assert folders.shown(config / "levels.toml") == f"{config}/levels.toml"


def test_git_ignores_a_sites_own_files_but_not_the_examples():
    git = shutil.which("git")
    if git is None or not (repository() / ".git").exists():
        pytest.skip("needs a git checkout")
    own = ["eligible_learners.sql", "levels.toml", "templates/invitation.txt", "more/notes.txt"]
    kept = ["README.md", "levels.toml.example", "templates/invitation.txt.example"]
    told = subprocess.run(
        [git, "-c", "safe.directory=*", "check-ignore", "--no-index", *(f"config/{name}" for name in own + kept)],
        cwd=repository(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == [f"config/{name}" for name in own], told.stderr
