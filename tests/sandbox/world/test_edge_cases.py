"""Edge cases match the description of their kind."""

from collections import Counter

from sandbox.world.people import invent
from sandbox.world.population import World
from tests.sandbox.conftest import TODAY


def test_only_pairs_share_an_address_or_a_learn_ref_number() -> None:
    world = invent(2000, TODAY)
    may_share = {
        *world.people_of("shared_email"),
        *world.people_of("shared_email_other_case"),
        *world.people_of("applicant_transferred"),
        *world.people_of("malformed_email"),
        *world.people_of("same_learn_ref_number"),
    }
    others = [person for person in world.people if person.person_id not in may_share]
    for values in (
        Counter(person.email.lower() for person in others if person.email and person.email.strip()),
        Counter(person.learn_ref_number for person in others if person.learn_ref_number),
    ):
        assert [value for value, count in values.items() if count > 1] == []


def test_pairs_share_the_value_that_their_kind_names(world: World) -> None:
    one, other = (world.person(person_id) for person_id in world.people_of("shared_email"))
    assert one.email == other.email
    one, other = (world.person(person_id) for person_id in world.people_of("shared_email_other_case"))
    assert one.email != other.email
    assert (one.email or "").lower() == (other.email or "").lower()
    one, other = (world.person(person_id) for person_id in world.people_of("stored_on_two_people"))
    assert one.bksb_username == other.bksb_username is not None
    (learner,) = world.people_of("transferred_learner")
    assert (world.person(learner).former_person_id,) == world.people_of("applicant_transferred")


def test_bksb_has_the_accounts_that_the_kinds_need(world: World) -> None:
    usernames = {account.username for account in world.accounts}
    folded = {username.lower() for username in usernames}
    assert len(folded) == len(usernames)
    for person_id in world.people_of("stored_username"):
        assert world.person(person_id).bksb_username in usernames
    (other_case,) = (world.person(person_id) for person_id in world.people_of("stored_in_other_case"))
    assert other_case.bksb_username not in usernames
    assert (other_case.bksb_username or "").lower() in folded
    (unknown,) = (world.person(person_id) for person_id in world.people_of("stored_but_unknown"))
    assert (unknown.bksb_username or "").lower() not in folded
    (taken,) = (world.person(person_id) for person_id in world.people_of("username_taken"))
    assert taken.bksb_username is None
    assert taken.learn_ref_number in usernames
    (taken,) = (world.person(person_id) for person_id in world.people_of("username_taken_in_other_case"))
    assert taken.learn_ref_number not in usernames
    assert (taken.learn_ref_number or "").lower() in folded
