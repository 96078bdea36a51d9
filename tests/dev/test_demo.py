"""./run demo in a new clone: two days, interruptions, refusals, the data it leaves, and a person's answer."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psycopg2.extras
import pytest

from bksb.cli import COMMANDS
from dev.airflow.approvals import Approvals
from dev.airflow.rest_api import AirflowApi
from dev.services.clone import Clone
from dev.services.sharing import SharedServices
from tests.clones import PATIENCE, Copy, processes_in, started, wait_until

LEARNERS = "120"
DUMPS = {
    "account": "select xmin, * from bksb.account order by person_id",
    "issue": "select xmin, * from bksb.issue order by id",
    "assessment_result": (
        "select xmin, * from bksb.assessment_result order by bksb_user_id, source, session_id, component"
    ),
    "skill_summary": "select * from bksb.skill_summary order by person_id, subject",
}


def query(clone: Copy, *statements: str) -> list[list[dict[str, Any]]]:
    """The rows of each statement. Joins or starts the database like a ./run command."""
    with (
        SharedServices(Clone(clone.folder)) as services,
        closing(services.postgres().connect("reporting")) as connection,
        connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        found = []
        for statement in statements:
            cursor.execute(statement)
            found.append([dict(row) for row in cursor.fetchall()])
        return found


def dump(clone: Copy) -> dict[str, list[dict[str, Any]]]:
    """All rows, with the number of the transaction that wrote them, so that any change shows."""
    return dict(zip(DUMPS, query(clone, *DUMPS.values()), strict=True))


def journal(clone: Copy) -> list[dict[str, object]]:
    """The accounts that were created in the simulated bksb."""
    kept = (clone.folder / ".run" / "sandbox" / "bksb-accounts.jsonl").read_text()
    return [json.loads(line) for line in kept.splitlines()]


@pytest.fixture(scope="module")
def first_day(fresh_clone: Copy) -> Iterator[str]:
    """The output of the first demo in a fresh clone."""
    result = fresh_clone.run("demo", "--once", "--learners", LEARNERS)
    assert result.returncode == 0, result.stdout + result.stderr
    yield result.stdout
    assert processes_in(fresh_clone.folder) == []


def figure(report: str, what: str) -> int:
    """The number at the start of a line of the report."""
    found = re.search(rf"^ +(\d+)  {what}", report, re.MULTILINE)
    assert found, f"no line '{what}' in:\n{report}"
    return int(found[1])


@contextmanager
def on_terminal(clone: Copy, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], str]]]:
    """./run on its own terminal, 200 columns wide, and a function that returns its output so far."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    said: list[bytes] = []

    def listen() -> None:
        with suppress(OSError):  # raised on Linux when the other end is closed
            while heard := os.read(ours, 4096):
                said.append(heard)

    with started(
        [*clone.command, *arguments],
        cwd=clone.folder,
        env=clone.environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        listener = threading.Thread(target=listen)
        listener.start()
        yield process, lambda: b"".join(said).decode()
    listener.join()
    os.close(ours)


def test_before_the_first_demo_sql_and_export_say_how_to_create_a_database(fresh_clone: Copy) -> None:
    for command in (("sql", "select 1"), ("export", "unmatched")):
        result = fresh_clone.run(*command)
        assert (result.returncode, result.stdout) == (1, "")
        refusal = f"run {command[0]}: there is no reporting database yet. Make one with: ./run demo\n"
        assert result.stderr.endswith(refusal)


def test_usage_is_printed_without_a_command_for_an_unknown_one_and_for_each_one(fresh_clone: Copy) -> None:
    assert fresh_clone.run().returncode == 2
    result = fresh_clone.run("dmeo")
    assert result.returncode == 2
    assert "there is no command 'dmeo'" in result.stderr
    result = fresh_clone.run("--help")
    assert result.returncode == 0
    commands = {line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")}
    assert commands == {"demo", "sandbox", "test", "check", "bench", "airflow", "compose", *COMMANDS}
    result = fresh_clone.run("export", "--help")
    assert (result.returncode, result.stdout.splitlines()[0].split()[:3]) == (0, ["usage:", "./run", "export"])
    assert fresh_clone.run("sql").returncode == 2


def test_mail_is_previewed_in_the_callers_folder_without_any_service(fresh_clone: Copy, tmp_path: Path) -> None:
    result = fresh_clone.run("preview-mail", "--out", "shown", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shown" / "invitation.txt").exists()
    assert not (fresh_clone.folder / ".run" / "postgres").exists()


def test_the_first_demo_creates_accounts_and_leaves_nothing_outside_the_clone(
    fresh_clone: Copy, first_day: str
) -> None:
    by_state, counted = query(
        fresh_clone,
        "select state, count(*) as number from bksb.account group by state",
        "select count(*) as number from bksb.assessment_result",
    )
    accounts = {row["state"]: row["number"] for row in by_state}
    assert accounts["active"] == figure(first_day, "eligible people with an active account")
    assert figure(first_day, "accounts created") == len(journal(fresh_clone)) > 0
    assert figure(first_day, "accounts linked") > 0
    results = counted[0]["number"]
    assert figure(first_day, f"results of [0-9]+ people, {results} of them new") == results > 0
    assert list(fresh_clone.home.iterdir()) == []
    assert processes_in(fresh_clone.folder) == []


def test_the_person_of_the_documents_has_an_account_and_results(fresh_clone: Copy, first_day: str) -> None:
    accounts, summaries = query(
        fresh_clone,
        "select state, username from bksb.account where person_id = 'P000123'",
        "select subject from bksb.skill_summary where person_id = 'P000123'",
    )
    assert accounts == [{"state": "active", "username": "ada.lovelace"}]
    assert summaries


def test_each_account_of_the_demo_has_its_own_password(fresh_clone: Copy, first_day: str) -> None:
    passwords = []
    for path in (fresh_clone.folder / ".run" / "sandbox" / "mail").rglob("*.eml"):
        text = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",)).get_content()
        passwords += re.findall(r"type in your password:\s+(\S+)", text, re.IGNORECASE)
    assert len(passwords) == figure(first_day, "invitations sent") > 1
    assert len(set(passwords)) == len(passwords)


def test_a_demo_without_a_terminal_approves_by_itself_and_reports_it(fresh_clone: Copy, first_day: str) -> None:
    ((approval,),) = query(fresh_clone, "select creations, reasons, outcome from bksb.approval")
    assert (approval["reasons"], approval["outcome"]) == (["first_run"], "approved")
    headline = f"{approval['creations']} bksb accounts would be created"
    assert f"bksb_accounts waits for approval. {headline}" in first_day
    assert f"bksb_accounts was approved and continues. {headline}" in first_day
    assert f"{approval['creations']}  accounts to create: approved (the first run that creates accounts)" in first_day


def test_the_report_and_the_logs_name_no_one(fresh_clone: Copy, first_day: str) -> None:
    (people,) = query(fresh_clone, "select email from bksb.learner_contact where email is not null")
    texts = [first_day, *(path.read_text() for path in (fresh_clone.folder / ".run" / "logs").glob("*.log"))]
    assert people
    assert not [person for person in people for text in texts if person["email"] in text]


def test_secrets_are_for_their_owner_only(fresh_clone: Copy, first_day: str) -> None:
    run = fresh_clone.folder / ".run"
    assert run.stat().st_mode & 0o077 == 0
    for name in ("secrets.json", "postgres/server.json", "airflow/passwords.json"):
        assert (run / name).stat().st_mode & 0o077 == 0, name


def test_the_second_day_changes_no_row_and_creates_no_account(fresh_clone: Copy, first_day: str) -> None:
    before, made = dump(fresh_clone), journal(fresh_clone)
    own_query = fresh_clone.folder / "config" / "eligible_learners.sql"
    own_query.write_text("a site's own file, which the demo ignores")
    result = fresh_clone.run("demo", "--once")
    own_query.unlink()
    assert result.returncode == 0, result.stdout + result.stderr
    assert figure(result.stdout, "accounts created") == 0
    assert journal(fresh_clone) == made
    assert "waits for approval" not in result.stdout
    after = dump(fresh_clone)
    assert {table: after[table] == before[table] for table in before} == dict.fromkeys(before, True)
    assert processes_in(fresh_clone.folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_demo_leaves_no_airflow_and_can_be_run_again(
    fresh_clone: Copy, first_day: str, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "output"
    with fresh_clone.running("demo", output=output) as interrupted:
        wait_until("Airflow starts", lambda: "Starting Airflow" in output.read_text() or interrupted.poll())
        wait_until(
            "a part of Airflow runs", lambda: any("scheduler" in line for line in processes_in(fresh_clone.folder))
        )
        interrupted.send_signal(number)
        interrupted.wait(PATIENCE)
    assert interrupted.returncode == (-9 if number == signal.SIGKILL else 128 + number), output.read_text()
    wait_until("Airflow has gone", lambda: not [line for line in processes_in(fresh_clone.folder) if "airflow" in line])
    assert query(fresh_clone, "select 1 as one") == [[{"one": 1}]]
    wait_until("everything has gone", lambda: not processes_in(fresh_clone.folder))


def test_sql_prints_rows_as_csv(fresh_clone: Copy, first_day: str) -> None:
    result = fresh_clone.run("sql", "select state, count(*) from bksb.account group by 1 order by 1")
    (states,) = query(fresh_clone, "select state, count(*)::text from bksb.account group by 1 order by 1")
    assert result.returncode == 0, result.stderr
    assert list(csv.DictReader(result.stdout.splitlines())) == states


def test_lists_are_exported_as_csv_in_the_callers_folder(fresh_clone: Copy, first_day: str, tmp_path: Path) -> None:
    result = fresh_clone.run("export", "unmatched", "--out", "unmatched.csv", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    with (tmp_path / "unmatched.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == figure(first_day, "eligible people without an account")


def test_accounts_of_the_sandbox_are_imported(fresh_clone: Copy, first_day: str, tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("person_id,username\nP000123,ada.lovelace\n")
    result = fresh_clone.run("import-accounts", "accounts.csv", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("Imported 0 accounts, 1 was linked already.\n")


def test_migrate_brings_the_embedded_database_up_to_date_and_grants_rights(fresh_clone: Copy, first_day: str) -> None:
    query(fresh_clone, "revoke select on bksb.skill_summary from bksb_reader; select 1")
    result = fresh_clone.run("migrate")
    assert (result.returncode, result.stdout) == (0, "The reporting database is up to date.\n"), result.stderr
    may_read = "select has_table_privilege('bksb_reader', 'bksb.skill_summary', 'select') as may_read"
    assert query(fresh_clone, may_read) == [[{"may_read": True}]]


def test_another_reporting_database_is_used_if_its_connection_is_set(fresh_clone: Copy, first_day: str) -> None:
    result = fresh_clone.run("sql", "select 1", AIRFLOW_CONN_REPORTING="postgres://user:password@127.0.0.1:1/reporting")
    assert (result.returncode, result.stdout) == (1, "")
    assert "The reporting database of connection 'reporting' cannot be used:" in result.stderr


def test_if_the_caller_sets_one_connection_the_sandbox_provides_none(fresh_clone: Copy, first_day: str) -> None:
    real = '{"conn_type": "generic", "host": "mis.college.example"}'
    result = fresh_clone.run("airflow", "connections", "get", "mis", "--output", "json", AIRFLOW_CONN_MIS=real)
    assert "mis.college.example" in result.stdout
    result = fresh_clone.run("airflow", "connections", "get", "bksb", "--output", "json", AIRFLOW_CONN_MIS=real)
    assert result.returncode != 0
    assert "not found" in result.stdout + result.stderr
    result = fresh_clone.run("sql", "select 1", AIRFLOW_CONN_MIS=real)
    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no Airflow connection 'reporting'" in result.stderr


@pytest.mark.parametrize("name", ["BKSB", "MIS", "REPORTING", "SMTP_DEFAULT"])
def test_a_demo_is_refused_if_a_connection_is_set(fresh_clone: Copy, name: str) -> None:
    result = fresh_clone.run("demo", "--once", **{f"AIRFLOW_CONN_{name}": "x://real"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"run demo: AIRFLOW_CONN_{name} is set.")
    assert f"unset AIRFLOW_CONN_{name}" in result.stderr


def test_a_taken_port_is_refused(fresh_clone: Copy, first_day: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = fresh_clone.run("demo", "--once", "--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"run demo: port {port} is taken.")


def test_another_number_of_learners_needs_a_reset(fresh_clone: Copy, first_day: str) -> None:
    result = fresh_clone.run("demo", "--once", "--learners", "7")
    assert (result.returncode, result.stdout) == (1, "")
    assert LEARNERS in result.stderr
    assert "--reset" in result.stderr


@dataclass(frozen=True)
class Served:
    """A demo that serves on a terminal after a person rejected its first run, and its output until then."""

    process: subprocess.Popen[str]
    said: str
    api: AirflowApi


@pytest.fixture(scope="module")
def served(fresh_clone: Copy, first_day: str) -> Iterator[Served]:
    """A new demo in the environment of the first one."""
    with on_terminal(fresh_clone, "demo", "--reset", "--learners", "7") as (demo, said):
        wait_until("the demo asks", lambda: "Approve or reject it here" in said() or demo.poll())
        (port,) = set(re.findall(r"http://127.0.0.1:(\d+)/dags/\S+/required_actions", said()))
        (password,) = re.findall(r"user admin, password (\S+)", said())
        api = AirflowApi(int(port), "admin", password)
        shown = "approve_plan awaiting_input"
        wait_until("it keeps showing that it waits", lambda: said().count(shown) > 12 or demo.poll())
        (question,) = api.required_actions()
        api.answer(question, "Reject")
        wait_until("the demo serves", lambda: "Serving until Ctrl-C." in said() or demo.poll())
        yield Served(demo, said(), api)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE) == 0, said()
    assert processes_in(fresh_clone.folder) == []


def test_on_a_terminal_a_person_answers_and_the_demo_continues_after_a_rejection(
    fresh_clone: Copy, served: Served
) -> None:
    assert "Preparing the environment" not in served.said, "a reset keeps the environment"
    assert served.said.count("bksb_accounts waits for approval") == 1
    assert "bksb_accounts was rejected: no account is created" in served.said
    assert "accounts to create: rejected (the first run that creates accounts)" in served.said
    assert journal(fresh_clone) == []
    outcomes, accounts = query(
        fresh_clone, "select outcome from bksb.approval", "select person_id, origin from bksb.account"
    )
    assert outcomes == [{"outcome": "rejected"}]
    assert accounts == [{"person_id": "P000123", "origin": "linked"}], "the only account with a username in the MIS"


@pytest.mark.parametrize("arguments", [(), ("--once",), ("--reset",)])
def test_a_second_demo_is_refused_while_one_runs(fresh_clone: Copy, served: Served, arguments: tuple[str, ...]) -> None:
    result = fresh_clone.run("demo", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("run demo: another ./run demo or a ./run airflow … test is running in this folder.")


@pytest.mark.parametrize(
    "command", [("dags", "test", "bksb_results"), ("tasks", "test", "bksb_results", "plan_fetches")]
)
def test_a_run_without_the_scheduler_is_refused_beside_a_demo(
    fresh_clone: Copy, served: Served, command: tuple[str, ...]
) -> None:
    result = fresh_clone.run("airflow", *command)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("run airflow: ./run demo is running in this folder, and its scheduler would")
    assert "trigger the run in the demo's Airflow" in result.stderr


def test_other_commands_work_beside_a_demo(fresh_clone: Copy, served: Served) -> None:
    result = fresh_clone.run("sql", "select outcome from bksb.approval")
    assert (result.returncode, result.stdout) == (0, "outcome\nrejected\n"), result.stderr
    listed = fresh_clone.run("airflow", "pools", "get", "bksb_api", "--output", "json")
    assert json.loads(listed.stdout)[0]["slots"] == "16", listed.stderr
    assert fresh_clone.run("airflow", "dags", "no-such-command").returncode == 2
    assert served.process.poll() is None
    assert served.api.unhealthy_parts() == []


def test_after_a_rejection_the_next_run_asks_again_and_creates_accounts_once_approved(
    fresh_clone: Copy, served: Served
) -> None:
    run = served.api.trigger("bksb_accounts")
    said: list[str] = []
    person = Approvals(served.api, said.append, "", by_itself=True)

    def has_ended() -> bool:
        person.attend()
        return not served.api.run("bksb_accounts", run.run_id).is_active

    wait_until("the run ends", has_ended)
    assert "bksb_accounts was approved and continues." in "".join(said)
    assert served.api.run("bksb_accounts", run.run_id).state == "success"
    assert len(journal(fresh_clone)) > 0
