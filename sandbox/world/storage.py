"""Remembers which invented world a folder holds, so that tomorrow meets the same people as today."""

import json
import os
import secrets
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.world.people import DEFAULT_SEED, invent
from sandbox.world.population import World

WORLD_FILE = "world.json"
DEFAULT_LEARNERS = 600


def london_today() -> date:
    """The date in London, where the provider and its bksb are."""
    return datetime.now(ZoneInfo("Europe/London")).date()


class WorldMismatchError(ValueError):
    """The folder already holds another world than the one asked for."""


def load_or_create(folder: Path, learners: int | None = None, today: date | None = None) -> World:
    """The folder's world; the first call settles the number of people (600) and the anchor date (today).

    Asking a folder for another number of people or another anchor date than it holds is a WorldMismatchError.
    Processes that start together agree on one world.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WORLD_FILE
    if not path.exists():
        _write_once(
            path,
            {
                "learners": DEFAULT_LEARNERS if learners is None else learners,
                "today": (today or london_today()).isoformat(),
                "seed": DEFAULT_SEED,
            },
        )
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        held_learners, held_today, seed = (
            int(stored["learners"]),
            date.fromisoformat(stored["today"]),
            int(stored["seed"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WorldMismatchError(f"{path} cannot be read: reset the sandbox (./run demo --reset).") from error
    if learners is not None and learners != held_learners:
        raise WorldMismatchError(
            f"This sandbox holds {held_learners} people, not {learners}: "
            f"ask for {held_learners}, or reset it to begin again (./run demo --reset)."
        )
    if today is not None and today != held_today:
        raise WorldMismatchError(
            f"This sandbox began on {held_today}, not on {today}: leave the date out, or reset it (./run demo --reset)."
        )
    return invent(held_learners, held_today, seed)


def _write_once(path: Path, content: dict[str, object]) -> None:
    """Writes the file whole, unless another process was first."""
    if int(str(content["learners"])) < 1:
        raise WorldMismatchError(f"A sandbox needs at least 1 person, not {content['learners']}.")
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.write_text(json.dumps(content) + "\n", encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
