"""Stores which world a folder holds, so that a later start invents the same people."""

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
    """Return today's date in London, where the provider and its bksb are."""
    return datetime.now(ZoneInfo("Europe/London")).date()


class WorldMismatchError(ValueError):
    """The folder holds a different world from the requested one, or its world file is damaged."""


def load_or_create(folder: Path, learners: int | None = None, today: date | None = None) -> World:
    """Return the world of a folder. The first call sets its number of people (default 600) and anchor date (today).

    Raises WorldMismatchError if the folder holds another number of people or another anchor date. Processes that start
    at the same time get the same world.
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
        raise WorldMismatchError(f"{path} is damaged. Reset the sandbox: ./run demo --reset") from error
    if learners is not None and learners != held_learners:
        raise WorldMismatchError(
            f"This sandbox holds {held_learners} people, not {learners}. "
            "Leave --learners out, or start with a new sandbox: ./run demo --reset"
        )
    if today is not None and today != held_today:
        raise WorldMismatchError(
            f"This sandbox began on {held_today}, not on {today}. "
            "Leave --today out, or start with a new sandbox: ./run demo --reset"
        )
    return invent(held_learners, held_today, seed)


def _write_once(path: Path, content: dict[str, object]) -> None:
    """Write the file, unless another process has written it first."""
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
