"""Distinguishes a mail server that rejects us from one that rejects single addresses."""

from __future__ import annotations

from bksb.errors import ConfigurationError, MessageDeferredError, RejectedError, TransientError
from bksb.jobs.invitations.due import DueMessage
from bksb.jobs.invitations.outbox import Outbox

CONSECUTIVE_REJECTIONS_LIMIT = 8
"""Recipients in a row that may be refused or deferred before sending stops. If no message was accepted meanwhile, the
server is rejecting us, not them."""


class RejectionStreak:
    """The recipients that were refused or deferred in a row."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._rejected: list[DueMessage] = []

    def end(self) -> None:
        """End the streak, because a message was accepted."""
        self._rejected.clear()

    def add(self, due: DueMessage, error: RejectedError | MessageDeferredError) -> None:
        """Add a rejection. At the limit, put all messages of the streak back and raise.

        TransientError if the last one was deferred, ConfigurationError if it was refused.
        """
        self._rejected.append(due)
        if len(self._rejected) < CONSECUTIVE_REJECTIONS_LIMIT:
            return
        first = min(one.intent_at for one in self._rejected if one.intent_at)
        if self._outbox.was_accepted_since(first):
            return
        for one in self._rejected:
            self._outbox.put_back(one)
        if isinstance(error, MessageDeferredError):
            raise TransientError(
                f"The mail server deferred {CONSECUTIVE_REJECTIONS_LIMIT} people in a row. The other messages wait for "
                f"the next try. The last error: {error}"
            )
        raise ConfigurationError(
            f"The mail server refused {CONSECUTIVE_REJECTIONS_LIMIT} people in a row (the last with {error.reason}). "
            "Check that the sender of connection 'smtp_default' may send to external addresses. Then clear this task, "
            "or wait for the next run: both try these people again."
        )
