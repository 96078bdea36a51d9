"""Decides which messages are due, and which issues staff should look at. Pure: no I/O."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bksb.jobs.invitations.eligible import Eligible
from bksb.model import Issue, Person

MessageKind = Literal["invitation", "resend", "reminder"]
MessageState = Literal["sending", "waiting", "sent", "refused", "unknown", "withheld", "superseded"]

DEFERRED_FOR_LONG = timedelta(days=2)
"""Time after which a message that the mail server keeps deferring becomes an issue for staff."""


@dataclass(frozen=True)
class LastMessage:
    """The last message to one person, as stored; `state` None: there was none yet."""

    person_id: str
    username: str = field(repr=False)
    kind: MessageKind | None
    state: MessageState | None
    intent_at: datetime | None
    message_id: str | None
    repeated: bool | None
    """Whether it was sent a second time, because the first one may not have arrived."""

    last_run_id: str | None
    reason: str | None
    address_digest: str | None = field(repr=False)
    password_changed: bool = False
    """Whether the password setting has changed since the account was created."""

    without_results: bool = True
    results_known: bool = True
    """Whether "no result" can be trusted, because all sources were read recently."""


@dataclass(frozen=True)
class DueMessage:
    """One message to send.

    `intent_at` and `message_id` are those of the previous try, None for the first one. If `delivery_unknown` is set,
    the previous try may have arrived. This message repeats it, and is not repeated again.
    """

    person_id: str
    username: str = field(repr=False)
    kind: MessageKind
    intent_at: datetime | None = None
    message_id: str | None = None
    delivery_unknown: bool = False

    @property
    def is_only_known_to_this_run(self) -> bool:
        """Whether later runs would not send this message, because staff asked only this run to send it again."""
        return self.kind == "resend" and self.intent_at is None


def due_messages(last_messages: Iterable[LastMessage], eligible: Eligible, run_id: str) -> list[DueMessage]:
    """List the messages to send, in the order in which to send them.

    Messages with unknown delivery come first, then invitations before reminders, new ones before failed ones. Within
    these groups each run has another order, so that bad addresses do not delay the same people every time.
    """

    def turn(due: DueMessage) -> tuple[bool, bool, bool, str]:
        shuffled = hashlib.sha256(f"{run_id} {due.person_id}".encode()).hexdigest()
        return not due.delivery_unknown, due.kind == "reminder", due.intent_at is not None, shuffled

    found = (_decide(last, eligible) for last in last_messages if not is_lost(last))
    return sorted((due for due in found if due), key=turn)


def _decide(last: LastMessage, eligible: Eligible) -> DueMessage | None:
    person = eligible.people.get(last.person_id)
    if person is None or find_obstacle(last, person, eligible):
        return None
    kind = last.kind or "invitation"
    if last.state is None or (last.state == "refused" and not is_refused_address(last, person)):
        return DueMessage(last.person_id, last.username, kind)
    if last.state in ("waiting", "sending"):
        return DueMessage(last.person_id, last.username, kind, last.intent_at, last.message_id, last.state == "sending")
    return None


def is_lost(last: LastMessage) -> bool:
    """Whether the message was sent twice with unknown delivery. It is not sent a third time."""
    return last.state == "sending" and bool(last.repeated)


def find_lost(last_messages: Iterable[LastMessage], eligible: Eligible) -> Iterator[LastMessage]:
    """Yield the lost messages of people who can be mailed now. Staff have to ask these people."""
    for last in last_messages:
        person = eligible.people.get(last.person_id)
        if person and is_lost(last) and not find_obstacle(last, person, eligible):
            yield last


def find_obstacle(last: LastMessage, person: Person, eligible: Eligible) -> str | None:
    """Return why this person cannot be mailed now, or None."""
    if last.kind != "reminder" and last.password_changed:
        return (
            "the password setting was changed after the account was created, so the message would contain a wrong "
            "password: restore the setting, or set a password in bksb and tell the person"
        )
    return eligible.obstacle(person)


def find_issues(last_messages: Sequence[LastMessage], eligible: Eligible, run_id: str, now: datetime) -> list[Issue]:
    """List the issues that staff should look at."""
    return [issue for last in last_messages for issue in _find_issues_about(last, eligible, run_id, now)]


def _find_issues_about(last: LastMessage, eligible: Eligible, run_id: str, now: datetime) -> Iterator[Issue]:
    if last.repeated and last.last_run_id == run_id:
        yield make_repeated_issue(last.person_id)
    person = eligible.people.get(last.person_id)
    if person is None:
        return
    if last.state == "refused" and is_refused_address(last, person):
        yield _make_failed_issue(last, f"the mail server refuses the address ({last.reason}): correct it in the MIS")
    elif last.state == "unknown":
        yield _make_failed_issue(
            last,
            "two messages were sent and neither is known to have arrived: ask the person, or use resend_invitation",
        )
    elif last.state in (None, "waiting", "sending", "refused") and last.kind != "reminder":
        obstacle = find_obstacle(last, person, eligible)
        if obstacle and (last.without_results or not last.password_changed):
            yield _make_failed_issue(last, obstacle)
        elif not obstacle and last.state == "waiting" and last.intent_at and last.intent_at < now - DEFERRED_FOR_LONG:
            yield _make_failed_issue(
                last, "the mail server keeps deferring messages to this address: check it in the MIS"
            )


def make_repeated_issue(person_id: str) -> Issue:
    """Make the issue about a message that was sent twice because of unknown delivery."""
    return Issue.about(person_id, "invitation_repeated", "the first message may not have arrived, so it was sent again")


def _make_failed_issue(last: LastMessage, detail: str) -> Issue:
    return Issue.about(last.person_id, "invitation_failed", detail)


def is_refused_address(last: LastMessage, person: Person) -> bool:
    """Whether the MIS still has the address that the mail server refused."""
    digest = address_digest(last.message_id or "", person.email or "")
    return hmac.compare_digest(last.address_digest or "", digest)


def address_digest(message_id: str, address: str) -> str:
    """Return what is stored of a refused address: enough to notice that the MIS has another one.

    Keyed with the Message-ID, so that the digests of two people do not show whether their addresses are the same.
    """
    return hmac.new(message_id.encode(), address.casefold().encode(), hashlib.sha256).hexdigest()
