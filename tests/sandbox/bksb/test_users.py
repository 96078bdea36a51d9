"""Usernames of the simulated bksb."""

import pytest

from sandbox.bksb.site import BksbSite
from sandbox.bksb.users import UsernameTakenError
from tests.sandbox.users import create_user


def test_usernames_ignore_case_but_keep_the_case_they_were_created_with(site: BksbSite) -> None:
    user = create_user(site, "Zoë.Mock")
    assert site.find("ZOË.MOCK") == user
    assert user.username == "Zoë.Mock"
    with pytest.raises(UsernameTakenError):
        create_user(site, "zoë.mock")


def test_a_rename_frees_the_old_username_and_keeps_id_and_results(site: BksbSite) -> None:
    user = site.users()[0]
    results = site.results(user.user_id, "initial")
    site.rename(user.user_id, "another.name")
    assert site.find(user.username) is None
    assert site.find("Another.Name") == site.user(user.user_id)
    assert site.results(user.user_id, "initial") == results
    site.rename(user.user_id, "ANOTHER.NAME")
    with pytest.raises(UsernameTakenError):
        site.rename(user.user_id, site.users()[1].username)
