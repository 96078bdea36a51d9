"""The commands import-accounts, relink and export, called through Airflow's connections."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import subprocess
import sys

import pytest

from tests.conftest import query


def importing(*arguments: str) -> int:
    from bksb.cli import main

    return main(["import-accounts", *arguments])


@pytest.fixture
def plain(world) -> list[str]:
    return sorted(world.people_of("plain"))


@pytest.fixture
def file(tmp_path):
    """Write an import file of these pairs; return its path."""

    def write(*pairs, encoding="utf-8") -> str:
        path = tmp_path / "accounts.csv"
        lines = ["person_id,username,note", *(f"{person_id},{username},x" for person_id, username in pairs)]
        path.write_text("\n".join(lines), encoding=encoding)
        return str(path)

    return write


@pytest.fixture
def made(sandbox):
    """Create accounts in bksb with these usernames."""

    def make(*usernames):
        for username in usernames:
            sandbox.site.create_user(username, "Ada", "Lovelace", "ada@learner.example", "a good password")

    return make


def test_a_file_is_imported_once_and_then_reported_as_linked_already(
    airflow, connections, reporting, plain, file, made, capsys
):
    made("unmistakeable.one", "unmistakeable.two")
    path = file((plain[0], "unmistakeable.one"), (plain[1], "unmistakeable.two"), encoding="utf-8-sig")
    assert importing(path, "--dry-run") == 0
    assert capsys.readouterr().out == "Dry run, nothing was written: would import 2 accounts, 0 were linked already.\n"
    assert query(reporting, "select 1 from bksb.account") == []
    assert importing(path) == 0
    assert capsys.readouterr().out == "Imported 2 accounts, 0 were linked already.\n"
    assert importing(path) == 0
    assert capsys.readouterr().out == "Imported 0 accounts, 2 were linked already.\n"
    assert len(query(reporting, "select 1 from bksb.account where origin = 'imported' and state = 'active'")) == 2


def test_lines_that_need_attention_are_reported_without_usernames_and_the_others_imported(
    airflow, connections, reporting, plain, file, made, capfd, caplog
):
    caplog.set_level(logging.DEBUG)
    made("unmistakeable.one")
    path = file((plain[0], "unmistakeable.one"), (plain[1], "unmistakeable.nobody"), ("Unmistakeable Name", "x"))
    assert importing(path) == 1
    told = capfd.readouterr()
    assert told.out.splitlines() == [
        "Imported 1 account, 0 were linked already, 2 lines need attention:",
        f"  line 3, {plain[1]}: bksb does not know this username: correct it",
        "  line 4: neither the MIS nor an earlier run lists this person: correct the person_id",
    ]
    assert "unmistakeable" not in (told.out + told.err + caplog.text).lower()
    assert len(query(reporting, "select 1 from bksb.account")) == 1


def test_an_import_that_cannot_start_says_why_and_makes_no_calls_to_bksb(
    airflow, connections, sandbox, file, plain, tmp_path, monkeypatch, capsys
):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "table.xlsx").write_bytes(b"PK\x03\x04\x00\xff\xfe")
    (tmp_path / "other.csv").write_text("id;name\n1;2\n")
    sandbox.site.reset_counters()
    for path, says in (
        (tmp_path / "not there.csv", "The file cannot be read: No such file or directory"),
        (tmp_path, "The file cannot be read: Is a directory"),
        (tmp_path / "empty.csv", "The file is empty"),
        (tmp_path / "table.xlsx", "The file is not UTF-8 text"),
        (tmp_path / "other.csv", "The file has no column person_id"),
    ):
        assert importing(str(path)) == 1
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith(says) and told.err.count("\n") == 1
    path = file((plain[0], "ada"))
    off = connections | {"extra": {"integration_enabled": False}}
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(off))
    assert importing(path) == 1
    assert "Integration Enabled is off" in capsys.readouterr().err
    monkeypatch.delenv("AIRFLOW_CONN_BKSB")
    assert importing(path) == 1
    assert "There is no Airflow connection 'bksb'" in capsys.readouterr().err
    assert sandbox.site.calls == {}
    for wrong in ([], ["import-accounts"], ["links", path], ["import-accounts", path, "--force"]):
        from bksb.cli import main

        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2


def test_a_refused_key_is_reported_with_the_page_where_to_correct_it(
    airflow, connections, reporting, file, plain, monkeypatch, capsys
):
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"password": "wrong-secret-key"}))
    assert importing(file((plain[0], "ada"))) == 1
    assert "API Access Keys" in capsys.readouterr().err
    assert query(reporting, "select 1 from bksb.account") == []


def test_relink_corrects_a_link_and_reports_it_without_usernames(
    airflow, connections, reporting, plain, file, made, capsys
):
    from bksb.cli import main

    made("unmistakeable.wrong", "unmistakeable.right")
    importing(file((plain[0], "unmistakeable.wrong")))
    capsys.readouterr()
    assert main(["relink", plain[0], "unmistakeable.right", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("Dry run, nothing was written. Would change:\n")
    assert main(["relink", plain[0], "unmistakeable.right"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Changed:\n  {plain[0]}: bksb user ") and "unmistakeable" not in shown.out + shown.err
    (account,) = query(reporting, "select username, state from bksb.account")
    assert tuple(account) == ("unmistakeable.right", "active")
    assert main(["relink", plain[0], "unmistakeable.absent"]) == 1
    assert capsys.readouterr().err == "Nothing was changed: bksb does not know this username: correct it.\n"


def command(*arguments: str, **options):
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, check=False, timeout=120, **options)


def test_the_commands_read_standard_input_and_write_standard_output(airflow, connections, reporting, plain, made):
    made("Zoë, 王")
    content = f'person_id,username\n{plain[0]},"Zoë, 王"\n'
    done = command("bksb", "import-accounts", "-", input=content.encode())
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (
        0,
        "Imported 1 account, 0 were linked already.",
    ), done.stderr
    done = command("bksb", "export", "account_for_mis")
    assert (done.returncode, done.stdout.decode()) == (0, content)
    assert done.stderr.decode().splitlines()[-1] == "Wrote 1 rows of account_for_mis."


def test_the_lists_are_exported_from_the_given_connection(
    airflow, connections, reporting, tmp_path, monkeypatch, capsysbinary
):
    from bksb.cli import main

    query(reporting, "insert into bksb.learner (person_id, person_kind, eligible) values ('P1', 'learner', true)")
    assert main(["export", "unmatched"]) == 0
    told = capsysbinary.readouterr().out.decode()
    expected = {"side": "learner without account", "person_id": "P1", "person_kind": "learner"}
    expected |= {"account_state": "unknown", "username": "", "issues": ""}
    assert list(csv.DictReader(io.StringIO(told))) == [expected]
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", os.environ["AIRFLOW_CONN_REPORTING"])
    monkeypatch.delenv("AIRFLOW_CONN_REPORTING")
    assert main(["export", "unmatched", "--out", str(tmp_path / "u.csv"), "--conn", "elsewhere"]) == 0
    assert (tmp_path / "u.csv").read_text() == told
    assert main(["export", "unmatched"]) == 1
    assert b"There is no Airflow connection 'reporting'" in capsysbinary.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["export", "learners"])
    assert ended.value.code == 2


def test_a_reader_that_stops_early_causes_no_error_message(airflow, connections, reporting):
    query(
        reporting,
        "insert into bksb.account (person_id, username, bksb_user_id, state, origin) "
        "select 'P' || n, 'u' || n, n, 'active', 'linked' from generate_series(1, 100000) as n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "bksb", "export", "account_for_mis"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline() == b"person_id,username\n"
    process.stdout.close()
    assert process.wait(timeout=120) == 1
    said = process.stderr.read().decode()
    process.stderr.close()
    assert "Traceback" not in said and "BrokenPipe" not in said
