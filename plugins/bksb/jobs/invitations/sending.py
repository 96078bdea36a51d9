"""Tells people of the account that was made for them: each once, whatever crashes, and nobody who is not eligible."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Literal
from uuid import uuid4

from bksb.clock import today
from bksb.deployment import Deployment
from bksb.errors import (
    BksbSyncError,
    ConfigurationError,
    FateUnknownError,
    PutOffError,
    RejectedError,
    TransientError,
)
from bksb.jobs.runs import Patience, keep_issues, open_issues
from bksb.mail.messages import compose
from bksb.mail.smtp import Mailer, recipient_of
from bksb.mail.templates import TemplateKind, Templates, check_ready, words_for
from bksb.model import Issue, Person, Run
from bksb.reporting.store import Store
from bksb.rules.account_plan import is_email
from bksb.settings import Settings

log = logging.getLogger(__name__)

INVITATION_ISSUES = ("invitation_failed", "invitation_repeated")
"""Codes that sending raises and resolves, all of them about one person."""

Kind = Literal["invitation", "resend", "reminder"]

MIS_IS_FRESH_SECONDS = 60.0
"""Nobody is mailed on the strength of an older reading of the MIS."""

LONGEST_SECONDS = 100 * 60.0
"""Sending ends politely after so long: a task may take two hours, waiting for its turn included."""

RESULTS_ARE_FRESH = timedelta(days=2)
"""Nobody is reminded for want of a result unless all their results were read since: one night of `bksb_results` that
fails is borne, two are not."""

TURNED_AWAY_IN_A_ROW = 8
"""So many people are not refused or put off one after the other for an address of theirs, by a server that has taken
nothing since the first of them was tried: then it is about us."""

PUT_OFF_FOR_LONG = timedelta(days=2)
"""Whoever's message a server has not taken for so long has an address to be looked at."""


@dataclass(frozen=True)
class Clock:
    """What time it is and how time passes, so that a test can be about another hour."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Due:
    """One message to send. `intent_at` and `message_id` are those of the try before, None for a first one;
    `fate_unknown`: nobody knows whether that try arrived, so this one is the repeat, and the last."""

    person_id: str
    username: str = field(repr=False)
    kind: Kind
    intent_at: datetime | None = None
    message_id: str | None = None
    fate_unknown: bool = False


def send_invitations(deployment: Deployment, run: Run, clock: Clock | None = None) -> None:
    """Send every invitation and reminder that is due, or what a person asked to be sent again; record each.

    A run with invite off sends nothing, and leaves what is due to the next run that invites; whom it created itself it
    has noted as withheld together with the intent to create. Raises ConfigurationError (templates, Site
    URL, password, mail server) or TransientError (mail server away); what was sent until then is recorded, and the
    rest is due at the next try. A dry run does nothing.
    """
    if run.dry_run:
        return
    clock = clock or Clock()
    refuse_resend(deployment.settings, run, clock.now())
    stop_at = clock.monotonic() + LONGEST_SECONDS
    with deployment.open_store() as store:
        store.lock_sender()
        sending = _Sending(deployment, store, run, clock, stop_at)
        if run.invite:
            sending.send()
        else:
            sending.leave_alone()


def refuse_resend(settings: Settings, run: Run, now: datetime) -> None:
    """Stop a run that is asked to send again, before it does anything, if it may not do so at `now`;
    ConfigurationError says what to do instead."""
    if not run.resend_invitation:
        return
    if not run.person_ids:
        raise ConfigurationError(
            "resend_invitation sends again to people who are named: give their person_ids as well. Nothing was sent."
        )
    if not run.invite:
        raise ConfigurationError(
            "The run is asked not to mail (invite off) and to mail again (resend_invitation): start two runs instead. "
            "Nothing was sent."
        )
    hours = settings.mail_hours
    if not hours.include(now.astimezone(settings.timezone)):
        raise ConfigurationError(
            "resend_invitation mails at once, and nobody is mailed outside the mail hours: start the run again "
            f"between {hours.opening} and {hours.closing} ({settings.timezone.key}), or change Mail hours in the bksb "
            "connection. Nothing was sent."
        )


def count_invitations(store: Store, run: Run) -> dict[str, int]:
    """The figures of a run's mail, by name; call it inside a transaction."""
    figures: dict[str, int] = store.run("invitations/count_invitations", run_id=run.run_id)[0]._asdict()
    return figures


