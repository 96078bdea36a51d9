"""Decides which message is due to whom, and what a member of staff should look at. Pure: no I/O."""

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
"""A message that a server has deferred for this long has an address that somebody should look at."""


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
    """Whether it was sent a second time, because it was not known whether the first one arrived."""

    last_run_id: str | None
    reason: str | None
    address_digest: str | None = field(repr=False)
    password_changed: bool = False
    """Whether the account was created under another password setting than today's."""

    without_results: bool = True
    results_known: bool = True
    """Whether "no result" counts: all sources were read lately."""


@dataclass(frozen=True)
class DueMessage:
    """One message to send.

    `intent_at` and `message_id` are those of the try before, None for a first try. `delivery_unknown`: it is not known
    whether that try arrived, so this one is the repeat, and the last.
    """

    person_id: str
    username: str = field(repr=False)
    kind: MessageKind
    intent_at: datetime | None = None
    message_id: str | None = None
    delivery_unknown: bool = False

    @property
    def is_only_known_to_this_run(self) -> bool:
        """Whether no later run would know that the message is due: a person has asked this run to send it again."""
        return self.kind == "resend" and self.intent_at is None


def due_messages(last_messages: Iterable[LastMessage], eligible: Eligible, run_id: str) -> list[DueMessage]:
    """What is to be sent to people whose last message is not settled, in the order in which to send it.

    A message whose delivery a crash left unknown comes first, a failed one last. Otherwise the order differs from run
    to run, so that addresses that no server accepts do not keep the same people waiting.
    """

    def turn(due: DueMessage) -> tuple[bool, bool, bool, str]:
        drawn = hashlib.sha256(f"{run_id} {due.person_id}".encode()).hexdigest()
        return not due.delivery_unknown, due.kind == "reminder", due.intent_at is not None, drawn

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
    """Whether a crash hid for the second time whether the message arrived: it is not sent a third time."""
    return last.state == "sending" and bool(last.repeated)


def find_lost(last_messages: Iterable[LastMessage], eligible: Eligible) -> Iterator[LastMessage]:
    """The lost messages of people who could be mailed now: a member of staff has to ask them."""
    for last in last_messages:
        person = eligible.people.get(last.person_id)
        if person and is_lost(last) and not find_obstacle(last, person, eligible):
            yield last


def find_obstacle(last: LastMessage, person: Person, eligible: Eligible) -> str | None:
    """Why this person cannot be told now; None if they can."""
    if last.kind != "reminder" and last.password_changed:
        return (
            "the password setting was changed after the account was created, so the message would name a wrong "
            "password: put the setting back, or give the person a password in bksb and tell them"
        )
    return eligible.obstacle(person)


def find_issues(last_messages: Sequence[LastMessage], eligible: Eligible, run_id: str, now: datetime) -> list[Issue]:
    """What a member of staff should look at."""
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
            last, "it is not known whether two messages arrived: ask the person; resend_invitation sends another"
        )
    elif last.state in (None, "waiting", "sending", "refused") and last.kind != "reminder":
        obstacle = find_obstacle(last, person, eligible)
        if obstacle and (last.without_results or not last.password_changed):
            yield _make_failed_issue(last, obstacle)
        elif not obstacle and last.state == "waiting" and last.intent_at and last.intent_at < now - DEFERRED_FOR_LONG:
            yield _make_failed_issue(last, "the mail server keeps deferring the address: look at it in the MIS")


def make_repeated_issue(person_id: str) -> Issue:
    """A message was sent again because it was not known whether it had arrived."""
    return Issue.about(person_id, "invitation_repeated", "it was not known whether it arrived, so it was sent again")


def _make_failed_issue(last: LastMessage, detail: str) -> Issue:
    return Issue.about(last.person_id, "invitation_failed", detail)


def is_refused_address(last: LastMessage, person: Person) -> bool:
    """Whether the MIS still has the address that the mail server refused."""
    digest = address_digest(last.message_id or "", person.email or "")
    return hmac.compare_digest(last.address_digest or "", digest)


def address_digest(message_id: str, address: str) -> str:
    """What is stored of a refused address: enough to see that the MIS has another one.

    Keyed with the Message-ID, so that two digests do not show whether the addresses are the same.
    """
    return hmac.new(message_id.encode(), address.casefold().encode(), hashlib.sha256).hexdigest()
