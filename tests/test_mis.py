"""The MIS query on a real database: its contract, and its people against the sandbox's own rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bksb.connection_fields import ConnectionFields
from bksb.errors import BksbSyncError, ConfigurationError, MisContractError, TransientError
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis, make_database_url, parse_people
from tests.conftest import fields_of, query

QUERY = SQL_FOLDER / "mis" / "eligible_learners.sql"

SECRET = "Unmistakeable"


@pytest.mark.parametrize("back", [*range(40), 59, 90, 200, 365, -1, -5])
def test_the_query_lists_the_people_that_are_eligible_on_any_day(mis_fields, world, back):
    day = world.today - timedelta(days=back)
    assert {person.person_id for person in Mis(mis_fields, QUERY).read_people(day)} == world.eligible_on(day)


@pytest.mark.parametrize(
    "day", [date(2028, 2, 29), date(2027, 2, 28), date(2026, 3, 31), date(2026, 3, 1), date(2026, 12, 31)]
)
def test_the_query_agrees_with_the_rule_at_the_end_of_a_month(mis_fields, world, day):
    assert {person.person_id for person in Mis(mis_fields, QUERY).read_people(day)} == world.eligible_on(day)


def test_a_person_with_several_programmes_is_listed_once_with_the_one_started_last(mis_fields, world):
    for person in Mis(mis_fields, QUERY).read_people(world.today):
        if person.person_id in world.people_of("two_programmes"):
            starts = [e.start_date for e in world.episodes if e.person_id == person.person_id]
            assert person.start_on == max(starts)


@pytest.fixture
def mis_of(mis_fields, tmp_path):
    """Return an Mis with this query."""

    def make(sql: str) -> Mis:
        path = tmp_path / "eligible_learners.sql"
        path.write_text(sql, encoding="utf-8")
        return Mis(mis_fields, path)

    return make


def changed(old: str, new: str) -> str:
    text = QUERY.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (changed("    person.email,\n", ""), "does not return the column email"),
        (changed("person.date_of_birth", "person.date_of_birth::text as date_of_birth"), "date_of_birth as str"),
        (changed("    person.person_id,\n", "    12 as person_id,\n"), "person_id as int where text is needed"),
        (changed("'applicant' as person_kind", "'visitor' as person_kind"), "person_kind other than"),
        (changed("learner_programme.recency = 1\nunion", "learner_programme.recency >= 1\nunion"), "more than once"),
        ("select 1 as person_id from no_such_table", "run it there by hand.*42P01"),
        ("select nonsense from", "run it there by hand.*42601"),
    ],
)
def test_a_broken_contract_is_reported_before_anything_changes(mis_of, world, sql, says):
    with pytest.raises(MisContractError, match=says) as caught:
        mis_of(sql).read_people(world.today)
    assert "Nothing from this reading was used" in str(caught.value)


def test_a_query_that_returns_no_one_stops_the_run(mis_of, world):
    text = QUERY.read_text(encoding="utf-8").rstrip().removesuffix(";")
    empty = f"select * from ({text}) as eligible where 1 = 0"
    with pytest.raises(MisContractError, match="returned no rows"):
        mis_of(empty).read_people(world.today)


NAMES = [
    "person_id", "person_kind", "learn_ref_number", "given_names", "family_name", "email", "date_of_birth",
    "bksb_username", "proposed_username", "programme", "programme_status", "start_on", "ended_on",
]  # fmt: skip


def row(**changes: object) -> list[object]:
    plain: dict[str, object] = dict.fromkeys(NAMES)
    plain |= {"person_id": "P1", "person_kind": "learner", "start_on": date(2026, 9, 1)}
    return list((plain | changes).values())


def test_nul_characters_are_removed_because_postgresql_cannot_store_them():
    (person,) = parse_people(NAMES, [row(proposed_username="od\0d", email="\0")], QUERY)
    assert (person.proposed_username, person.email) == ("odd", None)


def test_blanks_around_texts_are_removed_and_a_blank_text_is_none():
    (person,) = parse_people(NAMES, [row(email="  a@b.example ", given_names="  ", bksb_username="")], QUERY)
    assert (person.email, person.given_names, person.bksb_username, person.former_person_id) == (
        "a@b.example",
        None,
        None,
        None,
    )


def test_dates_with_a_time_are_accepted():
    (person,) = parse_people(NAMES, [row(start_on=datetime(2026, 9, 1, 0, 0))], QUERY)  # noqa: DTZ001 - as Oracle does
    assert person.start_on == date(2026, 9, 1)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row(person_id=None)], "person_id is empty"),
        ([row(person_id=" ")], "person_id is empty"),
        ([row(start_on=None)], "learner P1 without start_on"),
        ([row(), row()], r"1 people more than once \(person_id P1\)"),
        ([row(email=5)], "email as int where text is needed"),
        ([row(start_on="2026-09-01")], "start_on as str where a date is needed"),
    ],
)
def test_the_error_for_a_wrong_row_does_not_contain_the_row(rows, says):
    with pytest.raises(MisContractError, match=says):
        parse_people(NAMES, rows, QUERY)


def test_an_unreachable_database_and_an_unknown_driver_have_messages_that_say_what_to_do(world):
    away = fields_of("postgresql://u:p@127.0.0.1:1/mis", "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})
    with pytest.raises(TransientError, match="did not answer or refused the log-in"):
        Mis(away, QUERY).read_people(world.today)
    for scheme, says in (("nosuch", "does not know"), ("mysql+pymysql", "is not installed")):
        other = fields_of("postgresql://u:p@127.0.0.1:1/mis", "mis", {"sqlalchemy_scheme": scheme})
        with pytest.raises(ConfigurationError, match=says):
            Mis(other, QUERY).read_people(world.today)


def test_no_error_of_the_mis_contains_a_row_or_a_parameter(mis_of, mis_fields, world):
    query(mis_fields, "update person set surname = %s", SECRET)
    for sql in (
        changed("person.surname as family_name", "person.surname::date as family_name"),
        changed("person.surname as family_name", "1 / length(replace(person.surname, 'U', '')) - 1/0 as family_name"),
        changed("person.date_of_birth", "person.surname as date_of_birth"),
    ):
        with pytest.raises(BksbSyncError) as caught:
            mis_of(sql).read_people(world.today)
        assert SECRET not in str(caught.value) and SECRET not in repr(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("born", "kept"),
    [(date(2009, 2, 28), date(2009, 2, 28)), (date(1753, 1, 1), None), (date(9999, 12, 31), None), (None, None)],
)
def test_a_placeholder_date_of_birth_becomes_none(born, kept):
    (person,) = parse_people(NAMES, [row(date_of_birth=born)], QUERY)
    assert person.date_of_birth == kept


def test_a_date_that_python_cannot_hold_breaks_the_contract(mis_of, mis_fields, world):
    query(mis_fields, "update person set date_of_birth = '20080-01-01'")
    with pytest.raises(MisContractError, match="after the year 9999"):
        Mis(mis_fields, QUERY).read_people(world.today)


def test_parameters_named_in_comments_are_ignored(tmp_path, world):
    fields = fields_of("sqlite:///", "mis", {"sqlalchemy_scheme": "sqlite"})
    path = tmp_path / "eligible_learners.sql"
    path.write_text("-- gets :as_of, :ended_since and :applied_since\nselect :as_of as person_id")
    with pytest.raises(MisContractError, match="does not return the columns person_kind"):
        Mis(replace(fields, host=None, port=None, database=None), path).read_people(world.today)


def fields(**changes) -> ConnectionFields:
    given = {"conn_id": "mis", "host": "db", "port": 1433, "login": "u", "password": "p@ss/word", "database": "MIS"}
    return ConnectionFields(**{**given, **changes})


def test_the_address_of_the_mis_is_built_from_fields_so_that_any_password_works():
    url = make_database_url(fields(extra={"sqlalchemy_scheme": "mssql+pymssql"}))
    assert (url.drivername, url.password, url.database, url.port) == ("mssql+pymssql", "p@ss/word", "MIS", 1433)


def test_the_error_for_a_connection_without_a_driver_names_the_extra():
    with pytest.raises(ConfigurationError, match="sqlalchemy_scheme"):
        make_database_url(fields())
