"""The views `unmatched` and `account_for_mis` after real runs, and their export as CSV."""

from __future__ import annotations

import csv
import os
import stat
from dataclasses import replace
from io import StringIO

import pytest

from bksb.cli.export import export
from bksb.errors import ConfigurationError
from bksb.reporting.store import ROWS_AT_A_TIME
from tests.conftest import fields_of, query
from tests.runs import run_accounts

ODD = [
    "0012",
    " ada ",
    'ada "the" l',
    "lovelace, ada",
    "two\nlines",
    "Zoë.Łęcka 王 🎓",
    "=1+1",
    "o'neil",
    "x" * 256,
    ";",
]


def exported(deployment, name, path) -> list[dict[str, str]]:
    number = export(deployment.reporting, name, path)
    rows = list(csv.DictReader(StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert len(rows) == number
    return rows


def put(deployment, person_id, username=None, user_id=None, state="active", origin="created") -> None:
    statement = (
        "insert into bksb.account (person_id, username, bksb_user_id, state, origin) values (%s, %s, %s, %s, %s)"
    )
    query(deployment.reporting, statement, person_id, username, user_id, state, origin)


def put_learner(deployment, person_id, *, eligible=True) -> None:
    statement = "insert into bksb.learner (person_id, person_kind, eligible) values (%s, 'learner', %s)"
    query(deployment.reporting, statement, person_id, eligible)


def test_unmatched_lists_each_learner_without_an_account_with_the_reason(deployment, world, tmp_path):
    run = run_accounts(deployment)
    listed = exported(deployment, "unmatched", tmp_path / "unmatched.csv")
    active = {row.person_id for row in query(deployment.reporting, "select * from bksb.account where state = 'active'")}
    assert active
    assert {row["side"] for row in listed} == {"learner without account"}
    assert [row["person_id"] for row in listed] == sorted(world.eligible_on(run.day) - active)
    codes = {row["person_id"]: row["issues"] for row in listed}
    assert all(codes.values())
    for kind, code in (
        ("no_email", "no_email"),
        ("shared_email", "duplicate_email"),
        ("username_taken", "username_taken"),
    ):
        for person_id in world.people_of(kind):
            assert codes[person_id] == code


def test_unmatched_lists_accounts_of_people_who_left_but_not_people_who_never_had_one(
    deployment, mis_fields, world, tmp_path
):
    run_accounts(deployment)
    stays, leaves = sorted(world.people_of("plain"))[:2]
    (leaves_without,) = world.people_of("no_email")
    for person_id in (leaves, leaves_without):
        query(mis_fields, "update episode set system_status = 'Dormant' where person_id = %s", person_id)
    run_accounts(deployment, "manual__2")
    eligible = {row.person_id: row.eligible for row in query(deployment.reporting, "select * from bksb.learner")}
    assert (eligible[stays], eligible[leaves], eligible[leaves_without]) == (True, False, False)
    listed = {row["person_id"]: row for row in exported(deployment, "unmatched", tmp_path / "unmatched.csv")}
    account = query(deployment.reporting, "select * from bksb.account where person_id = %s", leaves)[0]
    assert listed[leaves] == {
        "side": "account without eligible learner",
        "person_id": leaves,
        "person_kind": "learner",
        "account_state": "active",
        "username": account.username,
        "issues": "",
    }
    assert stays not in listed and leaves_without not in listed
    query(mis_fields, "update episode set system_status = 'Live' where person_id = %s", leaves)
    run_accounts(deployment, "manual__3")
    assert leaves not in {row["person_id"] for row in exported(deployment, "unmatched", tmp_path / "unmatched.csv")}


@pytest.mark.parametrize(
    ("learner", "state", "sides"),
    [
        ("eligible", None, ["learner without account unknown"]),
        ("eligible", "pending", ["learner without account pending"]),
        ("eligible", "creating", ["learner without account creating"]),
        ("eligible", "blocked", ["learner without account blocked"]),
        ("eligible", "stale", ["learner without account stale"]),
        ("eligible", "active", []),
        ("gone", None, []),
        ("gone", "pending", []),
        ("gone", "creating", []),
        ("gone", "blocked", []),
        ("gone", "stale", ["account without eligible learner stale"]),
        ("gone", "active", ["account without eligible learner active"]),
        ("never recorded", "blocked", []),
        ("never recorded", "active", ["account without eligible learner active"]),
    ],
)
def test_each_account_state_is_listed_on_the_right_side(deployment, tmp_path, learner, state, sides):
    if learner != "never recorded":
        put_learner(deployment, "P1", eligible=learner == "eligible")
    if state in ("active", "stale"):
        put(deployment, "P1", "ada", 7, state)
    elif state:
        put(deployment, "P1", "ada" if state == "creating" else None, None, state, None)
    listed = exported(deployment, "unmatched", tmp_path / "unmatched.csv")
    assert [f"{row['side']} {row['account_state']}" for row in listed] == sides


def test_resolved_issues_are_not_listed_and_open_ones_only_once(deployment, tmp_path):
    put_learner(deployment, "P1")
    for code, key, resolved in (("b", "1", None), ("a", "2", None), ("a", "3", None), ("c", "4", "2026-01-01")):
        query(
            deployment.reporting,
            "insert into bksb.issue (code, subject_key, person_id, resolved_at) values (%s, %s, 'P1', %s)",
            code,
            key,
            resolved,
        )
    (row,) = exported(deployment, "unmatched", tmp_path / "unmatched.csv")
    assert row["issues"] == "a, b"


def test_account_for_mis_lists_exactly_the_active_accounts(deployment, tmp_path):
    run_accounts(deployment)
    for number, state in enumerate(("pending", "creating", "blocked", "stale", "active")):
        user_id = number if state in ("stale", "active") else None
        put(deployment, f"X{number}", f"name.{state}", user_id, state, "imported" if user_id else None)
    rows = exported(deployment, "account_for_mis", tmp_path / "accounts.csv")
    known = query(deployment.reporting, "select * from bksb.account where state = 'active' order by person_id")
    assert rows == [{"person_id": row.person_id, "username": row.username} for row in known]
    assert {row["person_id"] for row in rows if row["person_id"].startswith("X")} == {"X4"}
    assert {row.origin for row in known} == {"created", "linked", "imported"}


def test_every_username_can_be_read_unchanged_from_the_csv(deployment, tmp_path):
    for number, username in enumerate(ODD):
        put(deployment, f"P{number:02}", username, number)
    path = tmp_path / "accounts.csv"
    assert [row["username"] for row in exported(deployment, "account_for_mis", path)] == ODD
    content = path.read_bytes()
    assert content.startswith(b"person_id,username\nP00,0012\n") and b"\r" not in content


def test_a_list_of_several_batches_is_written_completely(deployment, tmp_path):
    number = 2 * ROWS_AT_A_TIME + 3
    query(
        deployment.reporting,
        "insert into bksb.account (person_id, username, bksb_user_id, state, origin) "
        "select 'P' || n, 'u' || n, n, 'active', 'linked' from generate_series(1, %s) as n",
        number,
    )
    rows = exported(deployment, "account_for_mis", tmp_path / "accounts.csv")
    assert {row["person_id"] for row in rows} == {f"P{n}" for n in range(1, number + 1)}


@pytest.mark.parametrize("name", ["unmatched", "account_for_mis"])
def test_an_empty_list_is_only_a_header(deployment, tmp_path, name):
    assert exported(deployment, name, tmp_path / "list.csv") == []
    assert (tmp_path / "list.csv").read_text().count("\n") == 1


def test_the_file_is_readable_only_by_its_owner_and_replaces_an_older_one(deployment, tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_text("old")
    path.chmod(0o644)
    put(deployment, "P1", "ada", 1)
    exported(deployment, "account_for_mis", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["accounts.csv"]


def test_an_export_that_fails_does_not_change_the_older_file(deployment, tmp_path):
    path = tmp_path / "unmatched.csv"
    path.write_text("old")
    put_learner(deployment, "P1")
    query(
        deployment.reporting,
        "create or replace view bksb.account_for_mis as select person_id, "
        "case when person_id > 'P1900' then (1 / (length(username) - length(username)))::text else username end "
        "as username from bksb.account",
    )
    query(
        deployment.reporting,
        "insert into bksb.account (person_id, username, bksb_user_id, state, origin) "
        "select 'P' || n, 'u' || n, n, 'active', 'linked' from generate_series(1000, 3000) as n",
    )
    with pytest.raises(Exception, match="SQLSTATE 22012") as caught:
        export(deployment.reporting, "account_for_mis", path)
    assert "u1901" not in str(caught.value)
    assert path.read_text() == "old" and [one.name for one in tmp_path.iterdir()] == ["unmatched.csv"]


def test_a_file_that_cannot_be_written_is_an_error_with_the_reason(deployment, tmp_path):
    with pytest.raises(ConfigurationError, match="list.csv cannot be written: No such file or directory"):
        export(deployment.reporting, "unmatched", tmp_path / "nowhere" / "list.csv")
    with pytest.raises(ConfigurationError, match="exists and is not a file"):
        export(deployment.reporting, "unmatched", tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="exists and is not a file"):
        export(deployment.reporting, "unmatched", tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_symbolic_link_to_a_file_stays_a_link(deployment, tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    export(deployment.reporting, "account_for_mis", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "person_id,username\n"


def test_the_reader_role_can_export(deployment, postgres, tmp_path):
    query(deployment.reporting, "create role list_reader login password 'for-the-lists-only'")
    try:
        query(deployment.reporting, "select bksb.grant_reader('list_reader')")
        reader = replace(deployment.reporting, login="list_reader", password="for-the-lists-only")
        put(deployment, "P1", "ada", 1)
        for name, number in (("account_for_mis", 1), ("unmatched", 1)):
            assert export(reader, name, tmp_path / "list.csv") == number
    finally:
        query(deployment.reporting, "drop owned by list_reader; drop role list_reader")


def test_a_database_without_tables_is_an_error_that_names_the_migrate_command(empty_database, tmp_path):
    with pytest.raises(ConfigurationError, match=r"run `python -m bksb migrate`"):
        export(fields_of(empty_database, "reporting"), "unmatched", tmp_path / "list.csv")
    assert list(tmp_path.iterdir()) == []
