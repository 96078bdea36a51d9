"""The state behind the pretend bksb."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.bksb.site import BksbSite, FolderInUseError, User, UsernameTakenError
from sandbox.world.people import invent
from sandbox.world.population import World
from sandbox.world.results import LEVELS, ODD_RESULTS, UNFINISHED, UNKNOWN_RESULTS

TODAY = date(2026, 11, 23)


@pytest.fixture
def site(world: World) -> BksbSite:
    return BksbSite(world)


@pytest.fixture(scope="module")
def big_site() -> BksbSite:
    return BksbSite(invent(3000, TODAY))


def create(site: BksbSite, username: str, password: str = "a good password") -> User:
    return site.create_user(
        username, "Mockingly", "Sample", f"{username}@learner.example", password, date(2001, 2, 3), True
    )


def user_of(site: BksbSite, world: World, kind: str) -> User:
    user = site.find(world.person(world.people_of(kind)[0]).bksb_username or "")
    assert user is not None
    return user


# Users


def test_the_accounts_of_the_world_are_there_from_the_start(site: BksbSite, world: World) -> None:
    assert [user.username for user in site.users()] == [account.username for account in world.accounts]


def test_a_username_is_found_and_refused_whatever_its_case_and_keeps_its_own(site: BksbSite) -> None:
    user = create(site, "Zoë.Mock")
    assert site.find("ZOË.MOCK") == user
    assert user.username == "Zoë.Mock"
    with pytest.raises(UsernameTakenError):
        create(site, "zoë.mock")


def test_a_rename_frees_the_old_name_and_keeps_id_and_results(site: BksbSite) -> None:
    user = site.users()[0]
    results = site.results(user.user_id, "initial")
    site.rename(user.user_id, "another.name")
    assert site.find(user.username) is None
    assert site.find("Another.Name") == site.user(user.user_id)
    assert site.results(user.user_id, "initial") == results
    site.rename(user.user_id, "ANOTHER.NAME")
    with pytest.raises(UsernameTakenError):
        site.rename(user.user_id, site.users()[1].username)


def test_merged_users_become_one_with_the_results_of_both(site: BksbSite, world: World) -> None:
    kept, merged = user_of(site, world, "one_result"), user_of(site, world, "sixty_results")
    site.merge(kept.user_id, merged.user_id)
    assert site.find(merged.username) is None
    assert site.user(merged.user_id) is None
    results = site.results(kept.user_id, "initial")
    assert len(results) == 61
    assert [result.completed_raw for result in results] == sorted((one.completed_raw for one in results), reverse=True)
    with pytest.raises(KeyError):
        site.results(merged.user_id, "initial")


# Over restarts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


def restarted(site: BksbSite, world: World, folder: Path) -> BksbSite:
    site.close()
    return BksbSite(world, folder)


@pytest.fixture
def kept_site(world: World, folder: Path) -> Iterator[BksbSite]:
    site = BksbSite(world, folder)
    yield site
    site.close()


def test_a_second_start_is_the_second_day(kept_site: BksbSite, world: World, folder: Path) -> None:
    created = create(kept_site, "Łucja O'Mock\u2028\n")
    users, results = kept_site.users(), kept_site.results(created.user_id, "initial")
    second = restarted(kept_site, world, folder)
    assert second.users() == users
    assert second.results(created.user_id, "initial") == results
    assert create(second, "the next one").user_id == created.user_id + 1
    second.close()


def test_a_line_cut_short_by_a_crash_is_dropped_and_its_place_used_again(
    kept_site: BksbSite, world: World, folder: Path
) -> None:
    create(kept_site, "whole")
    (journal,) = folder.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"user_id": 9999, "usern')
    second = restarted(kept_site, world, folder)
    create(second, "after the crash")
    third = restarted(second, world, folder)
    assert [user.username for user in third.users()][-2:] == ["whole", "after the crash"]
    third.close()


def test_a_password_is_nowhere_on_disk_yet_can_be_checked(kept_site: BksbSite, world: World, folder: Path) -> None:
    user = create(kept_site, "secretive", "Correct-Horse-9")
    second = restarted(kept_site, world, folder)
    assert second.has_password(user.user_id, "Correct-Horse-9")
    assert not second.has_password(user.user_id, "correct-horse-9")
    assert not second.has_password(second.users()[0].user_id, "")
    second.close()
    for path in folder.rglob("*"):
        assert b"Correct-Horse-9" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("kept_site")
def test_a_folder_serves_one_site_at_a_time(world: World, folder: Path) -> None:
    with pytest.raises(FolderInUseError, match="stop that one first"):
        BksbSite(world, folder)


# Results


def test_results_depend_on_username_and_seed_only(world: World) -> None:
    one, other = BksbSite(world), BksbSite(world)
    create(one, "somebody.first")
    mine, theirs = create(one, "the.same.name"), create(other, "The.Same.Name")
    assert [result.result for result in one.results(mine.user_id, "initial")] == [
        result.result for result in other.results(theirs.user_id, "initial")
    ]


@pytest.mark.parametrize(
    ("kind", "count"),
    [("no_results", 0), ("one_result", 1), ("sixty_results", 60), ("very_many_results", 230)],
)
def test_some_users_have_a_number_of_results_fixed_by_their_kind(
    site: BksbSite, world: World, kind: str, count: int
) -> None:
    user = user_of(site, world, kind)
    assert len(site.results(user.user_id, "initial")) == count
    assert len(site.results(user.user_id, "diagnostic")) == count


def test_results_are_newest_first_and_never_after_the_anchor_date(big_site: BksbSite) -> None:
    eve = (TODAY - timedelta(days=1)).isoformat()
    dates = []
    for user in big_site.users():
        initial = [result.completed_raw for result in big_site.results(user.user_id, "initial")]
        diagnostic = [result.completed_raw for result in big_site.results(user.user_id, "diagnostic")]
        started = [session.started_raw for session in big_site.results(user.user_id, "v5")]
        for one_list in (initial, diagnostic, started):
            assert one_list == sorted(one_list, reverse=True)
        dates += initial + diagnostic
    assert max(dates)[:10] == eve
    assert sum(raw.startswith(eve) for raw in dates) > 20
    assert all(datetime.fromisoformat(raw[:19]) for raw in dates)
    assert {len(raw.partition(".")[2]) for raw in dates} == {0, 3, 7}


def test_session_ids_are_unique_over_all_users_and_sources(big_site: BksbSite) -> None:
    ids = []
    for user in big_site.users():
        for results in (
            big_site.results(user.user_id, "initial"),
            big_site.results(user.user_id, "diagnostic"),
            big_site.results(user.user_id, "v5"),
        ):
            ids += [result.session_id for result in results]
    assert len(ids) == len(set(ids))
    assert max(ids) < 2**31


def test_initial_results_use_the_words_of_bksb_and_a_few_that_nobody_knows(big_site: BksbSite) -> None:
    texts = {result.result for user in big_site.users() for result in big_site.results(user.user_id, "initial")}
    levelled = {f"{subject} {level}" for subject in ("English", "Maths", "Mathematics", "ICT") for level in LEVELS[1:]}
    assert texts == levelled | set(ODD_RESULTS) | set(UNKNOWN_RESULTS)


def test_diagnostic_results_are_percentages_written_in_three_ways(big_site: BksbSite) -> None:
    results = [one for user in big_site.users() for one in big_site.results(user.user_id, "diagnostic")]
    assert {type(one.result) for one in results} == {str, int}
    assert {str(one.result).endswith("%") for one in results if isinstance(one.result, str)} == {True, False}
    assert {int(str(one.result).rstrip("%")) for one in results} == set(range(101))
    assert all(re.fullmatch(r"(English|Maths) (E2|E3|L1|L2|L3) Diagnostic", one.assessment_name) for one in results)


def test_v5_sessions_are_finished_with_components_or_unfinished_without(big_site: BksbSite) -> None:
    sessions = [one for user in big_site.users() for one in big_site.results(user.user_id, "v5")]
    assert {session.assessment_type for session in sessions} == {1, 2}
    assert {session.course_subject for session in sessions} == {"ENG_NEW", "MATHS_NEW"}
    for session in sessions:
        assert session.finished == (session.completed_raw != UNFINISHED) == bool(session.components)
    assert {session.finished for session in sessions} == {True, False}


def test_an_added_result_takes_its_place_by_date_and_can_be_edited_and_removed(site: BksbSite) -> None:
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


def test_an_added_session_is_counted_by_its_components_once_it_is_finished(site: BksbSite) -> None:
    user = site.users()[0]
    before = site.counts()
    session = site.add_session(user.user_id, "ENG_NEW", 1, "2026-11-22T09:00:00", UNFINISHED)
    assert session in [one.session_id for one in site.results(user.user_id, "v5")]
    assert site.counts() == before
    assert before["initial"] == sum(len(site.results(one.user_id, "initial")) for one in site.users())


def test_the_journal_is_plain_json_lines(kept_site: BksbSite, folder: Path) -> None:
    create(kept_site, "readable")
    (journal,) = folder.glob("*.jsonl")
    (line,) = journal.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["username"] == "readable"
