"""What can go wrong, named by what to do next.

    BksbSyncError
    ├── FatalError               a person has to mend something first; never retried
    │   ├── ConfigurationError   a connection, a setting, a file or a migration
    │   ├── KeyRefusedError      bksb answered 401 or 403: the key
    │   ├── MisContractError     the MIS query does not keep its promise
    │   └── PromiseBrokenError   a check on the loaded rows found something
    ├── TransientError           nobody has to do anything; the same work is tried again later
    │   ├── UnreachableError     no connection: the name is unknown, or nothing listens
    │   ├── TlsError             the certificate or the handshake failed
    │   ├── ProxyFailedError     the way to the web leads through a proxy that failed
    │   ├── SilentError          connected, but no answer in time
    │   ├── NotBksbError         something answered that does not talk like bksb
    │   ├── PutOffError          the mail server is there, and does not take this message now
    │   └── FateUnknownError     a message was handed over, and no answer says whether it was accepted
    └── RejectedError            one learner is refused; the others go on

No message may hold anything personal: ids, counts, column names and remedies only.
"""

from __future__ import annotations


class BksbSyncError(Exception):
    """Anything this project raises on purpose."""


class FatalError(BksbSyncError):
    """The run cannot go on until a person has mended something; the message says what."""


class ConfigurationError(FatalError):
    """A connection, a setting, a file or a migration is missing or wrong."""


class KeyRefusedError(FatalError):
    """bksb does not accept the key: every further call would fail too, so everything stops.

    `status` is 401 or 403, or None where it is not known.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MisContractError(FatalError):
    """The MIS query broke its contract (README, "Point it at your MIS"); nothing was changed."""


class PromiseBrokenError(FatalError):
    """A check in `sql/checks` returned rows; the message names the check and the ids."""


class TransientError(BksbSyncError):
    """The other side is not well just now: the same call is worth making again later.

    `retry_after` is what the other side asked for, in seconds, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """There was no connection at all."""


class TlsError(TransientError):
    """The other side could not prove who it is, or there is no common way to encrypt."""


class ProxyFailedError(TransientError):
    """The proxy that the environment names did not pass the call on."""


class SilentError(TransientError):
    """The other side, or the way to it, took longer than we wait."""


class NotBksbError(TransientError):
    """What came is not what the call returns: a wrong API URL, a page in place of bksb, or half an answer."""


class PutOffError(TransientError):
    """The mail server answers, and does not take this message now: that may be about the one it is for."""


class FateUnknownError(TransientError):
    """The connection ended after a message was handed over and before the mail server said what became of it."""


class RejectedError(BksbSyncError):
    """The other side refuses this one learner for good; `reason` is free of personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
