"""What can go wrong with the mail server, and which of it is on: `mailbox.faults.add(MailFault("down", times=1))`."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

MAIL_FAULTS = {
    "down": "Every connection is cut before a word is said.",
    "refuses_login": "Status 535 to every log-in; otherwise any is accepted, and none is needed.",
    "refuses_sender": "Status 550 to the sender.",
    "ends_session": "Status 421 to the sender, and the session ends: so many messages and no more.",
    "later": "Status 451 to the recipient: not now.",
    "refuses": "Status 550 to the recipient, whoever it is.",
    "dies_before_data": "The connection is cut when the recipient is named; nothing is kept.",
    "refuses_message": "Status 554 to the message, once it is there.",
    "message_later": "Status 452 to the message, once it is there: not now.",
    "dies_in_data": "The connection is cut once the message is there; it is not kept.",
    "dies_after_data": "The message is kept, then the connection is cut without an answer.",
    "silent_after_data": "The message is kept, and no answer comes.",
}
"""What can go wrong with the mail server: the kinds of fault, and what each of them plays."""


class MailFaultError(ValueError):
    """There is no such fault; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class MailFault:
    """Something that goes wrong with the mail server. MailFaultError for a kind that is not in MAIL_FAULTS."""

    kind: str
    to: str | None = None
    """Only for this recipient, in any case. Leave it out for faults of a step that knows no recipient: `down`,
    `refuses_login`, `refuses_sender` and `ends_session`."""
    after: int = 0
    """How often all goes well first."""
    times: int | None = None
    """How often it is played then; without end if None."""

    def __post_init__(self) -> None:
        if self.kind not in MAIL_FAULTS:
            raise MailFaultError(f"There is no mail fault {self.kind!r}. There are: {', '.join(MAIL_FAULTS)}.")


class MailFaults:
    """The faults that are on. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: list[tuple[MailFault, list[int]]] = []

    def add(self, *faults: MailFault) -> None:
        """Switches faults on, from the next step of a session on."""
        with self._lock:
            self._turns += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """Switches all of them off."""
        with self._lock:
            self._turns.clear()

    def strikes(self, kind: str, recipients: Collection[str] = ()) -> bool:
        """Whether a fault of this kind strikes now; counts how often its turn came."""
        with self._lock:
            for fault, turns in self._turns:
                named = fault.to is None or fault.to.lower() in (one.lower() for one in recipients)
                if fault.kind == kind and named:
                    turns[0] += 1
                    if turns[0] > fault.after and (fault.times is None or turns[0] <= fault.after + fault.times):
                        return True
            return False
