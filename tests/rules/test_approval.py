"""When a run needs approval, and what it asks: figures and programmes, and never a person."""

from __future__ import annotations

from datetime import date

import pytest

from bksb.model import Action, Issue, Person, Plan, Run
from bksb.rules.approval import LONGEST_LIST, Baseline, find_reasons_to_ask, has_shrunk, question

APPROVED = Baseline(approved_before=True, people=100)


def a_run(**changes) -> Run:
    given = {
        "dag_id": "bksb_accounts",
        "run_id": "manual__1",
        "run_type": "manual",
        "interval_start": None,
        "interval_end": None,
        "day": date(2026, 10, 25),
        "max_new_accounts": 250,
    }
    return Run(**(given | changes))


def people(number: int, kind: str = "learner", programme: str | None = "Carpentry L2") -> dict[str, Person]:
    return {
        person_id: Person(
            person_id=person_id,
            person_kind=kind,
            learn_ref_number=f"REF{person_id}",
            given_names="Zebedee",
            family_name="Unmistakeable",
            email=f"zebedee.{person_id}@learner.example",
            date_of_birth=date(2009, 2, 27),
            bksb_username=None,
            proposed_username=f"zebedee-{person_id}",
            programme=programme,
            programme_status="In Learning",
            start_on=None,
            ended_on=None,
        )
        for person_id in (f"{kind[0].upper()}{programme}{n}" for n in range(number))
    }


def plan_for(listed, kind="create", issues=()) -> Plan:
    return Plan(tuple(Action(person_id, kind, f"zebedee-{person_id}", "new") for person_id in listed), (), issues)


def asked(listed, *, reasons=("first_run",), baseline=APPROVED, plan=None, **changes) -> str:
    return question(a_run(**changes), plan or plan_for(listed), listed, reasons, baseline)


def programmes(text: str) -> list[str]:
    """The items of the list of new accounts by programme."""
    _, _, rest = text.partition("New accounts by programme:\n\n")
    return [line.removeprefix("- ") for line in rest.partition("\n\n")[0].splitlines()]


@pytest.mark.parametrize(
    ("creations", "baseline", "reasons"),
    [
        (0, Baseline(False, None), ()),
        (1, Baseline(False, None), ("first_run",)),
        (250, APPROVED, ()),
        (251, APPROVED, ("many_new_accounts",)),
        (251, Baseline(False, 10_000), ("first_run", "many_new_accounts", "shrunk_extract")),
    ],
)
def test_a_run_asks_before_the_first_creation_before_many_and_when_the_extract_has_shrunk(creations, baseline, reasons):
    listed = people(creations)
    assert find_reasons_to_ask(a_run(), plan_for(listed), 251, baseline) == reasons


def test_links_and_checks_are_no_creations():
    listed = people(300)
    for kind in ("link", "check"):
        assert find_reasons_to_ask(a_run(), plan_for(listed, kind), 300, Baseline(False, None)) == ()


def test_what_an_earlier_run_has_tried_is_no_reason_to_ask_every_day():
    listed = people(251)
    first = next(iter(listed))
    assert find_reasons_to_ask(a_run(), plan_for(listed), 251, APPROVED, [(first, f"zebedee-{first}")]) == ()


def test_the_same_people_under_other_usernames_are_asked_about_again():
    listed = people(251)
    tried = {(person_id, f"other-{person_id}") for person_id in listed}
    assert find_reasons_to_ask(a_run(), plan_for(listed), 251, APPROVED, tried) == ("many_new_accounts",)


def test_an_attempted_creation_does_not_count_as_the_first_approval():
    listed = people(1)
    tried = {(person_id, f"zebedee-{person_id}") for person_id in listed}
    assert find_reasons_to_ask(a_run(), plan_for(listed), 1, Baseline(False, None), tried) == ("first_run",)


@pytest.mark.parametrize(
    ("listed", "before", "shrunk"),
    [(49, 100, True), (50, 100, False), (0, 1, True), (0, 0, False), (0, None, False), (200, 100, False)],
)
def test_an_extract_has_shrunk_when_less_than_half_is_left(listed, before, shrunk):
    assert has_shrunk(listed, before) is shrunk


def test_the_first_line_says_what_is_asked_and_for_whom():
    first, *_ = asked(people(30) | people(7, "applicant")).splitlines()
    assert first == (
        "**37 bksb accounts would be created**, for 30 learners and 7 applicants. "
        "Each person would be sent an invitation by e-mail."
    )


