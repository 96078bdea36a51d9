"""The results of the users of the simulated bksb."""

import pytest

from sandbox.bksb.site import BksbSite
from sandbox.world.population import World
from sandbox.world.results import UNFINISHED
from tests.sandbox.users import create_user, find_user


def test_username_and_seed_determine_the_results(world: World) -> None:
    one, other = BksbSite(world), BksbSite(world)
    create_user(one, "another.user")
    mine, theirs = create_user(one, "the.same.name"), create_user(other, "The.Same.Name")
    assert [result.result for result in one.results(mine.user_id, "initial")] == [
        result.result for result in other.results(theirs.user_id, "initial")
    ]


@pytest.mark.parametrize(
    ("kind", "count"),
    [("no_results", 0), ("one_result", 1), ("sixty_results", 60), ("very_many_results", 230)],
)
def test_some_kinds_of_user_have_a_fixed_number_of_results(site: BksbSite, world: World, kind: str, count: int) -> None:
    user = find_user(site, world, kind)
    assert len(site.results(user.user_id, "initial")) == count
    assert len(site.results(user.user_id, "diagnostic")) == count


def test_an_added_result_is_sorted_by_date_and_can_be_edited_and_removed(site: BksbSite) -> None:
    user_id = site.users()[0].user_id
    before = site.results(user_id, "initial")
    newest = site.add_result(user_id, "initial", "Maths Level 2", "2026-11-23T09:00:00")
    oldest = site.add_result(user_id, "initial", "Maths Entry 1", "2001-01-01T09:00:00")
    after = site.results(user_id, "initial")
    assert (after[0].session_id, after[-1].session_id) == (newest, oldest)
    site.edit_result(user_id, "initial", newest, result="Maths Level 3", completed_raw="2000-01-01T09:00:00")
    last = site.results(user_id, "initial")[-1]
    assert (last.session_id, last.result) == (newest, "Maths Level 3")
    site.remove_result(user_id, "initial", newest)
    site.remove_result(user_id, "initial", oldest)
    assert site.results(user_id, "initial") == before
    with pytest.raises(KeyError):
        site.edit_result(user_id, "initial", newest, result="Maths Level 1")


def test_an_unfinished_session_is_listed_but_not_counted(site: BksbSite) -> None:
    user = site.users()[0]
    before = site.counts()
    session = site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", UNFINISHED)
    assert session in [one.session_id for one in site.results(user.user_id, "v5")]
    assert site.counts() == before
    assert before["initial"] == sum(len(site.results(one.user_id, "initial")) for one in site.users())
