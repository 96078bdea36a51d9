"""A folder stores which world it holds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from sandbox.world.storage import WorldMismatchError, load_or_create, london_today

MONDAY = date(2026, 11, 23)


def test_a_later_start_has_the_same_people(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "new", 30, MONDAY)
    assert load_or_create(tmp_path / "new") == first
    assert load_or_create(tmp_path / "new", 30) == first


def test_a_new_folder_holds_600_people_and_begins_today(tmp_path: Path) -> None:
    world = load_or_create(tmp_path)
    assert (world.learners, world.today) == (600, london_today())


def test_a_different_number_of_people_is_refused_with_what_to_do(tmp_path: Path) -> None:
    load_or_create(tmp_path, 30, MONDAY)
    with pytest.raises(WorldMismatchError, match=r"holds 30 people, not 40\. .* --reset"):
        load_or_create(tmp_path, 40)


def test_a_different_first_day_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path, 30, MONDAY)
    with pytest.raises(WorldMismatchError, match=r"began on 2026-11-23, not on 2026-11-24"):
        load_or_create(tmp_path, today=date(2026, 11, 24))


def test_a_world_without_people_is_refused_and_not_stored(tmp_path: Path) -> None:
    with pytest.raises(WorldMismatchError, match="at least 1 person"):
        load_or_create(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"learners": 3}', '{"learners": 3, "today": "x", "seed": 1}'])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "world.json").write_text(content)
    with pytest.raises(WorldMismatchError, match="--reset"):
        load_or_create(tmp_path)


def test_concurrent_starts_get_the_same_world(tmp_path: Path) -> None:
    def start(learners: int) -> int | None:
        try:
            return load_or_create(tmp_path, learners, MONDAY).learners
        except WorldMismatchError:
            return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(start, [20, 30] * 8))
    assert outcomes in ({20, None}, {30, None})
    assert [path.name for path in tmp_path.iterdir()] == ["world.json"]
