"""What can go wrong, named by what to do next.

    BksbSyncError
    ├── FatalError                    a person has to fix something first; never retried
    │   ├── ConfigurationError        a connection, a setting, a file or a migration
    │   ├── KeyRefusedError           bksb answered 401 or 403: it is about the key
    │   ├── MisContractError          the MIS query breaks its contract
    │   └── CheckFailedError          a check on the loaded rows found something
    ├── TransientError                no one has to do anything; the same work is tried again later
    │   ├── UnreachableError          no connection: the name is unknown, or nothing listens
    │   ├── TlsError                  the certificate or the handshake failed
    │   ├── ProxyError                the proxy failed
    │   ├── ApiTimeoutError           connected, but no answer in time
    │   ├── UnexpectedResponseError   something answered that does not look like bksb
    │   ├── MessageDeferredError      the mail server deferred a message
    │   └── DeliveryUnknownError      a message may or may not have been accepted
    └── RejectedError                 one learner is refused; the others go on

No message may hold anything personal: only ids, counts, column names and what to do.
"""

from __future__ import annotations


class BksbSyncError(Exception):
    """Every error that this project raises on purpose."""


class FatalError(BksbSyncError):
    """The run cannot go on until a person has fixed something; the message says what."""


class ConfigurationError(FatalError):
    """A connection, a setting, a file or a migration is missing or wrong."""


class KeyRefusedError(FatalError):
    """bksb does not accept the key. Every further call would fail too, so everything stops.

    `status` is 401 or 403, or None if it is not known.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MisContractError(FatalError):
    """The MIS query broke the contract of `sql/mis/eligible_learners.sql`; nothing was changed."""


class CheckFailedError(FatalError):
    """A check in `sql/checks` returned rows; the message names the check and the ids."""


class TransientError(BksbSyncError):
    """The other side has a problem at the moment: the same call is worth making again later.

    `retry_after` is how many seconds the other side asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """No connection could be made."""


class TlsError(TransientError):
    """The other side could not prove who it is, or the two sides share no way to encrypt."""


class ProxyError(TransientError):
    """The proxy that the environment names did not pass the call on."""


class ApiTimeoutError(TransientError):
    """The other side, or the way to it, took longer than we wait."""


class UnexpectedResponseError(TransientError):
    """The response is not what the call returns: a wrong API URL, a web page instead of bksb, or half a response."""


class MessageDeferredError(TransientError):
    """The mail server deferred the message (4xx). The cause may be this recipient."""


class DeliveryUnknownError(TransientError):
    """The connection was lost after DATA and before the reply: the message may or may not have been accepted."""


class RejectedError(BksbSyncError):
    """The other side refuses this one learner for good; `reason` is free of personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
