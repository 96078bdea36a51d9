"""Faults of the mail server: `mailbox.faults.add(MailFault("down", times=1))`."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

MAIL_FAULTS = {
    "down": "Every connection is closed before the server greets the client.",
    "refuses_login": "Status 535 for every log-in. Without this fault, any log-in is accepted and none is required.",
    "refuses_sender": "Status 550 for the sender.",
    "ends_session": "Status 421 for the sender, then the session ends, like a limit of messages per session.",
    "later": "Status 451 for the recipient: try again later.",
    "refuses": "Status 550 for the recipient.",
    "dies_before_data": "The connection is cut after RCPT TO. The message is not kept.",
    "refuses_message": "Status 554 after the whole message has arrived.",
    "message_later": "Status 452 after the whole message has arrived: try again later.",
    "dies_in_data": "The connection is cut after the whole message has arrived. The message is not kept.",
    "dies_after_data": "The message is kept, then the connection is cut without a reply.",
    "silent_after_data": "The message is kept, but no reply follows.",
}
"""Kinds of mail fault, with a description of each."""


class MailFaultError(ValueError):
    """There is no such kind of fault. The message lists all kinds."""


@dataclass(frozen=True, slots=True)
class MailFault:
    """One fault to play. Raises MailFaultError if MAIL_FAULTS does not have its kind."""

    kind: str
    to: str | None = None
    """Limits the fault to this recipient, in any case. Not for faults that strike before RCPT TO: `down`,
    `refuses_login`, `refuses_sender` and `ends_session`."""
    after: int = 0
    """How many times the step succeeds first."""
    times: int | None = None
    """How many times the fault strikes after that. None: no limit."""

    def __post_init__(self) -> None:
        if self.kind not in MAIL_FAULTS:
            raise MailFaultError(f"Unknown mail fault {self.kind!r}. Choose one of: {', '.join(MAIL_FAULTS)}.")


class MailFaults:
    """The faults that are switched on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[tuple[MailFault, list[int]]] = []

    def add(self, *faults: MailFault) -> None:
        """Switch faults on. They can strike from the next step of a session."""
        with self._lock:
            self._turns += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._turns.clear()

    def strikes(self, kind: str, recipients: Collection[str] = ()) -> bool:
        """Return whether a fault of this kind strikes now. Each call counts towards `after` and `times`."""
        with self._lock:
            for fault, turns in self._turns:
                named = fault.to is None or fault.to.lower() in (one.lower() for one in recipients)
                if fault.kind == kind and named:
                    turns[0] += 1
                    if turns[0] > fault.after and (fault.times is None or turns[0] <= fault.after + fault.times):
                        return True
            return False
