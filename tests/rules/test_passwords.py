"""Passwords derived from a secret: easy to type, one per person, and always the same."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bksb.rules.passwords import derive_password, setting_digest
from bksb.settings import Settings

SECRET = "a secret of some length"


def test_the_derivation_never_changes_because_passwords_have_been_sent():
    assert derive_password(SECRET, "L1234") == "Cpp3-Ccx4-Jdx2"


@given(st.text(min_size=1, max_size=256))
def test_a_password_has_upper_case_lower_case_and_digits_and_nothing_hard_to_tell_apart(username):
    password = derive_password(SECRET, username)
    assert re.fullmatch(r"[A-Z][a-z]{2}[0-9](-[A-Z][a-z]{2}[0-9]){2}", password)
    assert not set(password.lower()) & set("aeiouylsz015f")


def test_a_password_depends_on_the_secret_and_the_username_but_not_on_its_case():
    assert derive_password(SECRET, "straße") == derive_password(SECRET, "STRASSE")
    assert derive_password(SECRET, "L1") != derive_password(SECRET, "L2")
    assert derive_password(SECRET, "L1") != derive_password(SECRET + "!", "L1")
    assert len({derive_password(SECRET, f"L{number}") for number in range(2000)}) == 2000


def test_every_password_setting_has_its_own_digest_of_four_digits():
    settings = [
        Settings(default_password=SECRET),
        Settings(default_password=SECRET + "!"),
        Settings(password_secret=SECRET),
        Settings(password_secret=SECRET + "!"),
    ]
    digests = [one.password_setting_digest() for one in settings]
    assert len(set(digests)) == 4 and all(re.fullmatch("[0-9a-f]{4}", digest or "") for digest in digests)
    assert Settings(default_password="x" * 8, password_secret=SECRET).password_setting_digest() == digests[2]
    assert Settings().password_setting_digest() is None


def test_the_digest_of_a_setting_never_changes_because_it_is_stored():
    assert setting_digest(f"default {SECRET}") == "162f"