class _Eligible:
    """Who is eligible now. `last_read` is the last reading, `now` one that is fresh enough to mail people by."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._read_at = float("-inf")
        self._emails: Counter[str] = Counter()
        self.last_read: dict[str, Person] = {}

    def now(self) -> dict[str, Person]:
        """Everybody eligible, by person_id, as read from the MIS a minute ago at most."""
        asked_at = self._clock.monotonic()
        if asked_at - self._read_at > MIS_IS_FRESH_SECONDS:
            # today, whatever day the run began on
            read = self._deployment.mis.read_people(today(self._deployment.settings.timezone))
            self.last_read = {person.person_id: person for person in read}
            self._emails = Counter(person.email.casefold() for person in read if person.email)
            self._read_at = asked_at
        return self.last_read

    def obstacle(self, person: Person) -> str | None:
        """Why this person cannot be mailed at the address the MIS has now, if so."""
        if not is_email(person.email):
            return "the MIS has no usable e-mail address: enter one"
        if person.email and self._emails[person.email.casefold()] > 1:
            return "another eligible person has the same e-mail address: give each their own in the MIS"
        return None


class _Sending:
    """One task's work: decides what is due, hands it over, and writes down what became of it."""

    def __init__(self, deployment: Deployment, store: Store, run: Run, clock: Clock, stop_at: float) -> None:
        self._deployment = deployment
        self._settings = deployment.settings
        self._store = store
        self._run = run
        self._clock = clock
        self._stop_at = stop_at
        self._eligible = _Eligible(deployment, clock)
        self._pace = _Pace(self._settings.mails_a_minute, clock)
        self._patience = Patience("The mail server")
        self._turned_away: list[Due] = []
        self._waiting: Counter[str] = Counter()

    def send(self) -> None:
        due = self._due()
        try:
            self._send(due)
        except BksbSyncError:
            # what was found out before something stopped the rest is kept
            self._keep_issues()
            raise
        self._report(need_attention=self._keep_issues())

    def leave_alone(self) -> None:
        self._move_along()
        self._keep_issues()
        with self._store.transaction():
            withheld = count_invitations(self._store, self._run)["withheld"]
        log.info("invite is off: nobody is mailed, and the %d people created by this run are not later.", withheld)

    # What is due

    def _due(self) -> list[Due]:
        self._move_along()
        due = self._asked_for() if self._run.resend_invitation else []
        asked = {one.person_id for one in due}
        rows = [row for row in self._unsettled() if row.person_id not in asked]
        if not self._run.resend_invitation:
            rows += self._reminders_due()
        tries = [one for row in rows if (one := self._due_of(row))]
        return due + sorted(tries, key=self._turn)

    def _turn(self, one: Due) -> tuple[bool, bool, bool, str]:
        """What a crash left in doubt is settled first; who was tried in vain before comes last, and all come in
        another order in each run, so that addresses no server takes keep nobody waiting for good."""
        drawn = hashlib.sha256(f"{self._run.run_id} {one.person_id}".encode()).hexdigest()
        return not one.fate_unknown, one.kind == "reminder", one.intent_at is not None, drawn

    def _move_along(self) -> None:
        """Invitations follow the account of an applicant who became a learner under another id."""
        former = {
            person.former_person_id: person.person_id
            for person in self._eligible.now().values()
            if person.former_person_id
        }
        with self._store.transaction():
            self._store.run(
                "invitations/transfer_invitations",
                former_person_ids=list(former),
                person_ids=list(former.values()),
            )

    def _unsettled(self) -> list[Any]:
        with self._store.transaction():
            return self._store.run(
                "invitations/list_unsettled_invitations",
                person_ids=self._named(),
                run_id=self._run.run_id,
                setting_digest=self._settings.password_setting_digest(),
            )

    def _reminders_due(self) -> list[Any]:
        """The reminders, but those of people whose results nobody has looked at lately."""
        reminders = self._reminders()
        unknown = [row for row in reminders if not row.results_known and row.person_id in self._eligible.last_read]
        if unknown:
            self._waiting["bksb_results to read their results"] += len(unknown)
        return [row for row in reminders if row.results_known]

    def _reminders(self) -> list[Any]:
        if self._settings.reminder_days is None:
            return []
        with self._store.transaction():
            return self._store.run(
                "invitations/list_due_reminders",
                person_ids=self._named(),
                invited_before=self._clock.now() - timedelta(days=self._settings.reminder_days),
                sources=list(self._settings.sources),
                looked_at_since=self._clock.now() - RESULTS_ARE_FRESH,
                run_id=self._run.run_id,
            )

    def _asked_for(self) -> list[Due]:
        """What this run was asked to send again; once each, however often the task is tried."""
        with self._store.transaction():
            rows = self._store.run(
                "invitations/list_accounts_to_reinvite",
                person_ids=self._named(),
                run_id=self._run.run_id,
                setting_digest=self._settings.password_setting_digest(),
            )
        ours = {row.person_id for row in rows if row.made_here and row.person_id in self._eligible.last_read}
        others = [person_id for person_id in self._run.person_ids if person_id not in ours]
        if others:
            log.warning(
                "%d of the people named are not eligible now, or have no active account that was made here, and so no "
                "password of ours to be sent: %s.",
                len(others),
                ", ".join(others),
            )
        unreachable = sorted(one for one in ours if self._eligible.obstacle(self._eligible.last_read[one]))
        if unreachable:
            log.warning(
                "%d of the people named have no usable e-mail address of their own in the MIS, so nothing is sent to "
                "them; ask again once it is mended: %s.",
                len(unreachable),
                ", ".join(unreachable),
            )
        changed = {row.person_id for row in rows if row.password_changed} & ours
        if changed:
            log.warning(
                "%d of the people named have accounts that were made under another password setting than that of now, "
                "so nothing is sent to them: put the setting back and ask again, or give them a password in bksb and "
                "tell them: %s.",
                len(changed),
                ", ".join(sorted(changed)),
            )
        return [
            Due(row.person_id, row.username, "resend")
            for row in rows
            if row.person_id in ours - changed and not row.asked_before
        ]

    def _due_of(self, row: Any) -> Due | None:
        """What is to be sent to somebody whose last message is not over and done with, if anything."""
        person = self._eligible.last_read.get(row.person_id)
        if person is None or self._obstacle(row, person):
            return None
        first = Due(row.person_id, row.username, row.kind or "invitation")
        again = replace(first, intent_at=row.intent_at, message_id=row.message_id)
        if row.state is None or (row.state == "refused" and not _refused_at(row, person)):
            return first
        if row.state == "waiting":
            return again
        if row.state == "sending" and not row.repeated:
            return replace(again, fate_unknown=True)
        if row.state == "sending":
            self._leave(again, "unknown", repeated=True)
        return None

    def _obstacle(self, row: Any, person: Person) -> str | None:
        """Why somebody cannot be told now, if so."""
        if row.kind != "reminder" and row.password_changed:
            return (
                "the password setting was changed after the account was made, so that the message would name a wrong "
                "one: put it back, or give the person a password in bksb and tell them"
            )
        return self._eligible.obstacle(person)

    def _named(self) -> list[str] | None:
        return list(self._run.person_ids) or None

    # Sending

    def _send(self, due: Sequence[Due]) -> None:
        if not due:
            return
        templates = check_ready(self._settings)
        with ExitStack() as stack:
            mailer: Mailer | None = None
            for one in due:
                why = self._not_now()
                if why and not _would_be_forgotten(one):
                    self._waiting[why] += 1
                    continue
                mailer = mailer or stack.enter_context(self._deployment.open_mailer())
                if not why:
                    self._pace.wait()
                message_id = one.message_id or f"<{uuid4().hex}@{mailer.domain}>"
                person = self._eligible.now().get(one.person_id)
                if person is None or self._eligible.obstacle(person):
                    continue
                message = self._compose(templates, mailer, one, message_id, person)
                # waiting, the MIS and the templates take their time, too
                why = self._not_now()
                if why:
                    self._postpone(one, message_id, why)
                    continue
                intent_at = self._intend(one, message_id)
                if intent_at is not None:
                    settled = replace(one, message_id=message_id, intent_at=intent_at)
                    if isinstance(message, RejectedError):
                        self._refuse(settled, person, message)
                    else:
                        self._settle(settled, person, _hand_over(mailer, message))

    def _compose(
        self, templates: Templates, mailer: Mailer, due: Due, message_id: str, person: Person
    ) -> EmailMessage | RejectedError:
        kind: TemplateKind = "reminder" if due.kind == "reminder" else "invitation"
        words = words_for(self._settings, kind, due.username, person.given_names or "", person.family_name or "")
        try:
            message = compose(
                templates.write(kind, words),
                sender=mailer.sender,
                to=person.email or "",
                message_id=message_id,
                now=self._clock.now().astimezone(self._settings.timezone),
            )
        except RejectedError as error:
            return error
        if recipient_of(message) != person.email:
            return RejectedError("the address cannot be written into a message as it stands in the MIS")
        return message

    def _not_now(self) -> str | None:
        """What a message has to wait for, if so."""
        if self._clock.monotonic() >= self._stop_at:
            return "the next run"
        hours = self._settings.mail_hours
        if not hours.include(self._clock.now().astimezone(self._settings.timezone)):
            return hours.opening
        return None

    def _postpone(self, due: Due, message_id: str, why: str) -> None:
        """Leave a message to the next run."""
        self._waiting[why] += 1
        if _would_be_forgotten(due):
            self._begin(due, message_id, "waiting")

    def _intend(self, due: Due, message_id: str) -> datetime | None:
        """Commit what is about to be done; None if the account is no longer one to tell its owner of."""
        if due.intent_at is None:
            return self._begin(due, message_id, "sending")
        with self._store.transaction():
            rows = self._store.run(
                "invitations/resume_invitation",
                person_id=due.person_id,
                intent_at=due.intent_at,
                repeated=due.fate_unknown,
                run_id=self._run.run_id,
            )
            if rows and due.fate_unknown:
                open_issues(self._store, self._settings, [_repeated(due.person_id)])
        return rows[0].intent_at if rows else None

    def _begin(self, due: Due, message_id: str, state: Literal["sending", "waiting"]) -> datetime | None:
        with self._store.transaction():
            if due.kind == "resend":
                self._store.run("invitations/supersede_invitations", person_id=due.person_id)
            rows = self._store.run(
                "invitations/begin_invitation",
                person_id=due.person_id,
                message_id=message_id,
                kind=due.kind,
                state=state,
                run_id=self._run.run_id,
            )
        return rows[0].intent_at if rows else None

    def _settle(self, due: Due, person: Person, outcome: BksbSyncError | None) -> None:
        """Write down what the server made of a message; raises what has to stop the others too."""
        if outcome is None:
            with self._store.transaction():
                self._store.run("invitations/finish_invitation", person_id=due.person_id, intent_at=due.intent_at)
            self._turned_away.clear()
        elif isinstance(outcome, RejectedError):
            self._refuse(due, person, outcome)
        elif isinstance(outcome, FateUnknownError) and due.fate_unknown:
            self._leave(due, "unknown", repeated=True)
        else:
            if not isinstance(outcome, FateUnknownError):
                self._put_back(due)
            self._waiting["the next run"] += 1
        if isinstance(outcome, RejectedError | PutOffError):
            self._patience.saw(None)  # it answers
            self._turned_away.append(due)
            self._suspect_ourselves(outcome)
        elif isinstance(outcome, ConfigurationError):
            raise outcome
        else:
            self._patience.saw(outcome)

    def _refuse(self, due: Due, person: Person, refusal: RejectedError) -> None:
        digest = address_digest(due.message_id or "", person.email or "")
        with self._store.transaction():
            self._store.run(
                "invitations/refuse_invitation",
                person_id=due.person_id,
                intent_at=due.intent_at,
                reason=refusal.reason,
                address_digest=digest,
            )

    def _suspect_ourselves(self, last: RejectedError | PutOffError) -> None:
        """Stop where it is not for their addresses that people are turned away: a server that takes messages has taken
        one since the first of them was tried."""
        if len(self._turned_away) < TURNED_AWAY_IN_A_ROW or self._was_accepted_since(self._turned_away):
            return
        for due in self._turned_away:
            self._put_back(due)
        if isinstance(last, PutOffError):
            raise TransientError(
                f"The mail server put off {TURNED_AWAY_IN_A_ROW} people in a row; the rest waits for the next try. The "
                f"last one: {last}"
            )
        raise ConfigurationError(
            f"The mail server refused {TURNED_AWAY_IN_A_ROW} people in a row (the last with {last.reason}): check that "
            "it lets the sender of connection 'smtp_default' mail to addresses elsewhere. They are tried again once "
            "this task is cleared, or by the next run."
        )

    def _was_accepted_since(self, turned_away: Sequence[Due]) -> bool:
        first = min(due.intent_at for due in turned_away if due.intent_at)
        with self._store.transaction():
            return bool(self._store.run("invitations/find_accepted_since", since=first)[0].found)

    def _put_back(self, due: Due) -> None:
        """This try did not arrive; whether the one before did is as unknown as it was."""
        self._leave(due, "sending" if due.fate_unknown else "waiting", repeated=False)

    def _leave(self, due: Due, state: str, *, repeated: bool) -> None:
        with self._store.transaction():
            self._store.run(
                "invitations/leave_invitation",
                person_id=due.person_id,
                intent_at=due.intent_at,
                state=state,
                repeated=repeated,
            )

    # What a person should look at

    def _keep_issues(self) -> int:
        """Open what holds and resolve what no longer does; how many people need attention."""
        issues = [issue for row in self._unsettled() + self._reminders() for issue in self._issues_of(row)]
        with self._store.transaction():
            keep_issues(self._store, self._settings, issues, codes=INVITATION_ISSUES, person_ids=self._named())
        return len({issue.person_id for issue in issues})

    def _issues_of(self, row: Any) -> Iterable[Issue]:
        person = self._eligible.last_read.get(row.person_id)
        if row.repeated and row.last_run_id == self._run.run_id:
            yield _repeated(row.person_id)
        if person is None:
            return
        if row.state == "refused" and _refused_at(row, person):
            yield _failed(row.person_id, f"the mail server refuses the address ({row.reason}): correct it in the MIS")
        elif row.state == "unknown":
            yield _failed(
                row.person_id,
                "twice nobody could tell whether it arrived: ask the person; resend_invitation sends another",
            )
        elif row.state in (None, "waiting", "sending", "refused") and row.kind != "reminder":
            obstacle = self._obstacle(row, person)
            if obstacle and (row.without_results or not row.password_changed):
                yield _failed(row.person_id, obstacle)
            elif not obstacle and row.state == "waiting" and row.intent_at < self._clock.now() - PUT_OFF_FOR_LONG:
                yield _failed(
                    row.person_id, "the mail server puts the address off again and again: look at it in the MIS"
                )

    def _report(self, need_attention: int) -> None:
        with self._store.transaction():
            figures = count_invitations(self._store, self._run)
        waits = " and ".join(f"{people} for {what}" for what, people in self._waiting.items())
        log.info(
            "Sent %(invited)d invitations, %(reminded)d reminders and %(invited_again)d again as asked; "
            "%(waits)s, %(need_attention)d need attention (see bksb.issue).",
            figures | {"waits": f"waiting: {waits}" if waits else "none waits", "need_attention": need_attention},
        )


