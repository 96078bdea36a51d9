"""Invents a world of people: the same people for the same arguments, with most kinds of edge case among them."""

import random
from datetime import date

from sandbox.world.edge_cases import list_edge_cases
from sandbox.world.population import Kind, World
from sandbox.world.world_builder import WorldBuilder, add_learner, add_learner_with_account

DEFAULT_SEED = 20_260_801
PEOPLE_PER_ROUND = 300
"""People in a world for each round of edge cases."""
STRANGERS_PER_ROUND = 3
"""bksb accounts of people who are not in the MIS."""


def invent(learners: int, today: date, seed: int = DEFAULT_SEED) -> World:
    """A world of exactly `learners` MIS people, the same for the same arguments.

    From about 100 people on it holds every kind; a smaller one holds the first kinds that fit. The others are
    ordinary learners in learning, one in eight with a bksb account that the MIS knows of. Every world holds P000123.
    """
    if learners < 1:
        raise ValueError(f"A world needs at least 1 person, not {learners}.")
    world = WorldBuilder(learners, today, random.Random(f"{seed}/people"))
    special = learners * 4 // 5
    for turn in range(max(1, learners // PEOPLE_PER_ROUND)):
        for size, add_people in list_edge_cases(world, turn):
            if size <= special:
                add_people()
                special -= size
        for number in range(turn * STRANGERS_PER_ROUND, (turn + 1) * STRANGERS_PER_ROUND):
            world.add_stranger(f"staff.{number:04d}")
    while world.room > 1:
        if world.rng.random() < 0.125:
            add_learner_with_account(world, Kind.STORED_USERNAME)
        else:
            add_learner(world, Kind.PLAIN)
    _add_example(world)
    return world.build(seed)


def _add_example(world: WorldBuilder) -> None:
    """P000123, last, so that the others are the same people as without her."""
    name = ("Ada", "Lovelace")
    add_learner_with_account(world, Kind.EXAMPLE, "ada.lovelace", name=name, email="ada.lovelace@learner.example")
