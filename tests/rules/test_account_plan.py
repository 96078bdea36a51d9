"""Account plans, made from rows alone."""

from dataclasses import replace

import pytest

from bksb.model import Account, Action, Person, Transfer
from bksb.rules import account_plan as plan_rules
from bksb.rules.account_plan import decide_after_lookup, is_email, make_plan


def person(person_id: str = "P1", **changes: object) -> Person:
    plain = Person(
        person_id=person_id,
        person_kind="learner",
        learn_ref_number=f"REF{person_id}",
        given_names="Synthia",
        family_name="Sample",
        email=f"{person_id}@learner.example",
        date_of_birth=None,
        bksb_username=None,
        proposed_username=f"REF{person_id}",
        programme="Test",
        programme_status="In Learning",
        start_on=None,
        ended_on=None,
    )
    return replace(plain, **changes)


def active(person_id: str, username: str, user_id: int) -> Account:
    return Account(person_id, username, user_id, "active", "created")


def codes(plan) -> set[tuple[str | None, str]]:
    return {(issue.person_id, issue.code) for issue in plan.issues}


def kinds(plan) -> dict[str, str]:
    return {action.person_id: action.kind for action in plan.actions}


def test_a_person_without_an_account_is_created_under_the_proposed_username():
    plan = make_plan([person()], [])
    assert [(a.person_id, a.kind, a.username) for a in plan.actions] == [("P1", "create", "REFP1")]
    assert plan.issues == ()


def test_a_person_with_a_stored_username_is_linked_and_needs_neither_email_nor_name():
    plan = make_plan([person(bksb_username="anna", email=None, given_names=None)], [])
    assert [(a.kind, a.username) for a in plan.actions] == [("link", "anna")]
    assert plan.issues == ()


@pytest.mark.parametrize("state", ["active", "stale"])
def test_a_person_with_an_account_is_left_alone(state):
    plan = make_plan([person()], [Account("P1", "REFP1", 7, state, "created")])
    assert plan.actions == () and plan.issues == ()


def test_every_reason_is_reported_not_just_the_first():
    plan = make_plan([person(email=None, family_name=None, proposed_username=None)], [])
    assert codes(plan) == {("P1", "no_email"), ("P1", "no_name"), ("P1", "no_username")}
    assert plan.actions == ()


@pytest.mark.parametrize(
    "email",
    [
        *("nobody", "a@b", "two@at@x.example", "with blank@x.example", "a@x.example, b@x.example"),
        # header parsers reduce each of these to a different address
        *("box@x.example(mum)", "mailto:box@x.example", "a:b@x.example", "ada@x.ex:ample", "ada@[1.2.3.4].x"),
        *("=?utf-8?q?bob?=@x.example", "a\\b@x.example"),
    ],
)
def test_a_malformed_address_counts_as_missing(email):
    assert codes(make_plan([person(email=email)], [])) == {("P1", "no_email")}
    assert not is_email(email)


def test_a_username_that_is_too_long_is_not_used():
    for too_long in ("x" * 2001, "\u5b66" * 667):
        assert codes(make_plan([person(proposed_username=too_long)], [])) == {("P1", "no_username")}
        assert codes(make_plan([person(bksb_username=too_long)], [])) == {("P1", "username_not_found")}
    for long_enough in ("x" * 2000, "\u5b66" * 666):
        assert kinds(make_plan([person(proposed_username=long_enough)], [])) == {"P1": "create"}
        assert kinds(make_plan([person(bksb_username=long_enough)], [])) == {"P1": "link"}


def test_an_address_shared_by_two_people_creates_neither():
    plan = make_plan([person("P1", email="Both@x.example"), person("P2", email="both@X.example")], [])
    assert codes(plan) == {("P1", "duplicate_email"), ("P2", "duplicate_email")}
    assert plan.actions == ()


def test_an_address_shared_with_an_account_holder_blocks_only_the_other_person():
    people = [person("P1", email="both@x.example"), person("P2", email="both@x.example")]
    plan = make_plan(people, [active("P1", "REFP1", 7)])
    assert codes(plan) == {("P2", "duplicate_email")}