class _Pace:
    """Spreads messages evenly, so that there are never more of them in a minute than a mail server likes."""

    def __init__(self, a_minute: int, clock: Clock) -> None:
        self._seconds = 60.0 / a_minute
        self._clock = clock
        self._next = float("-inf")

    def wait(self) -> None:
        """Sleep until the next message may go."""
        early = self._next - self._clock.monotonic()
        if early > 0:
            self._clock.sleep(early)
        self._next = max(self._next, self._clock.monotonic()) + self._seconds


def address_digest(message_id: str, address: str) -> str:
    """What is kept of a refused address: enough to see that the MIS has another one, keyed with the Message-ID, so
    that it tells nothing to whoever sees two of them."""
    return hmac.new(message_id.encode(), address.casefold().encode(), hashlib.sha256).hexdigest()


def _would_be_forgotten(due: Due) -> bool:
    """Whether only this run knows that the message is due: a person has asked it to send again."""
    return due.kind == "resend" and due.intent_at is None


def _hand_over(mailer: Mailer, message: EmailMessage) -> BksbSyncError | None:
    try:
        mailer.send(message)
    except (RejectedError, TransientError, ConfigurationError) as error:
        return error
    return None


def _refused_at(row: Any, person: Person) -> bool:
    """Whether the address that was refused is the one that the MIS still has."""
    return hmac.compare_digest(row.address_digest or "", address_digest(row.message_id, person.email or ""))


def _repeated(person_id: str) -> Issue:
    return Issue(
        "invitation_repeated", person_id, person_id, "nobody could tell whether it arrived, so it was sent again"
    )


def _failed(person_id: str, detail: str) -> Issue:
    return Issue("invitation_failed", person_id, person_id, detail)
