"""Eligibility case by case: rows in the MIS, and whether the query lists the person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from bksb.connection_fields import ConnectionFields
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.rules.account_plan import make_plan
from dev.services.postgres.server import Postgres
from sandbox.mis.database import SCHEMA
from tests.conftest import fields_of, query

QUERY = SQL_FOLDER / "mis" / "eligible_learners.sql"

DAY = date(2026, 11, 23)

WITNESS = "P0"
"""A person eligible on any day, because a query that lists no one is an error."""


@pytest.fixture(scope="module")
def pics(postgres: Postgres) -> Iterator[ConnectionFields]:
    """A database with tables like those of PICS."""
    postgres.create_database("eligibility")
    fields = fields_of(postgres.dsn("eligibility"), "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})
    query(fields, SCHEMA.read_text(encoding="utf-8"))
    yield fields
    postgres.drop_database("eligibility")


@pytest.fixture
def mis(pics: ConnectionFields) -> ConnectionFields:
    """That database, with no one but the witness."""
    query(pics, "truncate person, episode, application")
    insert(pics, "person", person_id=WITNESS, learn_ref_number="W")
    insert(pics, "episode", episode_id=1, person_id=WITNESS, system_status="Live", start_date="1980-01-01")
    query(pics, "update episode set programme = 'Witness', programme_status = 'In Learning'")
    return pics


def insert(fields: ConnectionFields, table: str, **columns: object) -> None:
    names = ", ".join(columns)
    query(fields, f"insert into {table} ({names}) values ({', '.join(['%s'] * len(columns))})", *columns.values())


def add_person(fields: ConnectionFields, person_id: str = "P1", **columns: object) -> None:
    usual = {"learn_ref_number": f"LRN-{person_id}", "forenames": "Ada", "surname": "Sample"}
    usual |= {"email": f"{person_id.lower()}@learner.example"}
    insert(fields, "person", **({"person_id": person_id} | usual | columns))


def add_episode(fields: ConnectionFields, number: int, person_id: str = "P1", **columns: object) -> None:
    usual: dict[str, object] = {"episode_id": number, "person_id": person_id, "programme": f"Programme {number}"}
    usual |= {"system_status": "Live", "programme_status": "In Learning", "start_date": "2026-01-12"}
    insert(fields, "episode", **(usual | columns))


def add_application(fields: ConnectionFields, number: int, person_id: str = "P1", **columns: object) -> None:
    usual: dict[str, object] = {"application_id": number, "person_id": person_id, "programme": f"Course {number}"}
    usual |= {"system_status": "Live", "application_status": "Applied", "applied_date": "2026-09-01"}
    insert(fields, "application", **(usual | columns))


def listed(fields: ConnectionFields, day: date = DAY, person_id: str = "P1", **settings: int):
    """Return the one row of this person on that day, or None."""
    people = Mis(fields, QUERY, **settings).read_people(day)
    assert WITNESS in {person.person_id for person in people}
    rows = [person for person in people if person.person_id == person_id]
    assert len(rows) <= 1
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("system_status", "eligible"),
    [("Live", True), ("Partial Entry", False), ("Dormant", False), ("live", False), ("", False), (None, False)],
)
def test_only_live_records_count(mis, system_status, eligible):
    add_person(mis)
    add_episode(mis, 10, system_status=system_status)
    assert (listed(mis) is not None) == eligible


@pytest.mark.parametrize(
    ("programme_status", "eligible"),
    [("In Learning", True), ("Completed", True), ("Withdrawn", True), (None, True), ("Break in learning", False)],
)
def test_a_break_is_the_only_status_that_keeps_a_person_off_the_list(mis, programme_status, eligible):
    add_person(mis)
    add_episode(mis, 10, programme_status=programme_status)
    assert (listed(mis) is not None) == eligible


@pytest.mark.parametrize(
    ("day", "ended", "eligible"),
    [
        # 23 November: one calendar month before is 23 October, 31 days ago
        ("2026-11-23", "2026-11-23", True),
        ("2026-11-23", "2026-10-27", True),
        ("2026-11-23", "2026-10-24", True),
        ("2026-11-23", "2026-10-23", True),
        ("2026-11-23", "2026-10-22", False),
        # after a month of 30 days, the limit is 30 days ago
        ("2026-10-20", "2026-09-20", True),
        ("2026-10-20", "2026-09-19", False),
        # after February, the limit is 28 days ago
        ("2026-03-15", "2026-02-15", True),
        ("2026-03-15", "2026-02-14", False),
        # a month before the last days of March is the last day of February
        ("2026-03-28", "2026-02-28", True),
        ("2026-03-29", "2026-02-28", True),
        ("2026-03-30", "2026-02-28", True),
        ("2026-03-31", "2026-02-28", True),
        ("2026-03-31", "2026-02-27", False),
        ("2026-04-01", "2026-02-28", False),
        ("2026-04-01", "2026-03-01", True),
        # in a leap year it is the 29th
        ("2028-03-31", "2028-02-29", True),
        ("2028-03-31", "2028-02-28", False),
        ("2028-03-29", "2028-02-29", True),
        ("2028-03-28", "2028-02-28", True),
        ("2028-02-29", "2028-01-29", True),
        ("2028-02-29", "2028-01-28", False),
        # from 31 May to 30 April, from 31 December to 30 November, and over the end of the year
        ("2026-05-31", "2026-04-30", True),
        ("2026-05-31", "2026-04-29", False),
        ("2026-12-31", "2026-11-30", True),
        ("2026-12-31", "2026-11-29", False),
        ("2027-01-05", "2026-12-05", True),
        ("2027-01-05", "2026-12-04", False),
        # an end in the future
        ("2026-11-23", "2026-11-24", True),
        ("2026-11-23", "2027-07-31", True),
        ("2026-11-23", None, True),
    ],
)
def test_a_programme_that_has_ended_counts_for_one_calendar_month(mis, day, ended, eligible):
    add_person(mis)
    add_episode(mis, 10, start_date="2025-09-01", actual_end_date=ended, programme_status="Completed")
    found = listed(mis, date.fromisoformat(day))
    assert (found is not None) == eligible
    if found:
        assert (found.start_on, found.ended_on) == (date(2025, 9, 1), ended and date.fromisoformat(ended))


@pytest.mark.parametrize(
    ("start", "eligible"),
    [("2026-11-22", True), ("2026-11-23", True), ("2026-11-24", False), ("1999-09-01", True), (None, False)],
)
def test_a_programme_counts_from_the_day_it_starts(mis, start, eligible):
    add_person(mis)
    add_episode(mis, 10, start_date=start)
    assert (listed(mis) is not None) == eligible


def test_a_programme_past_its_planned_end_goes_on_without_an_actual_end(mis):
    add_person(mis)
    add_episode(mis, 10, planned_end_date="2026-03-31")
    assert listed(mis).ended_on is None


ENDED_LONG_AGO = {"actual_end_date": "2026-10-22", "programme_status": "Completed"}
ENDED_LATELY = {"actual_end_date": "2026-11-01", "programme_status": "Completed"}


@pytest.mark.parametrize(
    ("programmes", "chosen"),
    [
        # the one that started last, in any order of entry
        ({10: {"start_date": "2026-01-12"}, 11: {"start_date": "2026-09-01"}}, 11),
        ({10: {"start_date": "2026-09-01"}, 11: {"start_date": "2026-01-12"}}, 10),
        # the latest ended too long ago, and the older one goes on
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": "2026-02-01"} | ENDED_LONG_AGO}, 10),
        # the latest ended within the month, so it still counts
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": "2026-02-01"} | ENDED_LATELY}, 11),
        # the latest is not Live, on a break, or in the future
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": "2026-02-01", "system_status": "Dormant"}}, 10),
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": "2026-02-01", "system_status": "Partial Entry"}}, 10),
        (
            {
                10: {"start_date": "2025-01-12"},
                11: {"start_date": "2026-02-01", "programme_status": "Break in learning"},
            },
            10,
        ),
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": "2026-11-24"}}, 10),
        ({10: {"start_date": "2025-01-12"}, 11: {"start_date": None}}, 10),
        # the older one has ended, the newer goes on
        ({10: {"start_date": "2025-01-12"} | ENDED_LONG_AGO, 11: {"start_date": "2026-02-01"}}, 11),
        # both started on the same day: the one entered last
        ({10: {"start_date": "2026-02-01"}, 11: {"start_date": "2026-02-01"}}, 11),
        ({12: {"start_date": "2026-02-01"}, 11: {"start_date": "2026-02-01"}}, 12),
        ({10: {"start_date": "2026-02-01"}, 11: {"start_date": "2026-02-01", "system_status": "Dormant"}}, 10),
        # three of them
        ({10: {"start_date": "2026-03-01"}, 11: {"start_date": "2026-05-01"}, 12: {"start_date": "2026-04-01"}}, 11),
        # none that is eligible
        ({10: ENDED_LONG_AGO, 11: {"system_status": "Dormant"}}, None),
    ],
)
def test_the_live_programme_that_started_last_is_shown(mis, programmes, chosen):
    add_person(mis)
    for number, columns in programmes.items():
        add_episode(mis, number, **columns)
    found = listed(mis)
    if chosen is None:
        assert found is None
        return
    expected = {"start_date": "2026-01-12", "programme_status": "In Learning"} | programmes[chosen]
    assert (found.programme, found.start_on.isoformat(), found.programme_status) == (
        f"Programme {chosen}",
        expected["start_date"],
        expected["programme_status"],
    )


@pytest.mark.parametrize(
    ("columns", "eligible"),
    [
        ({"applied_date": "2026-11-23"}, True),
        ({"applied_date": "2026-11-24"}, False),
        ({"applied_date": "2025-11-23"}, True),
        ({"applied_date": "2025-11-22"}, False),
        ({"applied_date": None}, False),
        ({"application_status": "Offered"}, True),
        ({"application_status": "Transferred"}, False),
        ({"system_status": "Dormant"}, False),
        ({"system_status": "Partial Entry"}, False),
        ({"system_status": None}, False),
    ],
)
def test_live_applicants_who_are_not_transferred_are_eligible_for_twelve_months(mis, columns, eligible):
    add_person(mis, learn_ref_number=None)
    add_application(mis, 5, **columns)
    found = listed(mis)
    assert (found is not None) == eligible
    if found:
        status = columns.get("application_status", "Applied")
        assert (found.person_kind, found.programme, found.programme_status) == ("applicant", "Course 5", status)
        assert (found.start_on, found.ended_on, found.proposed_username) == (None, None, "P1")


@pytest.mark.parametrize(
    ("day", "months", "applied", "eligible"),
    [
        ("2028-02-29", 12, "2027-02-28", True),
        ("2028-02-29", 12, "2027-02-27", False),
        ("2029-02-28", 12, "2028-02-28", True),
        ("2029-02-28", 12, "2028-02-27", False),
        ("2026-08-31", 6, "2026-02-28", True),
        ("2026-08-31", 6, "2026-02-27", False),
        ("2026-11-23", 1, "2026-10-23", True),
        ("2026-11-23", 1, "2026-10-22", False),
    ],
)
def test_applicants_count_for_the_calendar_months_of_the_setting(mis, day, months, applied, eligible):
    add_person(mis)
    add_application(mis, 5, applied_date=applied)
    assert (listed(mis, date.fromisoformat(day), applicant_months=months) is not None) == eligible


@pytest.mark.parametrize(
    ("applications", "chosen"),
    [
        ({5: {"applied_date": "2026-05-01"}, 6: {"applied_date": "2026-09-01"}}, 6),
        ({5: {"applied_date": "2026-09-01"}, 6: {"applied_date": "2026-05-01"}}, 5),
        ({5: {"applied_date": "2026-09-01"}, 6: {"applied_date": "2026-09-01"}}, 6),
        ({5: {"applied_date": "2026-05-01"}, 6: {"applied_date": "2026-09-01", "system_status": "Dormant"}}, 5),
        ({5: {"applied_date": "2026-05-01"}, 6: {"application_status": "Transferred"}}, 5),
        ({5: {"applied_date": "2026-05-01"}, 6: {"applied_date": "2026-11-24"}}, 5),
    ],
)
def test_the_latest_live_application_is_shown(mis, applications, chosen):
    add_person(mis)
    for number, columns in applications.items():
        add_application(mis, number, **columns)
    assert listed(mis).programme == f"Course {chosen}"


@pytest.mark.parametrize(
    ("episode", "kind"),
    [
        ({}, "learner"),
        (ENDED_LATELY, "learner"),
        (ENDED_LONG_AGO, "applicant"),
        ({"system_status": "Dormant"}, "applicant"),
        ({"programme_status": None}, "learner"),
        ({"programme_status": "Break in learning"}, "applicant"),
        ({"start_date": "2026-11-24"}, "applicant"),
    ],
)
def test_a_learner_who_is_also_an_applicant_is_listed_once_as_a_learner(mis, episode, kind):
    add_person(mis)
    add_episode(mis, 10, **episode)
    add_episode(mis, 11, start_date="2020-01-01", actual_end_date="2021-01-01")
    add_application(mis, 5)
    add_application(mis, 6)
    found = listed(mis)
    assert found.person_kind == kind
    assert found.programme == ("Programme 10" if kind == "learner" else "Course 6")


def test_a_transferred_applicant_is_listed_as_the_learner_who_names_the_old_id(mis):
    add_person(mis, "A7")
    add_application(mis, 5, "A7", application_status="Transferred")
    add_person(mis, "P7", former_person_id="A7")
    add_episode(mis, 10, "P7")
    assert listed(mis, person_id="A7") is None
    assert listed(mis, person_id="P7").former_person_id == "A7"
    assert listed(mis, person_id=WITNESS).former_person_id is None


def test_a_former_id_that_is_the_persons_own_id_is_ignored(mis):
    add_person(mis, "P8", former_person_id="P8")
    add_episode(mis, 10, "P8")
    assert listed(mis, person_id="P8").former_person_id is None


def test_a_person_without_programme_and_application_is_not_eligible(mis):
    add_person(mis)
    assert listed(mis) is None


@pytest.mark.parametrize(
    ("learn_ref_number", "proposed"),
    [
        ("LRN1", "LRN1"),
        ("0012", "0012"),
        ("LR 12 X", "LR 12 X"),
        ("  LRN1 ", "LRN1"),
        ("", "P1"),
        ("   ", "P1"),
        (None, "P1"),
    ],
)
@pytest.mark.parametrize("stored", [None, "", "  ", "ada.l", " Ada L "])
def test_the_proposed_username_is_the_learnrefnumber_or_the_id(mis, learn_ref_number, proposed, stored):
    add_person(mis, learn_ref_number=learn_ref_number, bksb_username=stored)
    add_episode(mis, 10)
    found = listed(mis)
    assert found.proposed_username == proposed
    assert found.bksb_username == {None: None, "": None, "  ": None, "ada.l": "ada.l", " Ada L ": "Ada L"}[stored]


@pytest.mark.parametrize(
    ("forenames", "surname"),
    [
        ("Siobhán", "O'Connor"),
        ("Zoë Anne-Marie", "Łęcka van der Berg"),
        ("José María", "D\u2019Arcy"),
        ("小明", "王"),
        ("x" * 200, 'say "hi"; drop'),
    ],
)
def test_unusual_names_are_kept_and_do_not_prevent_an_account(mis, forenames, surname):
    add_person(mis, forenames=f"  {forenames} ", surname=f"{surname}  ", date_of_birth="2008-02-29")
    add_episode(mis, 10)
    found = listed(mis)
    assert (found.given_names, found.family_name, found.date_of_birth) == (forenames, surname, date(2008, 2, 29))
    assert obstacles(mis)["P1"] == []


def obstacles(fields: ConnectionFields) -> dict[str, list[str]]:
    """Return the issue codes of each eligible person but the witness; [] if the plan has an action for them."""
    people = Mis(fields, QUERY).read_people(DAY)
    plan = make_plan(people, [])
    codes: dict[str, list[str]] = {person.person_id: [] for person in people if person.person_id != WITNESS}
    for issue in plan.issues:
        if issue.person_id in codes:
            codes[issue.person_id].append(issue.code)
    served = {action.person_id for action in plan.actions}
    assert served == {person_id for person_id, found in codes.items() if not found}
    return codes


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ({"email": None}, ["no_email"]),
        ({"email": ""}, ["no_email"]),
        ({"email": "   "}, ["no_email"]),
        ({"email": "not-an-address"}, ["no_email"]),
        ({"email": "two@@learner.example"}, ["no_email"]),
        ({"email": "a space@learner.example"}, ["no_email"]),
        ({"email": "one@learner.example; two@learner.example"}, ["no_email"]),
        ({"email": "nobody@"}, ["no_email"]),
        ({"email": "nobody@localhost"}, ["no_email"]),
        ({"email": "o'neil+bksb@learner.example"}, []),
        ({"email": "  ada@learner.example  "}, []),
        ({"forenames": None}, ["no_name"]),
        ({"forenames": "  "}, ["no_name"]),
        ({"surname": None}, ["no_name"]),
        ({"surname": ""}, ["no_name"]),
        ({"surname": None, "email": None}, ["no_email", "no_name"]),
        # not needed if the account exists
        ({"email": None, "surname": None, "bksb_username": "ada"}, []),
    ],
)
def test_a_person_that_cannot_be_created_has_an_issue_for_every_reason(mis, columns, codes):
    add_person(mis, **columns)
    add_episode(mis, 10)
    assert obstacles(mis) == {"P1": codes}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("box@mail.example", "box@mail.example", True),
        ("box@mail.example", "BOX@Mail.Example", True),
        ("box@mail.example", "  box@mail.example ", True),
        ("Box@mail.example ", " bOX@mail.example", True),
        ("box@mail.example", "box1@mail.example", False),
        (None, None, False),
    ],
)
def test_an_address_that_two_people_share_prevents_both_accounts(mis, one, other, shared):
    for number, (person_id, email) in enumerate((("P1", one), ("P2", other)), 10):
        add_person(mis, person_id, email=email)
        add_episode(mis, number, person_id)
    code = ["duplicate_email"] if shared else ["no_email"] if one is None else []
    assert obstacles(mis) == {"P1": code, "P2": code}


def test_an_address_shared_with_a_person_who_is_not_eligible_does_not_matter(mis):
    add_person(mis, "P1", email="box@mail.example")
    add_episode(mis, 10, "P1")
    add_person(mis, "P2", email="box@mail.example")
    add_episode(mis, 11, "P2", system_status="Dormant")
    assert obstacles(mis) == {"P1": []}


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        # the same proposed username, in upper and lower case
        (({"learn_ref_number": "LRN1"}, {"learn_ref_number": "lrn1 "}), (["account_claimed_twice"],) * 2),
        # one username stored on two people
        (({"bksb_username": "Ada"}, {"bksb_username": "ada"}), (["account_claimed_twice"],) * 2),
        # proposed for one, stored on another: the stored one wins
        (({"learn_ref_number": "ada"}, {"bksb_username": "ADA"}), (["username_taken"], [])),
        (({"learn_ref_number": "ada", "bksb_username": "own"}, {"learn_ref_number": "ada"}), ([], [])),
    ],
)
def test_one_username_for_two_people_is_never_given_to_one_by_guess(mis, columns, codes):
    for number, (person_id, given) in enumerate(zip(("P1", "P2"), columns, strict=True), 10):
        add_person(mis, person_id, **given)
        add_episode(mis, number, person_id)
    assert obstacles(mis) == dict(zip(("P1", "P2"), codes, strict=True))


def test_an_applicant_without_a_status_counts_as_not_transferred(mis):
    add_person(mis)
    add_application(mis, 5, application_status=None)
    assert listed(mis).person_kind == "applicant"