def test_a_username_stored_on_two_people_links_neither():
    plan = make_plan([person("P1", bksb_username="anna"), person("P2", bksb_username="ANNA")], [])
    assert codes(plan) == {("P1", "account_claimed_twice"), ("P2", "account_claimed_twice")}


def test_a_stored_username_that_another_person_holds_is_an_issue():
    plan = make_plan([person("P1"), person("P2", bksb_username="Refp1")], [active("P1", "REFP1", 7)])
    assert codes(plan) == {("P2", "account_claimed_twice")}


def test_a_proposed_username_that_another_person_holds_or_is_to_be_linked_to_is_taken():
    held = make_plan([person("P1"), person("P2", proposed_username="refp1")], [active("P1", "REFP1", 7)])
    assert codes(held) == {("P2", "username_taken")}
    stored = make_plan([person("P1", bksb_username="same"), person("P2", proposed_username="Same")], [])
    assert codes(stored) == {("P2", "username_taken")}
    assert kinds(stored) == {"P1": "link"}


def test_two_people_who_would_get_the_same_username_get_none():
    plan = make_plan([person("P1", proposed_username="same"), person("P2", proposed_username="SAME")], [])
    assert codes(plan) == {("P1", "account_claimed_twice"), ("P2", "account_claimed_twice")}


def creating(person_id: str, username: str) -> Account:
    return Account(person_id, username, None, "creating", None)


def test_an_unfinished_creation_is_continued_if_it_would_be_planned_today():
    plan = make_plan([person()], [creating("P1", "refp1")])
    assert [(a.kind, a.username) for a in plan.actions] == [("create", "refp1")]


@pytest.mark.parametrize(
    "change",
    [{"email": None}, {"proposed_username": "another"}, {"bksb_username": "named"}, {"family_name": None}],
)
def test_an_unfinished_creation_is_only_looked_up_if_it_would_not_be_planned_today(change):
    plan = make_plan([person(**change)], [creating("P1", "REFP1")])
    assert [(a.kind, a.username) for a in plan.actions] == [("link", "REFP1")]


def test_an_unfinished_creation_is_looked_up_for_a_person_who_is_no_longer_eligible():
    assert kinds(make_plan([person("P2")], [creating("P1", "REFP1")])) == {"P1": "link", "P2": "create"}


def test_an_account_with_another_username_in_the_mis_is_reported_and_left_alone():
    plan = make_plan([person(bksb_username="right")], [active("P1", "wrong", 7)])
    assert codes(plan) == {("P1", "username_mismatch")} and plan.actions == ()
    assert make_plan([person(bksb_username="WRONG")], [active("P1", "wrong", 7)]).issues == ()


def test_the_account_of_an_applicant_moves_to_the_learner_they_became():
    plan = make_plan([person("P1", former_person_id="A1")], [active("A1", "REFA1", 7)])
    assert plan.transfers == (Transfer("A1", "P1"),)
    assert plan.actions == () and plan.issues == ()


@pytest.mark.parametrize("with_account", [[], [active("P1", "REFP1", 8)]])
def test_an_applicant_claimed_by_two_learners_moves_to_neither(with_account):
    people = [person("P1", former_person_id="A1"), person("P2", former_person_id="A1")]
    plan = make_plan(people, [active("A1", "REFA1", 7), *with_account])
    assert plan.transfers == () and plan.actions == ()
    assert ("P2", "account_claimed_twice") in codes(plan)


@pytest.mark.parametrize("accounts", [[], [active("A1", "REFA1", 7)], [creating("A1", "REFA1")]])
def test_a_learner_gets_no_account_while_their_applicant_record_is_still_listed(accounts):
    people = [person("A1", person_kind="applicant"), person("P1", former_person_id="A1")]
    plan = make_plan(people, accounts)
    assert plan.transfers == ()
    assert codes(plan) == {("P1", "former_record_unsettled")}
    assert "P1" not in kinds(plan)


