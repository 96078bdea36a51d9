"""Finds and creates users for the tests of the simulated bksb."""

from datetime import date

from sandbox.bksb.site import BksbSite
from sandbox.bksb.users import User
from sandbox.server import Sandbox
from sandbox.world.population import World


def find_user(site: BksbSite, world: World, kind: str) -> User:
    user = site.find(world.person(world.people_of(kind)[0]).bksb_username or "")
    assert user is not None
    return user


def user_of(sandbox: Sandbox, kind: str) -> User:
    return find_user(sandbox.site, sandbox.world, kind)


def create_user(site: BksbSite, username: str, password: str = "a good password") -> User:
    return site.create_user(
        username, "Mockingly", "Sample", f"{username}@learner.example", password, date(2001, 2, 3), True
    )
