"""The table `bksb.invitation`: every message to a person, and its state.

The intent to send is committed before the message is sent, so that a crash leaves a trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

from bksb.jobs.invitations.due import DueMessage, LastMessage, MessageState, make_repeated_issue
from bksb.jobs.issues import open_issues
from bksb.model import Run
from bksb.reporting.store import Store
from bksb.settings import Settings


class Reinvitation(NamedTuple):
    """A person that staff asked to invite again."""

    person_id: str
    username: str
    made_here: bool
    """Whether the sync created the account and it is active, so that we know its first password."""

    password_changed: bool
    asked_before: bool
    """Whether an earlier try of this run has already begun or sent it."""


class Outbox:
    """The messages of one run. Each method is its own transaction."""

    def __init__(self, store: Store, settings: Settings, run: Run, day_start: datetime) -> None:
        self._store = store
        self._setting_digest = settings.password_setting_digest()
        self._run = run
        self._person_ids = list(run.person_ids) or None
        self._day_start = day_start

    def follow_transfers(self, person_ids: dict[str, str]) -> None:
        """Move the messages of people with a new person_id. `person_ids` maps former to present ids."""
        with self._store.transaction():
            self._store.run(
                "invitations/transfer_invitations",
                former_person_ids=list(person_ids),
                person_ids=list(person_ids.values()),
            )

    def unsettled(self) -> list[LastMessage]:
        """List unsettled invitations and people who were never invited, of the run's people or of all."""
        return self._last_messages(
            "invitations/list_unsettled_invitations",
            person_ids=self._person_ids,
            run_id=self._run.run_id,
            setting_digest=self._setting_digest,
        )

    def reminders(
        self, *, invited_before: datetime, sources: Sequence[str], looked_at_since: datetime
    ) -> list[LastMessage]:
        """List unsettled reminders and people to remind for the first time."""
        return self._last_messages(
            "invitations/list_due_reminders",
            person_ids=self._person_ids,
            run_id=self._run.run_id,
            invited_before=invited_before,
            sources=list(sources),
            looked_at_since=looked_at_since,
        )

    def reinvitations(self) -> list[Reinvitation]:
        """List the named people who have an account."""
        with self._store.transaction():
            rows = self._store.run(
                "invitations/list_accounts_to_reinvite",
                person_ids=self._person_ids,
                run_id=self._run.run_id,
                setting_digest=self._setting_digest,
            )
        return [Reinvitation(*row) for row in rows]

    def begin(self, due: DueMessage, message_id: str, state: Literal["sending", "waiting"]) -> datetime | None:
        """Store the intent to send a new message. Returns None unless the account is active and created by the sync."""
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
        return cast(datetime, rows[0].intent_at) if rows else None

    def resume(self, due: DueMessage) -> datetime | None:
        """Store the intent to send a message again, with the same Message-ID. Returns None as `begin` does."""
        with self._store.transaction():
            rows = self._store.run(
                "invitations/resume_invitation",
                person_id=due.person_id,
                intent_at=due.intent_at,
                repeated=due.delivery_unknown,
                run_id=self._run.run_id,
            )
            if rows and due.delivery_unknown:
                open_issues(self._store, [make_repeated_issue(due.person_id)], self._day_start)
        return cast(datetime, rows[0].intent_at) if rows else None

    def finish(self, due: DueMessage) -> None:
        """Record that the mail server accepted the message."""
        self._run_on("invitations/finish_invitation", due)

    def refuse(self, due: DueMessage, reason: str, address_digest: str) -> None:
        """Record that the mail server refused the message permanently."""
        self._run_on("invitations/refuse_invitation", due, reason=reason, address_digest=address_digest)

    def mark_unknown(self, message: DueMessage | LastMessage) -> None:
        """Record that the message may have arrived and is not sent again."""
        self._set_state(message, "unknown", repeated=True)

    def put_back(self, due: DueMessage) -> None:
        """Record that this try did not arrive. An earlier try with unknown delivery stays unknown."""
        self._set_state(due, "sending" if due.delivery_unknown else "waiting", repeated=False)

    def was_accepted_since(self, moment: datetime) -> bool:
        """Whether the mail server has accepted any message since then."""
        with self._store.transaction():
            return bool(self._store.run("invitations/find_accepted_since", since=moment)[0].found)

    def _set_state(self, message: DueMessage | LastMessage, state: MessageState, *, repeated: bool) -> None:
        self._run_on("invitations/set_invitation_state", message, state=state, repeated=repeated)

    def _run_on(self, name: str, message: DueMessage | LastMessage, **parameters: Any) -> None:
        with self._store.transaction():
            self._store.run(name, person_id=message.person_id, intent_at=message.intent_at, **parameters)

    def _last_messages(self, name: str, **parameters: Any) -> list[LastMessage]:
        with self._store.transaction():
            return [LastMessage(**row._asdict()) for row in self._store.run(name, **parameters)]


def count_invitations(store: Store, run: Run) -> dict[str, int]:
    """Count the messages of a run by outcome. Call it inside a transaction."""
    counts: dict[str, int] = store.run("invitations/count_invitations", run_id=run.run_id)[0]._asdict()
    return counts
