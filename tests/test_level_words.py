"""The words for levels and subjects: a site's own words go before ours."""

import shutil

import pytest

from bksb.errors import ConfigurationError
from bksb.level_words import OUR_WORDS, load_vocabulary
from bksb.rules.levels import SCALE, read_initial, read_vocabulary
from tests.conftest import repository


def test_a_site_without_its_own_words_uses_the_defaults(config):
    assert load_vocabulary() == read_vocabulary(("ours", OUR_WORDS.read_bytes()))


def test_our_own_words_cover_every_level_of_the_scale(config):
    assert {code for code in load_vocabulary().levels.values() if code} == set(SCALE)


def test_a_sites_words_go_first_and_ours_still_apply(config):
    (config / "levels.toml").write_text('[levels]\nNONE = ["Below Level 1"]\nL1 = ["Working towards Level 2"]\n')
    tables = load_vocabulary()
    assert read_initial("Maths Below Level 1", "", "", tables).level_code is None
    assert read_initial("Maths Working towards Level 2", "", "", tables).level_code == "L1"
    assert read_initial("Maths Entry 3", "", "", tables).level_code == "E3"


def test_a_mistake_is_reported_with_the_path_of_the_file(config):
    (config / "levels.toml").write_text("[levels]\nL4 = ['Level 4']")
    with pytest.raises(ConfigurationError, match=rf"^{config}/levels\.toml has the level L4"):
        load_vocabulary()


def test_a_file_that_is_not_text_or_cannot_be_read_is_reported(config, monkeypatch):
    (config / "levels.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"/levels\.toml cannot be read"):
        load_vocabulary()
    (config / "levels.toml").unlink()
    (config / "levels.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"/levels\.toml cannot be read: Is a directory"):
        load_vocabulary()


def test_a_deployment_reads_its_words_once(config, deployment):
    before = deployment.vocabulary
    (config / "levels.toml").write_text("[levels]\nL1 = ['One']")
    assert deployment.vocabulary is before


def test_the_example_for_a_site_works(config):
    shutil.copy(repository() / "config" / "levels.toml.example", config / "levels.toml")
    assert read_initial("ESOL See tutor", "", "", load_vocabulary()).recognised
    assert not read_initial("ESOL See tutor", "", "", read_vocabulary(("ours", OUR_WORDS.read_bytes()))).recognised
