"""./run demo from nothing: first and second day, approved, rejected, interrupted, refused, looked at with ./run sql."""

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
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.clones import Copy, processes_in, started, wait_until

LEARNERS = "120"
DUMPS = {
    "account": "select xmin, * from bksb.account order by person_id",
    "issue": "select xmin, * from bksb.issue order by id",
    "assessment_result": (
        "select xmin, * from bksb.assessment_result order by bksb_user_id, source, session_id, component"
    ),
    "skill_summary": "select * from bksb.skill_summary order by person_id, subject",
}


def query(clone: Copy, statement: str) -> list[dict[str, str]]:
    """The rows that ./run sql prints."""
    told = clone.run("sql", statement)
    assert told.returncode == 0, told.stderr
    return list(csv.DictReader(told.stdout.splitlines()))


def dump(clone: Copy) -> dict[str, list[dict[str, str]]]:
    """Every row, with the number of the transaction that wrote it: the smallest change shows."""
    return {table: query(clone, statement) for table, statement in DUMPS.items()}


def journal(clone: Copy) -> list[dict[str, object]]:
    """What the pretend bksb has kept: one entry for each account made there."""
    kept = (clone.folder / ".run" / "sandbox" / "bksb-accounts.jsonl").read_text()
    return [json.loads(line) for line in kept.splitlines()]


@pytest.fixture(scope="module")
def first_day(fresh_clone: Copy) -> Iterator[str]:
    """What the first demo in a fresh clone says."""
    told = fresh_clone.run("demo", "--once", "--learners", LEARNERS)
    assert told.returncode == 0, told.stdout + told.stderr
    yield told.stdout
    assert processes_in(fresh_clone.folder) == []


def figure(report: str, what: str) -> int:
    """The number in front of a line of the report."""
    found = re.search(rf"^ +(\d+)  {what}", report, re.MULTILINE)
    assert found, f"no line '{what}' in:\n{report}"
    return int(found[1])