def test_with_invite_off_the_question_says_that_no_one_is_invited():
    first, *_ = asked(people(30), invite=False).splitlines()
    assert first.endswith("No invitations would be sent, because they are off for this run.")


def test_each_reason_is_given_with_its_figures():
    text = asked(people(30), reasons=("first_run", "many_new_accounts", "shrunk_extract"), max_new_accounts=20)
    assert "- No run that creates accounts has been approved yet. (Approving a run for a few named people" in text
    assert "- This run would create more new accounts than its approval threshold, 20." in text
    assert (
        "- The MIS lists 30 people now. In the last run that went ahead it listed 100, more than twice as many." in text
    )


def test_groups_of_fewer_than_five_are_not_counted_out():
    text = asked(people(4) | people(5, programme="Plumbing") | people(3, "applicant", "Hair"))
    assert programmes(text) == ["5 in Plumbing", "fewer than 5 in Carpentry L2", "fewer than 5 in Hair"]
    assert "for 9 learners and fewer than 5 applicants" in text
    few = asked(people(4), plan=plan_for(people(4), issues=(Issue("no_email", "P1", "P1"),)))
    assert few.startswith("**Fewer than 5 bksb accounts would be created**, for fewer than 5 learners")
    assert "- Existing bksb accounts to link: 0.\n- People with a problem to fix first: fewer than 5.\n" in few


def test_an_issue_about_a_text_counts_as_no_person():
    text = asked(people(9), plan=plan_for(people(9), issues=(Issue("unknown_result", "Level 9"),)))
    assert "People with a problem to fix first: 0." in text


def test_the_question_names_no_person_but_the_table_and_run_that_list_them():
    text = asked(people(30) | people(7, "applicant"))
    assert not [trace for trace in ("zebedee", "unmistakeable", "@", "2009", "REF") if trace in text.lower()]
    assert "look up the run in the table bksb.planned_action of the reporting database: manual__1" in text


def test_the_largest_twenty_programmes_are_named_and_the_others_added_up():
    listed = {}
    for n in range(LONGEST_LIST + 2):
        listed |= people(40 - n, programme=f"Programme {n:02}")
    *named, last = programmes(asked(listed))
    assert named == [f"{40 - n} in Programme {n:02}" for n in range(LONGEST_LIST)]
    assert last == f"{20 + 19} in all other programmes"


def test_a_list_that_fits_has_no_others():
    listed = {}
    for n in range(LONGEST_LIST):
        listed |= people(9, programme=f"Programme {n:02}")
    assert len(programmes(asked(listed))) == LONGEST_LIST


@pytest.mark.parametrize(
    ("programme", "shown"),
    [
        ("Care | Level 2", r"in Care \| Level 2"),
        ("Care\nLevel 2\r\n- x: 1", "in Care Level 2 - x: 1"),
        ("1. Care", "in 1. Care"),
        ("**Care** [here](http://x)", r"in \*\*Care\*\* \[here\](http://x)"),
        ("<b>Care_2", r"in \<b\>Care\_2"),
        (" \n ", "without a programme"),
        (None, "without a programme"),
    ],
)
def test_the_name_of_a_programme_is_shown_as_text_on_one_line(programme, shown):
    text = asked(people(9, programme=programme))
    assert programmes(text) == [f"9 {shown}"]


def test_where_no_account_would_be_created_there_are_no_programmes_and_no_word_of_mail():
    listed = people(9)
    text = asked(listed, plan=plan_for(listed, "link"), reasons=("shrunk_extract",))
    assert text.startswith("**No bksb account would be created.**\n")
    assert "bksb accounts to link: 9." in text and "programme" not in text and "invitation" not in text


def test_the_question_needs_no_markdown_beyond_lists_and_bold():
    reasons = ("first_run", "many_new_accounts", "shrunk_extract")
    text = asked(people(30) | people(4, programme="Plumbing"), reasons=reasons)
    assert not [mark for mark in ("`", "|", "#", "<", ">", "    ", "select ") if mark in text]


def test_the_question_says_what_each_answer_does_and_no_answer():
    text = asked(people(9))
    assert "Nothing has been done yet." in text
    assert "**Approve**" in text and "**Reject**, or no answer within 20 hours" in text