def test_an_unfinished_creation_for_the_applicant_is_settled_before_the_learner_gets_an_account():
    plan = make_plan([person("P1", former_person_id="A1")], [creating("A1", "REFA1")])
    assert kinds(plan) == {"A1": "link"} and codes(plan) == {("P1", "former_record_unsettled")}


def test_an_unfinished_creation_for_the_learner_is_only_looked_up_if_the_applicant_has_an_account():
    accounts = [active("A1", "REFA1", 7), creating("P1", "REFP1")]
    plan = make_plan([person("P1", former_person_id="A1")], accounts)
    assert plan.transfers == () and kinds(plan) == {"P1": "link"}


def test_an_account_does_not_move_to_a_learner_with_another_username_in_the_mis():
    plan = make_plan([person("P1", former_person_id="A1", bksb_username="other")], [active("A1", "REFA1", 7)])
    assert plan.transfers == () and plan.actions == ()
    assert codes(plan) == {("P1", "username_mismatch")}


def test_a_learner_is_created_if_their_applicant_record_has_no_account():
    former = Account("A1", None, None, "blocked", None)
    assert kinds(make_plan([person("P1", former_person_id="A1")], [former])) == {"P1": "create"}


def test_the_plan_does_not_depend_on_the_order_of_the_rows():
    people = [person(f"P{n}", email="x@x.example" if n % 3 else None) for n in range(9)]
    assert make_plan(people, []) == make_plan(people[::-1], [])


@pytest.mark.parametrize(
    ("kind", "found", "unfinished", "link_existing", "verdict"),
    [
        ("link", True, False, False, "link"),
        ("link", False, False, False, "username_not_found"),
        ("link", False, True, False, "release"),
        ("create", False, False, False, "create"),
        ("create", False, True, False, "create"),
        ("create", True, False, False, "username_taken"),
        ("create", True, True, False, "link"),
        ("create", True, False, True, "link"),
    ],
)
def test_the_verdict_after_a_look_up(kind, found, unfinished, link_existing, verdict):
    action = Action("P1", kind, "REFP1", "")
    assert decide_after_lookup(action, found=found, unfinished=unfinished, link_existing=link_existing) == verdict


def test_the_repr_of_a_person_or_account_contains_nothing_personal():
    shown = repr(person(given_names="Zebediah", email="zeb@x.example", bksb_username="zebby")) + repr(
        active("P1", "zebby", 7)
    )
    assert "eb" not in shown.lower().replace("web", "")


@pytest.mark.parametrize("state", ["active", "stale", "creating"])
def test_an_applicant_gets_no_second_account_if_the_learner_record_has_one(state):
    applicant = person("A1", email="home@learner.example")
    account = Account("P1", "REFP1", None if state == "creating" else 7, state, "created")
    plan = make_plan([applicant, person(former_person_id="A1")], [account])
    assert "A1" not in kinds(plan)
    assert ("A1", "former_record_unsettled") in codes(plan)


@pytest.mark.parametrize(("state", "moves"), [("active", False), ("stale", True)])
def test_a_stale_account_moves_to_the_learner_and_is_linked_again_by_the_username_in_the_mis(state, moves):
    learner = person(former_person_id="A1", bksb_username="the.right.one")
    plan = make_plan([learner], [Account("A1", "A1", 7, state, "created")])
    assert plan.transfers == ((Transfer("A1", "P1"),) if moves else ())
    assert plan.actions == () and codes(plan) == (set() if moves else {("P1", "username_mismatch")})
    if moves:
        plan = make_plan([learner], [Account("P1", "A1", 7, state, "created")])
        assert kinds(plan) == {"P1": "link"} and plan.issues == ()


def test_an_applicant_gets_an_account_if_the_learner_record_has_none():
    plan = make_plan([person("A1", email="home@learner.example"), person(former_person_id="A1")], [])
    assert kinds(plan) == {"A1": "create"} and codes(plan) == {("P1", "former_record_unsettled")}


@pytest.mark.parametrize(("found", "holds"), [(7, True), (8, False), (None, False)])
def test_a_link_is_confirmed_if_the_username_finds_the_same_user(found, holds):
    assert plan_rules.still_holds(active("P1", "REF1", 7), found) is holds
