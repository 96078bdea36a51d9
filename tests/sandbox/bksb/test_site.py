"""The users of the simulated bksb and their results."""

import pytest

from sandbox.bksb.site import BksbSite
from sandbox.world.population import World
from tests.sandbox.users import find_user


def test_a_new_site_has_the_accounts_of_its_world(site: BksbSite, world: World) -> None:
    assert [user.username for user in site.users()] == [account.username for account in world.accounts]


def test_merging_leaves_one_user_with_the_results_of_both(site: BksbSite, world: World) -> None:
    kept, merged = find_user(site, world, "one_result"), find_user(site, world, "sixty_results")
    site.merge(kept.user_id, merged.user_id)
    assert site.find(merged.username) is None
    assert site.user(merged.user_id) is None
    results = site.results(kept.user_id, "initial")
    assert len(results) == 61
    assert [result.completed_raw for result in results] == sorted((one.completed_raw for one in results), reverse=True)
    with pytest.raises(KeyError):
        site.results(merged.user_id, "initial")
