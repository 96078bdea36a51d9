"""The personal data of an unmistakable person is found nowhere in Airflow, after success and every kind of failure."""

from __future__ import annotations

import json
import logging
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.mailbox.faults import MailFault
from tests.conftest import DEFAULT_PASSWORD, fields_of, query, repository

NAMES = {"surname": "Unmistakeable", "forenames": "Zebedee"}
BORN = "2009-02-27"
PASSWORD_SECRET = "a secret that makes passwords, 2026"
TRACES = ("unmistakeable", "zebedee", BORN, "20090227", DEFAULT_PASSWORD.lower(), PASSWORD_SECRET)


@pytest.fixture
def one_person(mis_fields, world):
    """An MIS in which every person has the unmistakable name, e-mail address and date of birth."""
    query(mis_fields, "update person set surname = %s, forenames = %s, date_of_birth = %s", *NAMES.values(), BORN)
    query(mis_fields, "update person set email = 'zebedee.unmistakeable.' || person_id || '@learner.example'")
    query(mis_fields, "update person set bksb_username = 'zebedee-' || person_id where bksb_username is not null")
    return mis_fields


def nothing_goes_wrong(**_):
    """Both runs succeed."""


def the_key_is_wrong(connections, monkeypatch, **_):
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"password": "another-secret-key"}))


def the_mis_query_breaks_on_a_row(one_person, **_):
    query(one_person, "alter table person alter column date_of_birth type text")


def the_mis_query_is_refused(one_person, **_):
    query(one_person, "alter table episode rename column start_date to begin_date")


def a_row_breaks_a_constraint(reporting, **_):
    query(reporting, "alter table bksb.learner_contact add check (family_name <> 'Unmistakeable')")


def a_row_does_not_fit(reporting, **_):
    query(reporting, "alter table bksb.learner_contact alter column family_name type varchar(5)")


def bksb_repeats_the_person_in_its_refusal(connections, monkeypatch, **_):
    echo(connections, monkeypatch, 200, '"User Zebedee Unmistakeable, born 2009-02-27, is not acceptable"')


def bksb_repeats_the_person_in_a_bad_request(connections, monkeypatch, **_):
    echo(connections, monkeypatch, 400, '{"Message": "Zebedee Unmistakeable 2009-02-27"}')


def echo(connections, monkeypatch, status, body):
    """Start a bksb that knows no user and answers every creation with this body."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            not_found = (404, "\"A user with username 'zebedee' not found.\"")
            code, text = (status, body) if self.command == "POST" else not_found
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"host": host}))


def every_address_is_refused(sandbox, **_):
    sandbox.mailbox.faults.add(MailFault("refuses", times=3))


def the_mail_server_dies_in_the_middle(sandbox, **_):
    sandbox.mailbox.faults.add(MailFault("dies_after_data", after=2, times=1))


def a_template_has_an_unknown_variable(config, **_):
    (config / "templates" / "invitation.txt").write_text("Dear {{ given_names }} {{ surname }}")


def each_account_has_a_password_of_its_own(connections, monkeypatch, **_):
    change(connections, monkeypatch, password_secret=PASSWORD_SECRET)


def usernames_that_name_people_are_linked(connections, sandbox, world, **_):
    for person_id in world.people_of("stored_username"):
        username = f"zebedee-{person_id}"
        user = sandbox.site.find(world.person(person_id).bksb_username)
        sandbox.site.rename(user.user_id, username)


def change(connections, monkeypatch, **extra):
    monkeypatch.setenv("AIRFLOW_CONN_BKSB", json.dumps(connections | {"extra": connections["extra"] | extra}))


@pytest.mark.parametrize(
    "what_happens",
    [
        nothing_goes_wrong,
        the_key_is_wrong,
        the_mis_query_breaks_on_a_row,
        the_mis_query_is_refused,
        a_row_breaks_a_constraint,
        a_row_does_not_fit,
        bksb_repeats_the_person_in_its_refusal,
        bksb_repeats_the_person_in_a_bad_request,
        every_address_is_refused,
        the_mail_server_dies_in_the_middle,
        a_template_has_an_unknown_variable,
        each_account_has_a_password_of_its_own,
        usernames_that_name_people_are_linked,
    ],
)
def test_no_log_and_no_table_of_airflow_holds_personal_data(
    run_accounts,
    connections,
    one_person,
    reporting,
    postgres,
    sandbox,
    world,
    monkeypatch,
    config,
    caplog,
    capfd,
    what_happens,
):
    from airflow.dag_processing.dagbag import DagBag

    what_happens(
        connections=connections,
        one_person=one_person,
        reporting=reporting,
        monkeypatch=monkeypatch,
        sandbox=sandbox,
        world=world,
        config=config,
    )
    caplog.set_level(logging.DEBUG)
    run_accounts("Approve")
    DagBag(str(repository() / "dags")).dags["bksb_results"].test(run_after=datetime.now(UTC))
    said = (caplog.text + "".join(capfd.readouterr())).lower()
    assert "bksb_accounts" in said
    traces = (*TRACES, *passwords_in(sandbox))
    assert [trace for trace in traces if trace.lower() in said] == []
    assert in_airflows_tables(postgres, traces) == []
    issues = query(reporting, "select detail from bksb.issue")
    assert [row.detail for row in issues if any(trace.lower() in row.detail.lower() for trace in traces)] == []


def passwords_in(sandbox) -> set[str]:
    """Return the passwords in the e-mails of the sandbox."""
    bodies = [message.body("plain") or "" for message in sandbox.mailbox.messages()]
    return {match[1] for body in bodies if (match := re.search(r"password:\s+(\S{8,})", body, re.IGNORECASE))}


def test_the_passwords_in_e_mails_are_found_by_the_test_above(
    run_accounts, connections, one_person, sandbox, monkeypatch
):
    change(connections, monkeypatch, password_secret=PASSWORD_SECRET)
    run_accounts("Approve")
    assert len(passwords_in(sandbox)) == len(sandbox.mailbox.messages()) > 50


def in_airflows_tables(postgres, traces) -> list[str]:
    """Return the tables of Airflow's metadata that hold one of the traces."""
    metadata = fields_of(postgres.dsn("airflow"), "airflow")
    tables = query(
        metadata,
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    assert len(tables) > 30
    wanted = [f"%{trace}%" for trace in traces]
    return [
        table
        for (table,) in tables
        if query(metadata, f'select 1 from "{table}" as t where t::text ilike any (%s) limit 1', wanted)
    ]