@contextmanager
def on_terminal(clone: Copy, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], str]]]:
    """./run on a terminal of its own, 200 columns wide; with what it has said so far. Ended with the context."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    said: list[bytes] = []

    def listen() -> None:
        with suppress(OSError):  # Linux says so when the other end is closed
            while heard := os.read(ours, 4096):
                said.append(heard)

    with started(
        [str(clone.folder / "run"), *arguments],
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


def test_before_the_first_demo_sql_says_how_to_get_a_database(fresh_clone: Copy) -> None:
    told = fresh_clone.run("sql", "select 1")
    assert (told.returncode, told.stdout) == (1, "")
    assert "run sql: there is no reporting database yet. Make one with: ./run demo" in told.stderr
    told = fresh_clone.run("export", "unmatched")
    assert (told.returncode, told.stdout) == (1, "")
    assert "run export: there is no reporting database yet. Make one with: ./run demo" in told.stderr


def test_the_first_demo_makes_the_accounts_and_leaves_nothing_outside(fresh_clone: Copy, first_day: str) -> None:
    accounts = {
        row["state"]: int(row["n"])
        for row in query(fresh_clone, "select state, count(*) n from bksb.account group by state")
    }
    assert accounts["active"] == figure(first_day, "eligible people with an active account")
    assert figure(first_day, "accounts created just now") == len(journal(fresh_clone)) > 0
    assert figure(first_day, "accounts linked just now") > 0
    (results,) = query(fresh_clone, "select count(*) n from bksb.assessment_result")
    assert figure(first_day, f"results of [0-9]+ people, {results['n']} of them new") == int(results["n"]) > 0
    assert list(fresh_clone.home.iterdir()) == []
    assert processes_in(fresh_clone.folder) == []


def test_a_demo_without_a_terminal_approves_by_itself_and_says_what(fresh_clone: Copy, first_day: str) -> None:
    (approval,) = query(fresh_clone, "select creations, reasons, outcome from bksb.approval")
    assert (approval["reasons"], approval["outcome"]) == ("{first_run}", "approved")
    headline = f"{approval['creations']} bksb accounts would be created"
    assert f"bksb_accounts waits for a person. {headline}" in first_day
    assert f"bksb_accounts was approved and goes on. {headline}" in first_day
    assert f"{approval['creations']}  accounts to create: approved (the first run that creates accounts)" in first_day


def test_the_report_and_the_logs_name_nobody(fresh_clone: Copy, first_day: str) -> None:
    people = query(fresh_clone, "select given_names, family_name, email from bksb.learner_contact")
    emails = [person["email"] for person in people if person["email"]]
    texts = [first_day, *(path.read_text() for path in (fresh_clone.folder / ".run" / "logs").glob("*.log"))]
    assert emails
    assert not [email for email in emails for text in texts if email in text]


def test_secrets_are_for_their_owner_only(fresh_clone: Copy, first_day: str) -> None:
    run = fresh_clone.folder / ".run"
    assert run.stat().st_mode & 0o077 == 0
    for name in ("secrets.json", "postgres/server.json", "airflow/passwords.json"):
        assert (run / name).stat().st_mode & 0o077 == 0, name


def test_the_second_day_changes_no_row_and_makes_no_account(fresh_clone: Copy, first_day: str) -> None:
    before, made = dump(fresh_clone), journal(fresh_clone)
    told = fresh_clone.run("demo", "--once")
    assert told.returncode == 0, told.stdout + told.stderr
    assert figure(told.stdout, "accounts created just now") == 0
    assert journal(fresh_clone) == made
    assert "waits for a person" not in told.stdout
    after = dump(fresh_clone)
    assert {table: after[table] == before[table] for table in before} == dict.fromkeys(before, True)
    assert processes_in(fresh_clone.folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_demo_that_is_cut_short_leaves_no_airflow_and_can_be_run_again(
    fresh_clone: Copy, first_day: str, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "output"
    with fresh_clone.running("demo", output=output) as cut_short:
        wait_until("Airflow starts", lambda: "Starting Airflow" in output.read_text() or cut_short.poll())
        wait_until(
            "a part of Airflow runs", lambda: any("scheduler" in line for line in processes_in(fresh_clone.folder))
        )
        cut_short.send_signal(number)
        cut_short.wait(timeout=60)
    assert cut_short.returncode == (-9 if number == signal.SIGKILL else 128 + number), output.read_text()
    wait_until("Airflow has gone", lambda: not [line for line in processes_in(fresh_clone.folder) if "airflow" in line])
    assert query(fresh_clone, "select 1 as one") == [{"one": "1"}]
    wait_until(
        "the sandbox and PostgreSQL have gone", lambda: number == signal.SIGKILL or not processes_in(fresh_clone.folder)
    )


def test_airflow_commands_work_and_pass_their_exit_code_on(fresh_clone: Copy, first_day: str) -> None:
    listed = fresh_clone.run("airflow", "pools", "get", "bksb_api", "--output", "json")
    assert json.loads(listed.stdout)[0]["slots"] == "16", listed.stderr
    assert fresh_clone.run("airflow", "dags", "no-such-command").returncode == 2
    wait_until("everything has gone", lambda: processes_in(fresh_clone.folder) == [])


def test_airflow_with_one_real_connection_gets_none_of_the_sandboxs(fresh_clone: Copy, first_day: str) -> None:
    real = '{"conn_type": "generic", "host": "mis.college.example"}'
    told = fresh_clone.run("airflow", "connections", "get", "mis", "--output", "json", AIRFLOW_CONN_MIS=real)
    assert "mis.college.example" in told.stdout
    told = fresh_clone.run("airflow", "connections", "get", "bksb", "--output", "json", AIRFLOW_CONN_MIS=real)
    assert told.returncode != 0
    assert "not found" in told.stdout + told.stderr


def test_lists_are_exported_as_csv(fresh_clone: Copy, first_day: str, tmp_path: Path) -> None:
    told = fresh_clone.run("export", "account_for_mis")
    active = query(fresh_clone, "select person_id, username from bksb.account where state = 'active' order by 1")
    assert told.returncode == 0, told.stderr
    assert list(csv.DictReader(told.stdout.splitlines())) == active
    assert told.stderr == f"Wrote {len(active)} rows of account_for_mis.\n"
    told = fresh_clone.run("export", "unmatched", "--out", "unmatched.csv", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, ""), told.stderr
    with (tmp_path / "unmatched.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == figure(first_day, "without one")
    elsewhere = fresh_clone.run("export", "unmatched", AIRFLOW_CONN_REPORTING="postgres://u:p@127.0.0.1:1/reporting")
    assert elsewhere.returncode == 1
    assert "connection 'reporting' did not answer" in elsewhere.stderr


@pytest.mark.parametrize("name", ["BKSB", "MIS", "REPORTING", "SMTP_DEFAULT"])
def test_a_demo_beside_a_real_connection_is_refused_before_anything_starts(
    fresh_clone: Copy, first_day: str, name: str
) -> None:
    told = fresh_clone.run("demo", "--once", **{f"AIRFLOW_CONN_{name}": "x://real"})
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"run demo: AIRFLOW_CONN_{name} is set.")
    assert f"unset AIRFLOW_CONN_{name}" in told.stderr


def test_a_taken_port_is_named(fresh_clone: Copy, first_day: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = fresh_clone.run("demo", "--once", "--port", str(port))
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"run demo: port {port} is taken.")


def test_another_number_of_learners_asks_for_a_reset(fresh_clone: Copy, first_day: str) -> None:
    told = fresh_clone.run("demo", "--once", "--learners", "7")
    assert (told.returncode, told.stdout) == (1, "")
    assert LEARNERS in told.stderr
    assert "--reset" in told.stderr


def test_a_second_demo_and_a_reset_are_refused_while_one_runs(
    fresh_clone: Copy, first_day: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with fresh_clone.running("demo", "--once", output=output) as running:
        wait_until("the demo has begun", lambda: "Preparing" in output.read_text() or running.poll())
        told = fresh_clone.run("demo", "--once", "--reset")
        assert told.returncode == 1
        assert told.stderr.startswith("run demo: another ./run demo is already running in this folder.")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("slect 1", 'syntax error at or near "slect"'),
        ("select * from bksb.nowhere", 'relation "bksb.nowhere" does not exist'),
        ("delete from bksb.account", "./run sql only reads"),
        ("delete from bksb.account returning 1", "cannot execute DELETE in a read-only transaction"),
    ],
)
def test_a_query_that_fails_says_why_in_one_line(
    fresh_clone: Copy, first_day: str, statement: str, message: str
) -> None:
    told = fresh_clone.run("sql", statement)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("run sql: ")
    assert message in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_reporting_database_elsewhere_is_used_when_it_is_named(fresh_clone: Copy, first_day: str) -> None:
    nowhere = '{"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "schema": "reporting"}'
    for told in (
        fresh_clone.run("sql", "select 1", AIRFLOW_CONN_REPORTING=nowhere),
        fresh_clone.run("sql", "select 1", AIRFLOW_CONN_REPORTING="postgres://u:p@127.0.0.1:1/reporting"),
    ):
        assert told.returncode == 1
        assert told.stderr.startswith("run sql: the reporting database of AIRFLOW_CONN_REPORTING cannot be used:")


def test_usage_is_told_for_no_command_and_for_a_wrong_one(fresh_clone: Copy, first_day: str) -> None:
    assert fresh_clone.run().returncode == 2
    told = fresh_clone.run("dmeo")
    assert told.returncode == 2
    assert "there is no command 'dmeo'" in told.stderr
    assert "./run demo" in told.stderr
    assert fresh_clone.run("--help").returncode == 0


def test_a_reset_throws_the_data_away_and_not_the_environment(
    fresh_clone: Copy, first_day: str, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with fresh_clone.running("demo", "--reset", "--learners", "7", output=output) as running:
        wait_until("the demo comes to Airflow", lambda: "Starting Airflow" in output.read_text() or running.poll())
    assert "Preparing the environment" not in output.read_text()
    assert query(fresh_clone, "select count(*) n from bksb.account") == [{"n": "0"}]
    assert journal(fresh_clone) == []


def test_on_a_terminal_a_person_answers_and_a_rejected_demo_goes_on(fresh_clone: Copy, first_day: str) -> None:
    with on_terminal(fresh_clone, "demo", "--reset", "--learners", "7") as (demo, said):
        wait_until("the demo asks", lambda: "Approve or reject it here" in said() or demo.poll(), seconds=180)
        shown = "approve_plan awaiting_input"
        wait_until("it keeps showing that it waits", lambda: said().count(shown) > 12 or demo.poll())
        (page, password) = re.findall(r"(http://\S+/required_actions)|user admin, password (\S+)", said())
        answer(page[0], password[1], "Reject")
        wait_until("the demo serves", lambda: "Serving until Ctrl-C." in said() or demo.poll(), seconds=180)
        assert said().count("bksb_accounts waits for a person") == 1
        assert "bksb_accounts was rejected: nothing is created" in said()
        assert "accounts to create: rejected (the first run that creates accounts)" in said()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 0, said()
    assert journal(fresh_clone) == []
    assert query(fresh_clone, "select outcome from bksb.approval") == [{"outcome": "rejected"}]
    told = fresh_clone.run("demo", "--once")
    assert told.returncode == 0, told.stdout + told.stderr
    assert figure(told.stdout, "accounts created just now") == len(journal(fresh_clone)) > 0


def answer(page: str, password: str, option: str) -> None:
    """What the button on the page of a required action does."""
    url, path = page.removesuffix("/required_actions").split("/dags/")
    token = requests.post(f"{url}/auth/token", json={"username": "admin", "password": password}, timeout=60).json()
    task = f"{url}/api/v2/dags/{path.replace('/runs/', '/dagRuns/').replace('/tasks/', '/taskInstances/')}/-1"
    given = requests.patch(
        f"{task}/hitlDetails",
        json={"chosen_options": [option]},
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=60,
    )
    assert given.status_code == 200, given.text
