"""Sends invitations and reminders to people who are eligible.

Each is sent once. Only if a crash or a lost connection hides whether it arrived, it is sent a second time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

from bksb.deployment import Deployment
from bksb.errors import (
    BksbSyncError,
    ConfigurationError,
    DeliveryUnknownError,
    MessageDeferredError,
    RejectedError,
    TransientError,
)
from bksb.issues import INVITATION_ISSUES
from bksb.jobs.invitations.due import (
    DueMessage,
    LastMessage,
    address_digest,
    due_messages,
    find_issues,
    find_lost,
)
from bksb.jobs.invitations.eligible import EligibleReader
from bksb.jobs.invitations.outbox import Outbox, count_invitations
from bksb.jobs.invitations.pace import Clock, Pace
from bksb.jobs.invitations.rejections import RejectionStreak
from bksb.jobs.invitations.resending import find_resends
from bksb.jobs.invitations.writing import write_message
from bksb.jobs.issues import replace_issues
from bksb.jobs.outage import OutageDetector
from bksb.mail.smtp import Mailer
from bksb.mail.templates import Templates, require_ready
from bksb.model import Person, Run
from bksb.reporting.store import Store
from bksb.settings import Settings

log = logging.getLogger(__name__)

STOP_AFTER_SECONDS = 100 * 60.0
"""Seconds after which sending stops in good order. The task has two hours, including the wait for its turn."""

RESULTS_FRESH = timedelta(days=2)
"""Maximum age of the results that a reminder relies on. It allows for one failed night of `bksb_results`, not two."""

NEXT_RUN = "the next run"


def send_invitations(deployment: Deployment, run: Run, clock: Clock | None = None) -> None:
    """Send every invitation and reminder that is due, or those that staff asked to send again, and record each.

    A run with invite=false sends nothing, and a dry run does nothing. Raises ConfigurationError (templates, Site URL,
    password, mail server) or TransientError (mail server down). Messages that were sent before the error are recorded;
    the others are due at the next try.
    """
    if run.dry_run:
        return
    clock = clock or Clock()
    require_resend_allowed(deployment.settings, run, clock.now())
    stop_at = clock.monotonic() + STOP_AFTER_SECONDS
    with deployment.open_store() as store:
        store.lock_sender()
        sender = InvitationSender(deployment, store, run, clock, stop_at)
        if run.invite:
            sender.send()
        else:
            sender.withhold()


def require_resend_allowed(settings: Settings, run: Run, now: datetime) -> None:
    """Raise ConfigurationError if the run has resend_invitation but may not send at `now`."""
    if not run.resend_invitation:
        return
    if not run.person_ids:
        raise ConfigurationError(
            "resend_invitation needs the people to invite again: give their person_ids too. Nothing was sent."
        )
    if not run.invite:
        raise ConfigurationError(
            "The run has invite off and resend_invitation on, which contradict each other: start two runs instead. "
            "Nothing was sent."
        )
    hours = settings.mail_hours
    if not hours.include(now.astimezone(settings.timezone)):
        raise ConfigurationError(
            "resend_invitation mails at once, but it is outside the mail hours now: start the run again "
            f"between {hours.opening} and {hours.closing} ({settings.timezone.key}), or change Mail hours in the bksb "
            "connection. Nothing was sent."
        )


class InvitationSender:
    """One task's work: finds the messages that are due, sends them, and records the outcome of each."""

    def __init__(self, deployment: Deployment, store: Store, run: Run, clock: Clock, stop_at: float) -> None:
        self._deployment = deployment
        self._settings = deployment.settings
        self._store = store
        self._run = run
        self._clock = clock
        self._stop_at = stop_at
        self._outbox = Outbox(store, deployment.settings, run, deployment.day_start())
        self._eligible = EligibleReader(deployment, clock)
        self._pace = Pace(self._settings.mails_a_minute, clock)
        self._outages = OutageDetector("The mail server")
        self._rejections = RejectionStreak(self._outbox)
        self._waiting: Counter[str] = Counter()
        """Number of waiting messages, by what they wait for."""

    def send(self) -> None:
        """Send the messages that are due, and log the counts."""
        due = self._find_due()
        try:
            self._send_all(due)
        except BksbSyncError:
            # keep the outcomes of the messages before the error
            self._update_issues()
            raise
        _log_counts(self._store, self._run, self._waiting, need_attention=self._update_issues())

    def withhold(self) -> None:
        """Send nothing, and log how many accounts stay uninvited."""
        self._follow_transfers()
        self._update_issues()
        with self._store.transaction():
            withheld = count_invitations(self._store, self._run)["withheld"]
        log.info(
            "Invitations are off: no mail was sent, and the %d accounts created by this run will not be invited later.",
            withheld,
        )

    def _find_due(self) -> list[DueMessage]:
        self._follow_transfers()
        eligible = self._eligible.now()
        resends = find_resends(self._outbox, self._run, eligible) if self._run.resend_invitation else []
        resent = {due.person_id for due in resends}
        last_messages = [last for last in self._outbox.unsettled() if last.person_id not in resent]
        if not self._run.resend_invitation:
            reminders = self._reminders()
            last_messages += [last for last in reminders if last.results_known]
            if unknown := sum(not last.results_known and last.person_id in eligible.people for last in reminders):
                self._waiting["bksb_results reads their results"] += unknown
        for lost in find_lost(last_messages, eligible):
            self._outbox.mark_unknown(lost)
        return resends + due_messages(last_messages, eligible, self._run.run_id)

    def _follow_transfers(self) -> None:
        """Move invitations along with the account of an applicant who became a learner."""
        people = self._eligible.now().people.values()
        self._outbox.follow_transfers({one.former_person_id: one.person_id for one in people if one.former_person_id})

    def _reminders(self) -> list[LastMessage]:
        if self._settings.reminder_days is None:
            return []
        return self._outbox.reminders(
            invited_before=self._clock.now() - timedelta(days=self._settings.reminder_days),
            sources=self._settings.sources,
            looked_at_since=self._clock.now() - RESULTS_FRESH,
        )

    def _send_all(self, messages: Sequence[DueMessage]) -> None:
        if not messages:
            return
        templates = require_ready(self._settings)
        with ExitStack() as stack:
            mailer: Mailer | None = None
            for due in messages:
                wait = self._wait_reason()
                if wait and not due.is_only_known_to_this_run:
                    self._waiting[wait] += 1
                    continue
                mailer = mailer or stack.enter_context(self._deployment.open_mailer())
                self._send(due, mailer, templates)

    def _send(self, due: DueMessage, mailer: Mailer, templates: Templates) -> None:
        """Send one message if its person may still be mailed. Stores the intent first."""
        if not self._wait_reason():
            self._pace.wait()
        eligible = self._eligible.now()
        person = eligible.people.get(due.person_id)
        if person is None or eligible.obstacle(person):
            return
        message_id = due.message_id or f"<{uuid4().hex}@{mailer.domain}>"
        message = write_message(self._settings, templates, mailer, due, message_id, person, self._clock.now())
        # check again, because waiting, reading the MIS and rendering take time
        if wait := self._wait_reason():
            self._waiting[wait] += 1
            if due.is_only_known_to_this_run:
                self._outbox.begin(due, message_id, "waiting")
            return
        is_new = due.intent_at is None
        intent_at = self._outbox.begin(due, message_id, "sending") if is_new else self._outbox.resume(due)
        if intent_at is not None:
            sent = replace(due, message_id=message_id, intent_at=intent_at)
            if isinstance(message, RejectedError):
                self._refuse(sent, person, message)
            else:
                self._record(sent, person, _hand_over(mailer, message))

    def _wait_reason(self) -> str | None:
        """What messages have to wait for now; None if they may be sent."""
        if self._clock.monotonic() >= self._stop_at:
            return NEXT_RUN
        hours = self._settings.mail_hours
        is_open = hours.include(self._clock.now().astimezone(self._settings.timezone))
        return None if is_open else hours.opening

    def _record(self, due: DueMessage, person: Person, error: BksbSyncError | None) -> None:
        """Record the outcome of one message. Raises if the error concerns the other messages too."""
        if error is None:
            self._outbox.finish(due)
            self._rejections.end()
        elif isinstance(error, RejectedError):
            self._refuse(due, person, error)
        elif isinstance(error, DeliveryUnknownError) and due.delivery_unknown:
            self._outbox.mark_unknown(due)
        else:
            if not isinstance(error, DeliveryUnknownError):
                self._outbox.put_back(due)
            self._waiting[NEXT_RUN] += 1
        if isinstance(error, RejectedError | MessageDeferredError):
            self._outages.record(None)  # the server answers
            self._rejections.add(due, error)
        elif isinstance(error, ConfigurationError):
            raise error
        else:
            self._outages.record(error)

    def _refuse(self, due: DueMessage, person: Person, error: RejectedError) -> None:
        digest = address_digest(due.message_id or "", person.email or "")
        self._outbox.refuse(due, error.reason, digest)

    def _update_issues(self) -> int:
        """Open and resolve issues about invitations. Returns how many people need attention."""
        last_messages = self._outbox.unsettled() + self._reminders()
        issues = find_issues(last_messages, self._eligible.latest(), self._run.run_id, self._clock.now())
        person_ids = list(self._run.person_ids) or None
        day_start = self._deployment.day_start()
        with self._store.transaction():
            replace_issues(self._store, issues, day_start, codes=INVITATION_ISSUES, person_ids=person_ids)
        return len({issue.person_id for issue in issues})


def _log_counts(store: Store, run: Run, waiting: Counter[str], need_attention: int) -> None:
    with store.transaction():
        counts = count_invitations(store, run)
    shown = " and ".join(f"{people} until {what}" for what, people in waiting.items())
    if not waiting and not any(counts[name] for name in ("invited", "reminded", "invited_again", "mail_refused")):
        log.info(
            "Nothing to send: no invitation or reminder is due; %d need attention (see bksb.issue).", need_attention
        )
        return
    log.info(
        "Sent %(invited)d invitations, %(reminded)d reminders and %(invited_again)d again on request; "
        "waiting: %(waiting)s; %(need_attention)d need attention (see bksb.issue).",
        counts | {"waiting": shown or "none", "need_attention": need_attention},
    )


def _hand_over(mailer: Mailer, message: EmailMessage) -> BksbSyncError | None:
    try:
        mailer.send(message)
    except (RejectedError, TransientError, ConfigurationError) as error:
        return error
    return None
