"""Created users survive a restart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.bksb.journal import FolderInUseError
from sandbox.bksb.site import BksbSite
from sandbox.world.population import World
from tests.sandbox.users import create_user


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


def test_a_second_start_finds_users_and_results(kept_site: BksbSite, world: World, folder: Path) -> None:
    created = create_user(kept_site, "Łucja O'Mock\u2028\n")
    users, results = kept_site.users(), kept_site.results(created.user_id, "initial")
    second = restarted(kept_site, world, folder)
    assert second.users() == users
    assert second.results(created.user_id, "initial") == results
    assert create_user(second, "the next one").user_id == created.user_id + 1
    second.close()


def test_a_line_cut_short_by_a_crash_is_dropped_and_overwritten(
    kept_site: BksbSite, world: World, folder: Path
) -> None:
    create_user(kept_site, "whole")
    (journal,) = folder.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"user_id": 9999, "usern')
    second = restarted(kept_site, world, folder)
    create_user(second, "after the crash")
    third = restarted(second, world, folder)
    assert [user.username for user in third.users()][-2:] == ["whole", "after the crash"]
    third.close()


def test_a_password_is_not_on_disk_but_can_be_checked(kept_site: BksbSite, world: World, folder: Path) -> None:
    user = create_user(kept_site, "secretive", "Correct-Horse-9")
    second = restarted(kept_site, world, folder)
    user_again = second.user(user.user_id)
    assert user_again is not None
    assert user_again.has_password("Correct-Horse-9")
    assert not user_again.has_password("correct-horse-9")
    assert not second.users()[0].has_password("")
    second.close()
    for path in folder.rglob("*"):
        assert b"Correct-Horse-9" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("kept_site")
def test_a_folder_serves_one_site_at_a_time(world: World, folder: Path) -> None:
    with pytest.raises(FolderInUseError, match="Stop that one first"):
        BksbSite(world, folder)


def test_the_journal_has_one_json_object_per_line(kept_site: BksbSite, folder: Path) -> None:
    create_user(kept_site, "readable")
    (journal,) = folder.glob("*.jsonl")
    (line,) = journal.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["username"] == "readable"
