"""The invented people: the same each time, obviously invented, and of every kind."""

import re

import pytest

from sandbox.world.people import invent
from sandbox.world.population import Kind
from sandbox.world.results import ResultInventor
from tests.sandbox.conftest import TODAY


def test_the_same_arguments_invent_the_same_world() -> None:
    assert invent(150, TODAY) == invent(150, TODAY)
    assert invent(150, TODAY) != invent(150, TODAY, seed=1)


@pytest.mark.parametrize("learners", [1, 2, 7, 79, 100, 101, 601])
def test_a_world_has_exactly_the_people_asked_for(learners: int) -> None:
    world = invent(learners, TODAY)
    assert len({person.person_id for person in world.people}) == learners
    assert set(world.kinds) == {person.person_id for person in world.people}


def test_a_world_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 person"):
        invent(0, TODAY)


@pytest.mark.parametrize("learners", [1, 2, 7, 122, 123, 124, 600])
def test_every_world_holds_the_person_of_the_documents(learners: int) -> None:
    world = invent(learners, TODAY)
    person = world.person("P000123")
    assert world.people_of(Kind.EXAMPLE) == ("P000123",)
    assert (person.forenames, person.surname, person.bksb_username) == ("Ada", "Lovelace", "ada.lovelace")
    assert "P000123" in world.eligible_on(TODAY)
    assert "ada.lovelace" in {account.username for account in world.accounts}
    assert ResultInventor("ada.lovelace", world.seed, TODAY, 1).invent_initial_results()


@pytest.mark.parametrize("learners", [100, 600])
def test_every_kind_is_there_from_100_people_on(learners: int) -> None:
    world = invent(learners, TODAY)
    assert [kind for kind in Kind if not world.people_of(kind)] == []


def test_most_of_600_people_are_ordinary_learners_without_an_account() -> None:
    assert len(invent(600, TODAY).people_of("plain")) > 300


def test_everybody_is_obviously_invented() -> None:
    for person in invent(2000, TODAY).people:
        for address in re.findall(r"@+([\w.]+)", person.email or ""):
            assert address.lower().endswith(".example")


def test_learn_ref_numbers_are_such_as_the_ilr_allows() -> None:
    for person in invent(2000, TODAY).people:
        assert person.learn_ref_number is None or re.fullmatch(r"[A-Za-z0-9 ]{1,12}", person.learn_ref_number)
