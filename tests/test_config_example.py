"""The example query in config/: it keeps the contract, on a database with the tables it names."""

from datetime import date

from bksb.mis import COLUMNS, Mis
from tests.conftest import fields_of, query, repository

EXAMPLE = repository() / "config" / "eligible_learners.sql.example"

TABLES = """
create table learner (
    learner_id integer primary key, learn_ref_number text, first_names text, surname text, college_email text,
    date_of_birth date
);
create table enrolment (
    enrolment_id integer primary key, learner_id integer, course_title text, system_status text,
    completion_status text, start_date date, actual_end_date date
);
insert into learner values
    (1, 'L1', 'Ada', 'Sample', 'ada@learner.example', '2008-01-01'), (2, 'L2', 'Ben', 'Sample', null, null),
    (3, 'L3', 'Cat', 'Sample', null, null), (4, 'L4', 'Dan', 'Sample', null, null);
insert into enrolment values
    (10, 1, 'Bakery', 'Live', 'In learning', '2026-01-12', null), (11, 1, 'Maths', 'Live', null, '2026-09-01', null),
    (12, 2, 'Bakery', 'Live', 'Completed', '2026-01-12', '2026-10-23'),
    (13, 3, 'Bakery', 'Live', 'Completed', '2026-01-12', '2026-10-22'),
    (14, 4, 'Bakery', 'Deleted', 'In learning', '2026-01-12', null);
"""


def test_the_query_lists_people_in_learning_or_ended_within_a_month_with_the_latest_programme(
    empty_database: str,
) -> None:
    fields = fields_of(empty_database, "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})
    query(fields, TABLES)
    people = Mis(fields, EXAMPLE).read_people(date(2026, 11, 23))
    assert {(person.person_id, person.programme) for person in people} == {("1", "Maths"), ("2", "Bakery")}
    assert len(people) == 2


def test_the_query_names_every_column_of_the_contract() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f" as {name}" not in text] == []
