"""Invitations from end to end, with a real MIS, a real reporting database, the sandbox and real SMTP."""

from __future__ import annotations

import html
import logging
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses

import pytest

from bksb.errors import ConfigurationError, MisContractError, TransientError
from bksb.folders import SQL_FOLDER
from bksb.jobs.accounts import apply_plan, plan_accounts, record_plan
from bksb.jobs.invitations.sending import STOP_AFTER_SECONDS, Clock, count_invitations, send_invitations
from bksb.mail.smtp import Mailer
from bksb.mis import Mis
from bksb.reporting.store import open_store
from bksb.rules.times import MailHours
from sandbox.bksb.faults.catalogue import Fault
from sandbox.mailbox.faults import MailFault
from tests.conftest import DEFAULT_PASSWORD, SENDER, mailer_of, query, smtp_of
from tests.runs import a_run, rows_of, run_accounts, run_results

TABLES = ("account", "invitation", "issue")


class Killed(BaseException):
    """Simulates a killed process: our code does not catch it."""


class Passing(Clock):
    """A clock that only sleeping and `advance` move forward."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)) -> None:
        self.passed = 0.0
        super().__init__(
            now=lambda: start + timedelta(seconds=self.passed),
            monotonic=lambda: self.passed,
            sleep=self.advance,
        )

    def advance(self, seconds: float) -> None:
        object.__setattr__(self, "passed", self.passed + seconds)


def with_settings(deployment, **changes):
    return replace(deployment, settings=replace(deployment.settings, **changes))


def with_accounts(deployment, run_id: str = "manual__accounts", **changes):
    """Run bksb_accounts up to the point before it sends mail."""
    run = a_run(deployment, "bksb_accounts", run_id, **changes)
    plan_accounts(deployment, run)
    for buckets in record_plan(deployment, run):
        apply_plan(deployment, run, buckets)
    return run


def send(deployment, run_id: str = "manual__1", clock: Clock | None = None, **changes):
    """Run only the task that sends mail."""
    run = a_run(deployment, "bksb_accounts", run_id, **changes)
    send_invitations(deployment, run, clock)
    return run


def created(deployment) -> dict[str, str]:
    rows = query(deployment.reporting, "select person_id, username from bksb.account where origin = 'created'")
    return {row.person_id: row.username for row in rows}


def invitations(deployment) -> list:
    return query(deployment.reporting, "select * from bksb.invitation order by person_id, intent_at")


def states(deployment) -> Counter[str]:
    return Counter(row.state for row in invitations(deployment))


def issues(deployment) -> dict[str, str]:
    rows = query(
        deployment.reporting,
        "select person_id, code from bksb.issue where code like 'invitation%%' and resolved_at is null",
    )
    return {row.person_id: row.code for row in rows}


def email_of(mis_fields, person_id: str) -> str:
    return query(mis_fields, "select email from person where person_id = %s", person_id)[0].email


def leave(mis_fields, person_id: str) -> None:
    """Make the person no longer eligible."""
    for table in ("episode", "application"):
        query(mis_fields, f"update {table} set system_status = 'Dormant' where person_id = %s", person_id)


def ordinary_person(deployment, world, place: int = 0) -> str:
    """One of the plain people with a created account."""
    return sorted(world.people_of("plain") & created(deployment).keys())[place]


@pytest.fixture
def three(deployment, world):
    """Three plain people with new accounts, not yet invited."""
    people = tuple(sorted(world.people_of("plain")))[:3]
    with_accounts(deployment, person_ids=people)
    return people


# Recipients and content


def test_each_person_with_a_new_account_gets_one_message_at_their_address(deployment, sandbox, mis_fields, world):
    run_accounts(deployment)
    refused = world.people_of("refused_email")
    expected = {email_of(mis_fields, person_id) for person_id in created(deployment).keys() - refused}
    assert Counter(message.recipients for message in sandbox.mailbox.messages()) == {(one,): 1 for one in expected}
    assert len(expected) > 50
    invited = query(deployment.reporting, "select origin, invited_at from bksb.account where invited_at is not null")
    assert len(invited) == len(expected) and {row.origin for row in invited} == {"created"}
    assert len({row.message_id for row in invitations(deployment)}) == len(created(deployment))


def test_the_message_says_how_to_log_in_both_in_text_and_in_html(deployment, sandbox, mis_fields, three):
    send(deployment, person_ids=three[:1])
    (message,) = sandbox.mailbox.messages()
    given, username = (
        query(mis_fields, "select forenames from person where person_id = %s", three[0])[0].forenames,
        created(deployment)[three[0]],
    )
    for body in (message.body("plain"), html.unescape(message.body("html"))):
        assert given in body and username in body and DEFAULT_PASSWORD in body
        assert f"https://college.bksblive2.example/bksbLive2/Login.aspx?username={username}" in body
    assert message.email["From"] == SENDER
    assert given in message.subject


def test_the_password_in_the_message_is_the_one_sent_to_bksb(deployment, sandbox, world):
    own = with_settings(deployment, password_secret="a secret of some length")
    run_accounts(own, person_ids=tuple(sorted(world.people_of("plain")))[:3])
    passwords = set()
    for username in created(own).values():
        password = own.settings.password_of(username)
        user = sandbox.site.find(username)
        assert user.has_password(password)
        assert sum(password in message.body("plain") for message in sandbox.mailbox.messages()) == 1
        passwords.add(password)
    assert len(passwords) == 3


def test_names_with_special_characters_arrive_unchanged_and_never_as_markup(deployment, sandbox, mis_fields, three):
    names = ["Siân O'Brien-Łukasz", "<b>Bobby</b> & {{ password }}", "Ann\r\nBcc: all@learner.example"]
    for person_id, name in zip(three, names, strict=True):
        query(mis_fields, "update person set forenames = %s where person_id = %s", name, person_id)
    send(deployment, person_ids=three)
    for person_id, name in zip(three, names, strict=True):
        (message,) = sandbox.mailbox.messages(to=email_of(mis_fields, person_id))
        assert " ".join(name.split()) in message.subject
        assert name.replace("\r\n", "\n") in message.body("plain")
        assert "<b>Bobby" not in message.body("html")
        assert message.email["Bcc"] is None
        assert [address for _, address in getaddresses([message.email["To"]])] == list(message.recipients)
    assert DEFAULT_PASSWORD not in "".join(message.subject for message in sandbox.mailbox.messages())


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("change", ["origin = 'linked'", "origin = 'imported'", "state = 'stale'"])
def test_an_account_that_is_relinked_while_messages_are_sent_gets_no_invitation(
    deployment, sandbox, three, begun, change
):
    if begun:
        sandbox.mailbox.faults.add(MailFault("later"))
        send(deployment, "manual__1", person_ids=three)
        sandbox.mailbox.faults.clear()

    class Changing(Mailer):
        def send(self, message):
            super().send(message)
            query(deployment.reporting, f"update bksb.account set {change} where person_id = %s", three[2])

    changing = replace(deployment, open_mailer=lambda: _Closing(Changing(lambda: smtp_of(sandbox), SENDER)))
    send(changing, "manual__2", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2
    assert states(deployment) == ({"sent": 2, "waiting": 1} if begun else {"sent": 2})


def test_linked_accounts_are_not_invited(deployment, sandbox, mis_fields, world):
    run_accounts(deployment)
    linked = query(deployment.reporting, "select person_id from bksb.account where origin = 'linked'")
    assert linked
    for row in linked:
        assert sandbox.mailbox.messages(to=email_of(mis_fields, row.person_id) or "") == []


# Each message once


def test_a_second_run_sends_nothing_and_rewrites_no_row(deployment, sandbox):
    run_accounts(deployment)
    before, sent = rows_of(deployment, *TABLES), len(sandbox.mailbox.messages())
    sandbox.mail_server.stop()
    run_accounts(deployment, "manual__2")
    assert rows_of(deployment, *TABLES) == before
    assert len(sandbox.mailbox.messages()) == sent


def test_a_dry_run_sends_and_records_nothing(deployment, sandbox, three):
    send(deployment, dry_run=True, person_ids=three)
    send(deployment, dry_run=True, resend_invitation=True, person_ids=three)
    assert sandbox.mailbox.messages() == [] and invitations(deployment) == []


class Dying(Mailer):
    """A mailer that kills its process before or after the next message."""

    moment = ""

    def send(self, message):
        if self.moment == "after it is handed over":
            super().send(message)
        raise Killed


@pytest.mark.parametrize(("moment", "arrived"), [("before it is handed over", 0), ("after it is handed over", 1)])
def test_a_message_of_a_killed_process_is_repeated_once_with_the_same_id(deployment, sandbox, three, moment, arrived):
    def dying():
        mailer = Dying(lambda: smtp_of(sandbox), SENDER)
        mailer.moment = moment
        return _Closing(mailer)

    with pytest.raises(Killed):
        send(replace(deployment, open_mailer=dying), person_ids=three)
    (row,) = invitations(deployment)
    assert (row.state, row.repeated) == ("sending", False)
    send(deployment, "manual__2", person_ids=three)
    ids = Counter(message.message_id for message in sandbox.mailbox.messages())
    assert ids[row.message_id] == arrived + 1 and sorted(ids.values()) == [1, 1, arrived + 1]
    assert issues(deployment) == {row.person_id: "invitation_repeated"}
    assert states(deployment) == {"sent": 3}
    send(deployment, "manual__3", person_ids=three)
    assert issues(deployment) == {} and len(sandbox.mailbox.messages()) == 3 + arrived


class _Closing:
    """Makes a mailer usable in a `with` block."""

    def __init__(self, mailer):
        self._mailer = mailer

    def __enter__(self):
        return self._mailer

    def __exit__(self, *_):
        self._mailer.close()


def test_a_message_with_unknown_delivery_twice_is_never_sent_a_third_time(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("dies_after_data"))
    for number in range(4):
        send(deployment, f"manual__{number}", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 2
    assert len({message.message_id for message in sandbox.mailbox.messages()}) == 1
    assert states(deployment) == {"unknown": 1}
    assert issues(deployment) == {three[0]: "invitation_failed"}
    sandbox.mailbox.faults.clear()
    send(deployment, "manual__asked", person_ids=three[:1], resend_invitation=True)
    assert len(sandbox.mailbox.messages()) == 3 and issues(deployment) == {}


def test_a_message_of_two_killed_processes_is_not_sent_a_third_time(deployment, sandbox, three):
    def dying():
        return _Closing(Dying(lambda: smtp_of(sandbox), SENDER))

    for number in range(2):
        with pytest.raises(Killed):
            send(replace(deployment, open_mailer=dying), f"manual__{number}", person_ids=three[:1])
    assert issues(deployment) == {three[0]: "invitation_repeated"}
    send(deployment, "manual__3", person_ids=three[:1])
    assert sandbox.mailbox.messages() == []
    assert states(deployment) == {"unknown": 1} and issues(deployment) == {three[0]: "invitation_failed"}


def test_a_repeat_that_the_server_defers_is_still_due(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("dies_in_data", times=1))
    send(deployment, "manual__1", person_ids=three[:1])
    sandbox.mailbox.faults.add(MailFault("later", times=1))
    send(deployment, "manual__2", person_ids=three[:1])
    (row,) = invitations(deployment)
    assert (row.state, row.repeated) == ("sending", False)
    send(deployment, "manual__3", person_ids=three[:1])
    assert [message.message_id for message in sandbox.mailbox.messages()] == [row.message_id]


def test_two_tasks_at_once_invite_each_person_once(deployment, sandbox, three):
    runs = [
        threading.Thread(target=send, args=(deployment, f"manual__{n}"), kwargs={"person_ids": three}) for n in "ab"
    ]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert len(sandbox.mailbox.messages()) == 3 and states(deployment) == {"sent": 3}


# Failures of the mail server


def test_a_refused_address_is_tried_again_only_when_the_mis_has_another_one(deployment, sandbox, mis_fields, three):
    person_id = three[1]
    query(mis_fields, "update person set email = 'a@refused.example' where person_id = %s", person_id)
    send(deployment, "manual__1", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2
    assert issues(deployment) == {person_id: "invitation_failed"}
    before = rows_of(deployment, *TABLES)
    send(deployment, "manual__2", person_ids=three)
    assert rows_of(deployment, *TABLES) == before
    query(mis_fields, "update person set email = 'corrected@learner.example' where person_id = %s", person_id)
    send(deployment, "manual__3", person_ids=three)
    assert len(sandbox.mailbox.messages(to="corrected@learner.example")) == 1
    assert issues(deployment) == {}
    assert "refused.example" not in str(rows_of(deployment, *TABLES))


def test_the_reason_of_a_refusal_is_only_its_smtp_code(deployment, mis_fields, three):
    query(mis_fields, "update person set email = 'a@refused.example' where person_id = %s", three[0])
    send(deployment, person_ids=three)
    (detail,) = query(deployment.reporting, "select detail from bksb.issue where code = 'invitation_failed'")[0]
    assert "SMTP 550" in detail and "@" not in detail


def test_a_server_that_refuses_everyone_stops_sending_and_opens_no_issues(deployment, sandbox):
    with_accounts(deployment)
    sandbox.mailbox.faults.add(MailFault("refuses"))
    with pytest.raises(ConfigurationError, match="refused 8 people in a row.*SMTP 550"):
        send(deployment)
    assert states(deployment) == {"waiting": 8} and issues(deployment) == {}
    sandbox.mailbox.faults.clear()
    send(deployment)
    assert states(deployment)["sent"] == len(sandbox.mailbox.messages()) > 50
    assert "waiting" not in states(deployment)


def test_a_server_that_is_down_fails_the_task_before_anything_is_recorded(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("down"))
    with pytest.raises(TransientError, match="mail server"):
        send(deployment, person_ids=three)
    assert invitations(deployment) == []
    sandbox.mailbox.faults.clear()
    send(deployment, person_ids=three)
    assert states(deployment) == {"sent": 3}


def test_a_server_that_fails_during_the_run_stops_it_and_the_next_try_continues(deployment, sandbox):
    with_accounts(deployment)
    sandbox.mailbox.faults.add(MailFault("dies_before_data", after=20), MailFault("down", after=1))
    with pytest.raises(TransientError, match="The mail server gave no usable answer for 8 people in a row"):
        send(deployment)
    assert states(deployment)["sent"] == len(sandbox.mailbox.messages()) == 20
    sandbox.mailbox.faults.clear()
    send(deployment)
    assert set(Counter(message.recipients for message in sandbox.mailbox.messages()).values()) == {1}
    assert "waiting" not in states(deployment) and "sending" not in states(deployment)


def test_a_deferred_message_is_sent_next_time_with_the_same_id(deployment, sandbox, mis_fields, three):
    sandbox.mailbox.faults.add(MailFault("later", to=email_of(mis_fields, three[1])))
    send(deployment, "manual__1", person_ids=three)
    assert states(deployment) == {"sent": 2, "waiting": 1} and issues(deployment) == {}
    (waiting,) = [row for row in invitations(deployment) if row.state == "waiting"]
    sandbox.mailbox.faults.clear()
    send(deployment, "manual__2", person_ids=three)
    assert sandbox.mailbox.messages()[0].message_id == waiting.message_id
    assert states(deployment) == {"sent": 3}


def test_addresses_that_the_server_always_refuses_delay_no_one_and_become_issues(deployment, sandbox, mis_fields):
    with_accounts(deployment)
    sandbox.mailbox.faults.add(MailFault("refuses"))
    with pytest.raises(ConfigurationError):
        send(deployment, "manual__1")
    sandbox.mailbox.faults.clear()
    bad = {row.person_id for row in invitations(deployment)}
    assert len(bad) == 8 and issues(deployment) == {}
    query(mis_fields, "update person set email = person_id || '@refused.example' where person_id = any(%s)", list(bad))
    send(deployment, "manual__2")
    assert {row.person_id for row in invitations(deployment) if row.state == "refused"} >= bad
    assert states(deployment)["sent"] == len(sandbox.mailbox.messages()) > 40
    assert issues(deployment).items() >= dict.fromkeys(bad, "invitation_failed").items()


def test_a_person_deferred_for_days_is_an_issue_and_delays_no_one(deployment, sandbox, mis_fields):
    with_accounts(deployment)
    clock = Passing()
    late = set(sorted(created(deployment))[:9])
    for person_id in late:
        sandbox.mailbox.faults.add(MailFault("later", to=email_of(mis_fields, person_id)))
    send(deployment, "manual__1", clock)
    assert states(deployment)["waiting"] == 9 and states(deployment)["sent"] > 40
    query(deployment.reporting, "update bksb.invitation set intent_at = %s where state = 'waiting'", clock.now())
    clock.advance(timedelta(days=1).total_seconds())
    sent = len(sandbox.mailbox.messages())
    # the server has accepted messages since, so nine deferrals in a row do not stop the run
    send(deployment, "manual__2", clock)
    assert not late & set(issues(deployment))
    clock.advance(timedelta(days=1, minutes=1).total_seconds())
    send(deployment, "manual__3", clock)
    assert late <= set(issues(deployment))
    assert states(deployment)["waiting"] == 9 and len(sandbox.mailbox.messages()) == sent


def test_a_server_that_defers_everyone_is_tried_again_later(deployment, sandbox):
    with_accounts(deployment)
    sandbox.mailbox.faults.add(MailFault("later"))
    with pytest.raises(TransientError, match="deferred 8 people in a row.*SMTP 451"):
        send(deployment)
    assert states(deployment) == {"waiting": 8}


def test_an_account_created_by_a_later_run_is_invited_despite_an_earlier_withheld_invitation(
    deployment, sandbox, mis_fields
):
    add = (
        "insert into person (person_id, learn_ref_number, forenames, surname, email) values ('A9', 'LA9', 'N', 'N', %s)"
    )
    query(mis_fields, add, "a9@learner.example")
    query(mis_fields, "insert into application values (910009, 'A9', 'T', 'Live', 'Applied', current_date - 7)")
    sandbox.site.faults.add(Fault("json_string", calls=("createUser",)))
    run_accounts(deployment, "manual__1", person_ids=("A9",), invite=False)
    sandbox.site.faults.clear()
    assert states(deployment) == {"withheld": 1} and created(deployment) == {}
    query(mis_fields, "update application set application_status = 'Transferred' where person_id = 'A9'")
    query(
        mis_fields,
        "insert into person select 'P9', 'LP9', forenames, surname, email, date_of_birth, null, person_id"
        " from person where person_id = 'A9'",
    )
    programme = "insert into episode values (910010, 'P9', 'T', 'Live', 'In Learning', current_date - 1, null, null)"
    query(mis_fields, programme)
    run_accounts(deployment, "manual__2")
    assert len(sandbox.mailbox.messages(to="a9@learner.example")) == 1


def test_resend_invitation_with_invite_off_is_refused(deployment, sandbox, three):
    with pytest.raises(ConfigurationError, match="start two runs instead"):
        run_accounts(deployment, "manual__2", person_ids=three, invite=False, resend_invitation=True)
    assert sandbox.mailbox.messages() == []


def test_a_refused_sender_stops_the_run_and_leaves_no_delivery_unknown(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("refuses_sender"))
    with pytest.raises(ConfigurationError, match="from_email"):
        send(deployment, person_ids=three)
    assert states(deployment) == {"waiting": 1}
    sandbox.mailbox.faults.clear()
    send(deployment, person_ids=three)
    assert states(deployment) == {"sent": 3} and issues(deployment) == {}


# Preconditions


@pytest.mark.parametrize(
    ("changes", "says"), [({"site_url": None}, "Site URL"), ({"default_password": None}, "Default Password")]
)
def test_a_missing_setting_fails_before_anything_is_recorded(deployment, three, changes, says):
    with pytest.raises(ConfigurationError, match=says):
        send(with_settings(deployment, **changes), person_ids=three)
    assert invitations(deployment) == []


def test_a_template_with_an_unknown_variable_sends_nothing(deployment, sandbox, three, config):
    (config / "templates" / "reminder.txt").write_text("Hello {{ given_name }}")
    with pytest.raises(ConfigurationError, match=r"reminder\.txt uses given_name"):
        send(deployment, person_ids=three)
    assert sandbox.mailbox.messages() == [] and invitations(deployment) == []


def test_a_run_with_nothing_to_send_needs_neither_templates_nor_a_mail_server(deployment, sandbox):
    sandbox.mail_server.stop()
    send(with_settings(deployment, site_url=None))


# Eligibility at the time of sending


def test_a_person_who_left_is_not_invited_until_they_are_eligible_again(deployment, sandbox, mis_fields, three):
    leave(mis_fields, three[0])
    send(deployment, "manual__1")
    assert len(sandbox.mailbox.messages()) == 2
    query(mis_fields, "update episode set system_status = 'Live' where person_id = %s", three[0])
    send(deployment, "manual__2")
    assert len(sandbox.mailbox.messages()) == 3


def test_a_person_who_leaves_during_a_long_send_is_not_invited(deployment, sandbox, mis_fields, three):
    clock = Passing()

    class Leaving(Mailer):
        def send(self, message):
            super().send(message)
            leave(mis_fields, three[2])
            clock.advance(61)

    leaving = replace(deployment, open_mailer=lambda: _Closing(Leaving(lambda: smtp_of(sandbox), SENDER)))
    send(leaving, clock=clock, person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2
    assert three[2] not in {row.person_id for row in invitations(deployment)}


def test_a_message_with_unknown_delivery_is_not_repeated_to_a_person_who_left(deployment, sandbox, mis_fields, three):
    sandbox.mailbox.faults.add(MailFault("dies_after_data", times=1))
    send(deployment, "manual__1", person_ids=three[:1])
    leave(mis_fields, three[0])
    before = rows_of(deployment, *TABLES)
    send(deployment, "manual__2")
    assert len(sandbox.mailbox.messages(to=email_of(mis_fields, three[0]))) == 1
    assert rows_of(deployment, "invitation")["invitation"][0] == before["invitation"][0]


@pytest.mark.parametrize("address", [None, "no address", "a@b.example,c@d.example"])
def test_a_person_without_a_usable_address_is_an_issue_until_it_is_corrected(
    deployment, sandbox, mis_fields, three, address
):
    query(mis_fields, "update person set email = %s where person_id = %s", address, three[0])
    send(deployment, "manual__1", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2 and issues(deployment) == {three[0]: "invitation_failed"}
    query(mis_fields, "update person set email = 'corrected@learner.example' where person_id = %s", three[0])
    send(deployment, "manual__2", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3 and issues(deployment) == {}


def test_an_address_that_two_people_share_gets_no_message(deployment, sandbox, mis_fields, three):
    query(mis_fields, "update person set email = 'Both@learner.example' where person_id = %s", three[0])
    query(mis_fields, "update person set email = 'both@learner.example' where person_id = %s", three[1])
    send(deployment, person_ids=three)
    assert len(sandbox.mailbox.messages()) == 1
    assert issues(deployment) == {three[0]: "invitation_failed", three[1]: "invitation_failed"}


def test_an_mis_query_that_breaks_during_the_run_leaves_no_delivery_unknown(
    deployment, sandbox, mis_fields, three, tmp_path
):
    path = tmp_path / "eligible_learners.sql"
    path.write_text((SQL_FOLDER / "mis" / "eligible_learners.sql").read_text())
    clock = Passing()

    class Breaking(Mailer):
        def send(self, message):
            super().send(message)
            path.write_text("select 1 as person_id")
            clock.advance(61)

    broken = replace(
        deployment,
        mis=Mis(mis_fields, path),
        open_mailer=lambda: _Closing(Breaking(lambda: smtp_of(sandbox), SENDER)),
    )
    with pytest.raises(MisContractError):
        send(broken, clock=clock, person_ids=three)
    assert states(deployment) == {"sent": 1}


# A password setting that changes after the account was created

OTHER_SETTINGS = [
    {"default_password": "Another-2026"},
    {"password_secret": "a secret of some length"},
    {"default_password": "Another-2026", "password_secret": "a secret of some length"},
]


@pytest.mark.parametrize("changes", OTHER_SETTINGS)
def test_no_invitation_contains_a_password_that_was_set_after_the_account_was_created(
    deployment, sandbox, mis_fields, world, three, changes
):
    other = with_settings(deployment, **changes)
    later = sorted(world.people_of("plain"))[3]
    with_accounts(other, "manual__2", person_ids=(later,))
    send(other, "manual__2", person_ids=(*three, later))
    assert [message.recipients for message in sandbox.mailbox.messages()] == [(email_of(mis_fields, later),)]
    assert issues(deployment) == dict.fromkeys(three, "invitation_failed")
    details = query(deployment.reporting, "select distinct detail from bksb.issue where code = 'invitation_failed'")
    assert len(details) == 1 and "password setting was changed" in details[0].detail
    results_of(deployment, three[0])
    send(other, "manual__3", person_ids=three)
    assert issues(deployment).keys() == set(three[1:]), "a person with a result has logged in already"
    send(deployment, "manual__4", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 4 and issues(deployment) == {}


def test_a_message_with_unknown_delivery_is_not_repeated_with_another_password(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("dies_after_data", times=1))
    send(deployment, "manual__1", person_ids=three[:1])
    send(with_settings(deployment, default_password="Another-2026"), "manual__2", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 1 and issues(deployment) == {three[0]: "invitation_failed"}
    send(deployment, "manual__3", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 2 and issues(deployment) == {three[0]: "invitation_repeated"}


def test_a_resend_contains_the_password_of_the_creation_or_is_not_sent(deployment, sandbox, three, caplog):
    caplog.set_level(logging.INFO)
    send(deployment, "manual__1", person_ids=three[:1])
    other = with_settings(deployment, default_password="Another-2026")
    send(other, "manual__asked", person_ids=three[:1], resend_invitation=True)
    assert len(sandbox.mailbox.messages()) == 1
    (warning,) = [line.message for line in caplog.records if "the password setting was changed" in line.message]
    assert three[0] in warning
    send(deployment, "manual__again", person_ids=three[:1], resend_invitation=True)
    assert len(sandbox.mailbox.messages()) == 2


def test_an_account_begun_with_one_password_and_finished_with_another_is_not_invited(deployment, sandbox, world):
    people = tuple(sorted(world.people_of("plain")))[:1]
    sandbox.site.faults.add(Fault("503", calls=("createUser",)))
    with_accounts(deployment, "manual__1", person_ids=people)
    sandbox.site.faults.clear()
    other = with_settings(deployment, default_password="Another-2026")
    run_accounts(other, "manual__2", person_ids=people)
    send(deployment, "manual__3", person_ids=people)
    assert created(deployment) and sandbox.mailbox.messages() == []
    assert issues(deployment) == {people[0]: "invitation_failed"}


def test_an_account_created_at_the_second_try_is_invited_with_the_password_of_that_try(deployment, sandbox, world):
    people = tuple(sorted(world.people_of("plain")))[:1]
    sandbox.site.faults.add(Fault("json_string", calls=("createUser",)))
    with_accounts(deployment, "manual__1", person_ids=people)
    sandbox.site.faults.clear()
    run_accounts(with_settings(deployment, default_password="Another-2026"), "manual__2", person_ids=people)
    (message,) = sandbox.mailbox.messages()
    assert "Another-2026" in message.body("plain")


def test_accounts_without_a_recorded_password_setting_are_invited_with_the_present_one(deployment, sandbox, three):
    query(deployment.reporting, "delete from bksb.initial_password")
    send(with_settings(deployment, default_password="Another-2026"), person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3


# Withheld invitations, resends and reminders


def test_accounts_created_with_invite_off_are_not_invited_later_unless_staff_ask(
    deployment, sandbox, mis_fields, world
):
    run_accounts(deployment, invite=False)
    assert states(deployment) == {"withheld": len(created(deployment))}
    before = rows_of(deployment, *TABLES)
    run_accounts(deployment, "manual__2")
    run_accounts(deployment, "manual__3", invite=False)
    assert rows_of(deployment, *TABLES) == before
    assert sandbox.mailbox.messages() == []
    asked = ordinary_person(deployment, world)
    send(deployment, "manual__4", person_ids=(asked,), resend_invitation=True)
    assert len(sandbox.mailbox.messages(to=email_of(mis_fields, asked))) == 1


def test_a_run_with_invite_off_that_stopped_early_still_leaves_its_accounts_uninvited(deployment, sandbox, world):
    people = tuple(sorted(world.people_of("plain")))[:3]
    with_accounts(deployment, person_ids=people, invite=False)
    send(deployment, "scheduled__2")
    assert sandbox.mailbox.messages() == [] and states(deployment) == {"withheld": 3}


def test_a_creation_that_failed_with_invite_off_and_succeeds_with_it_on_is_invited(deployment, sandbox, world):
    people = tuple(sorted(world.people_of("plain")))[:1]
    sandbox.site.faults.add(Fault("json_string", calls=("createUser",)))
    with_accounts(deployment, "manual__1", person_ids=people, invite=False)
    assert created(deployment) == {} and states(deployment) == {"withheld": 1}
    sandbox.site.faults.clear()
    with_accounts(deployment, "manual__2", person_ids=people)
    send(deployment, "manual__2", person_ids=people)
    assert len(sandbox.mailbox.messages()) == 1 and states(deployment) == {"sent": 1}


def test_an_unconfirmed_creation_with_invite_off_stays_withheld_when_another_run_finishes_it(
    deployment, sandbox, world
):
    people = tuple(sorted(world.people_of("plain")))[:1]
    sandbox.site.faults.add(Fault("503", calls=("createUser",)))
    with_accounts(deployment, "manual__1", person_ids=people, invite=False)
    assert created(deployment) == {} and states(deployment) == {"withheld": 1}
    sandbox.site.faults.clear()
    run_accounts(deployment, "manual__2", person_ids=people)
    assert created(deployment) and sandbox.mailbox.messages() == [] and states(deployment) == {"withheld": 1}


def test_a_creation_tried_twice_with_invite_off_is_withheld_once_and_counted_when_it_succeeds(
    deployment, sandbox, world
):
    people = tuple(sorted(world.people_of("plain")))[:2]
    sandbox.site.faults.add(Fault("503", calls=("createUser",)))
    counted = []
    for run_id in ("manual__1", "manual__2"):
        run = with_accounts(deployment, run_id, person_ids=people, invite=False)
        sandbox.site.faults.clear()
        with deployment.open_store() as store, store.transaction():
            counted.append(count_invitations(store, run)["withheld"])
    assert counted == [0, 2] and states(deployment) == {"withheld": 2}


def test_invite_off_needs_no_site_url_no_template_and_no_mail_server(deployment, sandbox, world):
    sandbox.mail_server.stop()
    people = tuple(sorted(world.people_of("plain")))[:3]
    run_accounts(with_settings(deployment, site_url=None), invite=False, person_ids=people)
    assert states(deployment) == {"withheld": 3}


def test_invite_off_does_not_affect_the_invitations_of_other_runs(deployment, sandbox, mis_fields, world, caplog):
    caplog.set_level(logging.INFO)
    waiting, never_tried, own = sorted(world.people_of("plain"))[:3]
    with_accounts(deployment, "manual__1", person_ids=(waiting, never_tried))
    sandbox.mailbox.faults.add(MailFault("later"))
    send(deployment, "manual__1", person_ids=(waiting,))
    sandbox.mailbox.faults.clear()
    before = rows_of(deployment, "invitation")
    run_accounts(deployment, "manual__2", person_ids=(waiting, never_tried, own), invite=False)
    assert set(before["invitation"]) < set(rows_of(deployment, "invitation")["invitation"])
    assert "the 1 accounts created by this run" in caplog.text and sandbox.mailbox.messages() == []
    send(deployment, "manual__3", person_ids=(waiting, never_tried, own))
    assert {message.recipients for message in sandbox.mailbox.messages()} == {
        (email_of(mis_fields, person_id),) for person_id in (waiting, never_tried)
    }
    assert states(deployment) == {"sent": 2, "withheld": 1}


def test_a_resend_is_sent_once_to_each_named_person_even_if_the_run_is_repeated(deployment, sandbox, mis_fields, three):
    send(deployment, person_ids=three)
    for _ in range(3):
        send(deployment, "manual__asked", person_ids=three[:2], resend_invitation=True)
    for person_id, times in zip(three, (2, 2, 1), strict=True):
        ids = [message.message_id for message in sandbox.mailbox.messages(to=email_of(mis_fields, person_id))]
        assert len(ids) == len(set(ids)) == times
    asked = [row for row in invitations(deployment) if row.kind == "resend"]
    assert {(row.person_id, row.run_id) for row in asked} == {(one, "manual__asked") for one in three[:2]}
    send(deployment, "manual__again", person_ids=three[:1], resend_invitation=True)
    assert len(sandbox.mailbox.messages(to=email_of(mis_fields, three[0]))) == 3


def test_a_resend_without_person_ids_is_refused(deployment):
    with pytest.raises(ConfigurationError, match="person_ids"):
        send(deployment, resend_invitation=True)


def test_a_resend_replaces_an_invitation_that_was_not_sent_yet(deployment, sandbox, three):
    sandbox.mailbox.faults.add(MailFault("later"))
    send(deployment, "manual__1", person_ids=three[:1])
    sandbox.mailbox.faults.clear()
    send(deployment, "manual__asked", person_ids=three[:1], resend_invitation=True)
    send(deployment, "manual__3", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 1
    assert states(deployment) == {"superseded": 1, "sent": 1}


def test_a_resend_does_not_replace_a_reminder(deployment, sandbox, mis_fields, three):
    reminding = with_settings(deployment, reminder_days=7)
    send(reminding, "manual__1", person_ids=three[:1])
    days_pass(deployment, 7)
    results_are_read(deployment)
    sandbox.mailbox.faults.add(MailFault("later"))
    send(reminding, "manual__2", person_ids=three[:1])
    sandbox.mailbox.faults.clear()
    send(reminding, "manual__asked", person_ids=three[:1], resend_invitation=True)
    kinds = {row.kind: row.state for row in invitations(deployment)}
    assert kinds == {"invitation": "sent", "reminder": "waiting", "resend": "sent"}


def test_a_deferred_resend_is_sent_by_the_next_run(deployment, sandbox, three):
    send(deployment, person_ids=three)
    sandbox.mailbox.faults.add(MailFault("later"))
    send(deployment, "manual__asked", person_ids=three[:1], resend_invitation=True)
    sandbox.mailbox.faults.clear()
    send(deployment, "scheduled__2")
    send(deployment, "manual__asked", person_ids=three[:1], resend_invitation=True)
    assert len(sandbox.mailbox.messages()) == 4


def test_a_resend_to_a_person_without_a_usable_address_is_a_warning(deployment, sandbox, mis_fields, three, caplog):
    send(deployment, person_ids=three)
    query(mis_fields, "update person set email = null where person_id = %s", three[0])
    caplog.set_level(logging.INFO)
    send(deployment, "manual__asked", person_ids=three[:2], resend_invitation=True)
    assert len(sandbox.mailbox.messages()) == 4
    warned = [line.message for line in caplog.records if line.levelno == logging.WARNING]
    assert len(warned) == 1 and three[0] in warned[0] and three[1] not in warned[0]


def test_a_resend_to_a_linked_account_is_a_warning_because_we_do_not_know_its_password(
    deployment, sandbox, world, caplog
):
    caplog.set_level(logging.INFO)
    linked = tuple(sorted(world.people_of("stored_username")))[:1]
    with_accounts(deployment, person_ids=linked)
    send(deployment, person_ids=linked, resend_invitation=True)
    assert sandbox.mailbox.messages() == [] and linked[0] in caplog.text


def results_of(deployment, person_id: str) -> None:
    """Give the person a result."""
    query(
        deployment.reporting,
        "insert into bksb.assessment_result (bksb_user_id, source, session_id, component, assessment_kind, "
        "subject, course_subject_raw, course_name, assessment_name, result_raw, completed_raw, raw, run_id, "
        "first_seen_at, changed_at) "
        "select bksb_user_id, 'initial', '1', '', 'initial', '', '', '', '', '', '', '{}', 'x', now(), now() "
        "from bksb.account where person_id = %s",
        person_id,
    )


def days_pass(deployment, days: int) -> None:
    query(deployment.reporting, f"update bksb.account set invited_at = invited_at - interval '{days} days'")


def results_are_read(deployment, *sources: str, hours_ago: int = 0) -> None:
    """Record that these sources (default: all) were read completely for everyone, `hours_ago` hours ago."""
    query(
        deployment.reporting,
        "insert into bksb.account_source (bksb_user_id, source, synced_at) "
        "select bksb_user_id, source, now() - %s * interval '1 hour' from bksb.account, unnest(%s) as source "
        "where bksb_user_id is not null "
        "on conflict (bksb_user_id, source) do update set synced_at = excluded.synced_at",
        hours_ago,
        list(sources or deployment.settings.sources),
    )


def test_a_person_without_a_result_after_the_set_days_is_reminded_once(deployment, sandbox, mis_fields, three):
    reminding = with_settings(deployment, reminder_days=7)
    send(reminding, "manual__1", person_ids=three)
    results_of(deployment, three[0])
    results_are_read(deployment)
    days_pass(deployment, 6)
    send(reminding, "manual__2", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3
    days_pass(deployment, 1)
    leave(mis_fields, three[1])
    send(reminding, "manual__3")
    send(reminding, "manual__4")
    assert len(sandbox.mailbox.messages()) == 4
    reminder = sandbox.mailbox.messages()[0]
    assert reminder.recipients == (email_of(mis_fields, three[2]),)
    assert "A while ago" in reminder.body("plain")
    assert DEFAULT_PASSWORD not in reminder.body("plain") + reminder.body("html")
    assert sum(row.kind == "reminder" for row in invitations(deployment)) == 1


@pytest.mark.parametrize(
    ("sources", "read", "hours_ago", "reminded"),
    [
        (("initial", "diagnostic"), (), 0, 0),
        (("initial", "diagnostic"), ("initial",), 0, 0),
        (("initial", "diagnostic"), ("initial", "diagnostic"), 47, 1),
        (("initial", "diagnostic"), ("initial", "diagnostic"), 49, 0),
        (("initial", "v5"), ("initial", "diagnostic"), 0, 0),
        (("initial",), ("initial",), 0, 1),
    ],
)
def test_a_person_is_reminded_only_if_all_sources_were_read_recently(
    deployment, sandbox, three, caplog, sources, read, hours_ago, reminded
):
    caplog.set_level(logging.INFO)
    reminding = with_settings(deployment, reminder_days=7, sources=sources)
    send(reminding, "manual__1", person_ids=three[:1])
    days_pass(deployment, 7)
    if read:
        results_are_read(deployment, *read, hours_ago=hours_ago)
    send(reminding, "manual__2", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 1 + reminded
    assert ("1 until bksb_results reads their results" in caplog.text) is not bool(reminded)
    results_are_read(reminding)
    send(reminding, "manual__3", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 2


def test_no_one_is_reminded_while_a_source_was_never_read_completely(deployment, sandbox, three, caplog):
    caplog.set_level(logging.INFO)
    reminding = with_settings(deployment, reminder_days=7)
    send(reminding, "manual__1", person_ids=three[:1])
    days_pass(deployment, 7)
    results_are_read(deployment)
    query(
        deployment.reporting,
        "update bksb.account_source set synced_at = null, incomplete_at = now(), failed_at = now() "
        "where source = 'initial'",
    )
    send(reminding, "manual__2", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 1
    assert "1 until bksb_results reads their results" in caplog.text


def test_a_person_who_was_linked_to_another_account_after_the_invitation_is_not_reminded(deployment, three, caplog):
    caplog.set_level(logging.INFO)
    reminding = with_settings(deployment, reminder_days=7)
    send(reminding, "manual__1", person_ids=three[:2])
    days_pass(deployment, 7)
    query(deployment.reporting, "update bksb.account set origin = 'linked' where person_id = %s", three[0])
    send(reminding, "manual__2", person_ids=three[:2])
    assert "1 until bksb_results reads" in caplog.text
    results_are_read(deployment)
    send(reminding, "manual__3", person_ids=three[:2])
    assert [row.person_id for row in invitations(deployment) if row.kind == "reminder"] == [three[1]]


def test_without_the_setting_no_one_is_reminded(deployment, sandbox, three):
    send(deployment, "manual__1", person_ids=three)
    days_pass(deployment, 400)
    send(deployment, "manual__2", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3


def test_a_reminder_with_unknown_delivery_is_repeated_once_too(deployment, sandbox, three):
    reminding = with_settings(deployment, reminder_days=7)
    send(reminding, "manual__1", person_ids=three[:1])
    days_pass(deployment, 7)
    results_are_read(deployment)
    sandbox.mailbox.faults.add(MailFault("dies_after_data"))
    for number in range(2, 6):
        send(reminding, f"manual__{number}", person_ids=three[:1])
    assert len(sandbox.mailbox.messages()) == 3
    assert len({message.message_id for message in sandbox.mailbox.messages()[:2]}) == 1
    assert states(deployment) == {"sent": 1, "unknown": 1}


# Mail hours, pace and time limit


def test_at_night_no_one_is_mailed_and_in_the_morning_everyone_is(deployment, sandbox, three, caplog):
    caplog.set_level(logging.INFO)
    day_only = with_settings(deployment, mail_hours=MailHours.from_text("07:00-21:00"))
    send(day_only, "manual__1", Passing(datetime(2026, 11, 23, 21, 0, tzinfo=UTC)), person_ids=three)
    assert sandbox.mailbox.messages() == [] and invitations(deployment) == []
    assert "3 until 07:00" in caplog.text
    send(day_only, "manual__2", Passing(datetime(2026, 11, 24, 7, 0, tzinfo=UTC)), person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3


def test_mail_hours_are_local_time_also_in_summer(deployment, sandbox, three):
    day_only = with_settings(deployment, mail_hours=MailHours.from_text("07:00-21:00"))
    send(day_only, "manual__1", Passing(datetime(2026, 7, 1, 20, 0, tzinfo=UTC)), person_ids=three)
    assert sandbox.mailbox.messages() == []
    send(day_only, "manual__2", Passing(datetime(2026, 7, 2, 6, 0, tzinfo=UTC)), person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3


def test_sending_stops_when_the_mail_hours_end(deployment, sandbox, three):
    slow = with_settings(deployment, mail_hours=MailHours.from_text("07:00-21:00"), mails_a_minute=1)
    clock = Passing(datetime(2026, 11, 23, 20, 58, 30, tzinfo=UTC))
    send(slow, "manual__1", clock, person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2
    assert clock.now().astimezone(slow.settings.timezone).strftime("%H:%M") == "21:00"


DAY_ONLY = MailHours.from_text("07:00-21:00")

NIGHT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_a_resend_outside_the_mail_hours_is_refused_and_changes_nothing(deployment, sandbox, three):
    day_only = with_settings(deployment, mail_hours=DAY_ONLY)
    again = {"person_ids": three, "resend_invitation": True}
    before = rows_of(deployment, *TABLES, "planned_action", "approval")
    with pytest.raises(ConfigurationError, match=r"between 07:00 and 21:00 \(Europe/London\).*Nothing was sent"):
        plan_accounts(day_only, a_run(deployment, "bksb_accounts", "manual__asked", **again), NIGHT)
    with pytest.raises(ConfigurationError, match="between 07:00 and 21:00"):
        send(day_only, "manual__asked", Passing(NIGHT), **again)
    assert rows_of(deployment, *TABLES, "planned_action", "approval") == before and sandbox.mailbox.messages() == []
    plan_accounts(day_only, a_run(deployment, "bksb_accounts", "manual__dry", dry_run=True, **again), NIGHT)


def test_a_resend_that_is_not_finished_when_the_mail_hours_end_is_sent_by_the_next_run(
    deployment, sandbox, three, caplog
):
    caplog.set_level(logging.INFO)
    slow = with_settings(deployment, mail_hours=DAY_ONLY, mails_a_minute=1)
    evening = Passing(datetime(2026, 11, 23, 20, 59, 30, tzinfo=UTC))
    send(slow, "manual__asked", evening, person_ids=three, resend_invitation=True)
    assert states(deployment) == {"sent": 1, "waiting": 2} and "2 until 07:00" in caplog.text
    send(slow, "scheduled__2", Passing(datetime(2026, 11, 24, 7, 30, tzinfo=UTC)))
    assert len(sandbox.mailbox.messages()) == 3 and states(deployment) == {"sent": 3}
    assert {row.run_id for row in invitations(deployment)} == {"manual__asked"}


def test_a_resend_that_reached_the_time_limit_is_sent_by_the_next_run(deployment, sandbox, mis_fields, three):
    clock = Passing()

    class Waited(Mis):
        def read_people(self, as_of):
            clock.advance(STOP_AFTER_SECONDS)
            return super().read_people(as_of)

    late = replace(deployment, mis=Waited(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"))
    send(late, "manual__asked", clock, person_ids=three, resend_invitation=True)
    assert states(deployment) == {"waiting": 3} and sandbox.mailbox.messages() == []
    send(deployment, "scheduled__2")
    assert len(sandbox.mailbox.messages()) == 3


def test_a_slow_mis_does_not_cause_mail_outside_the_mail_hours(deployment, sandbox, mis_fields, three, caplog):
    caplog.set_level(logging.INFO)
    clock = Passing(datetime(2026, 11, 23, 20, 57, 30, tzinfo=UTC))

    class Slow(Mis):
        def read_people(self, as_of):
            clock.advance(50)
            return super().read_people(as_of)

    slow = replace(
        with_settings(deployment, mail_hours=DAY_ONLY, mails_a_minute=1),
        mis=Slow(mis_fields, SQL_FOLDER / "mis" / "eligible_learners.sql"),
    )
    send(slow, "manual__1", clock, person_ids=three)
    assert len(sandbox.mailbox.messages()) == 1 and "2 until 07:00" in caplog.text
    assert clock.now() == datetime(2026, 11, 23, 21, 0, 10, tzinfo=UTC), (
        "reading the MIS took until after the mail hours"
    )
    assert states(deployment) == {"sent": 1}


def test_messages_are_sent_at_an_even_pace(deployment, sandbox, three):
    clock = Passing()
    send(with_settings(deployment, mails_a_minute=6), clock=clock, person_ids=three)
    assert clock.passed == pytest.approx(20)


def test_a_very_long_send_stops_before_the_task_times_out(deployment, sandbox, three):
    clock = Passing(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))

    class Slow(Mailer):
        def send(self, message):
            super().send(message)
            clock.advance(STOP_AFTER_SECONDS / 2)

    slow = replace(deployment, open_mailer=lambda: _Closing(Slow(lambda: smtp_of(sandbox), SENDER)))
    send(slow, "manual__1", clock, person_ids=three)
    assert len(sandbox.mailbox.messages()) == 2
    send(deployment, "manual__2", person_ids=three)
    assert len(sandbox.mailbox.messages()) == 3


# Logs and transfers


def test_the_log_and_the_figures_say_what_was_sent(deployment, sandbox, mis_fields, three, caplog):
    caplog.set_level(logging.INFO)
    query(mis_fields, "update person set email = 'a@refused.example' where person_id = %s", three[2])
    run = send(deployment, person_ids=three)
    assert "Sent 2 invitations, 0 reminders and 0 again on request" in caplog.text
    assert "1 need attention (see bksb.issue)" in caplog.text
    with deployment.open_store() as store, store.transaction():
        assert count_invitations(store, run) == {
            "invited": 2,
            "invited_again": 0,
            "reminded": 0,
            "mail_refused": 1,
            "mail_waiting": 0,
            "withheld": 0,
        }


FAULTS = ["refuses", "later", "refuses_sender", "dies_before_data", "dies_after_data", "refuses_message", "down"]


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_no_log_and_no_error_names_a_person_whatever_the_server_replies(
    deployment, sandbox, mis_fields, three, caplog, fault
):
    caplog.set_level(logging.DEBUG)
    query(mis_fields, "update person set surname = 'Unmistakeable', forenames = 'Zebedee'")
    query(mis_fields, "update person set email = 'zebedee.unmistakeable.' || person_id || '@learner.example'")
    if fault:
        sandbox.mailbox.faults.add(MailFault(fault))
    said = ""
    for number in range(3):
        try:
            send(deployment, f"manual__{number}", person_ids=three)
        except (ConfigurationError, TransientError) as error:
            said += f"{error!r} {error}"
    kept = str(rows_of(deployment, "issue", "invitation"))
    traces = ("zebedee", "unmistakeable", DEFAULT_PASSWORD.lower(), "login.aspx")
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("asyncio"))
    assert [trace for trace in traces if trace in (said + kept + ours).lower()] == []


def test_invitations_follow_an_applicant_who_becomes_a_learner(deployment, sandbox, mis_fields):
    run_accounts(deployment, invite=False)
    applicant = next(person_id for person_id in sorted(created(deployment)) if person_id.startswith("A"))
    query(mis_fields, "update application set application_status = 'Transferred' where person_id = %s", applicant)
    query(
        mis_fields,
        "insert into person select 'P900000', learn_ref_number, forenames, surname, email, date_of_birth, null, "
        "person_id from person where person_id = %s",
        applicant,
    )
    query(
        mis_fields,
        "insert into episode values (900000, 'P900000', 'Test', 'Live', 'In Learning', current_date - 1, null, null)",
    )
    run_accounts(deployment, "manual__2")
    assert "P900000" in created(deployment)
    assert sandbox.mailbox.messages() == []
    assert applicant not in {row.person_id for row in invitations(deployment)}


def test_a_withheld_invitation_stays_withheld_even_if_the_run_that_moved_the_account_stopped_early(
    deployment, sandbox, mis_fields
):
    run_accounts(deployment, invite=False)
    applicant = next(person_id for person_id in sorted(created(deployment)) if person_id.startswith("A"))
    query(mis_fields, "update application set application_status = 'Transferred' where person_id = %s", applicant)
    query(
        mis_fields,
        "insert into person select 'P900000', learn_ref_number, forenames, surname, email, date_of_birth, null, "
        "person_id from person where person_id = %s",
        applicant,
    )
    query(
        mis_fields,
        "insert into episode values (900000, 'P900000', 'Test', 'Live', 'In Learning', current_date - 1, null, null)",
    )
    with_accounts(deployment, "manual__2")
    query(mis_fields, "update person set former_person_id = null where person_id = 'P900000'")
    run_accounts(deployment, "manual__3")
    assert "P900000" in created(deployment) and sandbox.mailbox.messages() == []


def test_reminders_go_to_people_without_results_after_whole_runs(deployment, sandbox, world):
    reminding = with_settings(deployment, reminder_days=1)
    run_accounts(reminding)
    run_results(reminding)
    days_pass(deployment, 2)
    sent = len(sandbox.mailbox.messages())
    run_accounts(reminding, "manual__2")
    without = query(
        deployment.reporting,
        "select count(*) as n from bksb.account where invited_at is not null and person_id not in "
        "(select person_id from bksb.person_result)",
    )[0].n
    assert len(sandbox.mailbox.messages()) == sent + without
    with open_store(deployment.reporting) as store, store.transaction():
        assert store.run("invitations/count_invitations", run_id="manual__2")[0].reminded == without
    with mailer_of(sandbox) as mailer:
        assert mailer.domain == "college.example"
