"""The errors of this project, named by what to do about them.

    BksbSyncError
    ├── FatalError                    a person has to fix something first; never retried
    │   ├── ConfigurationError        a connection, a setting, a file or a migration
    │   ├── KeyRefusedError           bksb answered 401 or 403: it does not accept the key
    │   ├── MisContractError          the MIS query breaks its contract
    │   └── CheckFailedError          a check on the loaded rows failed
    ├── TransientError                the same work is tried again later; no one has to do anything
    │   ├── UnreachableError          no connection: the host is unknown, or nothing listens
    │   ├── TlsError                  the certificate or the handshake failed
    │   ├── ProxyError                the proxy failed
    │   ├── ApiTimeoutError           connected, but no answer in time
    │   ├── UnexpectedResponseError   the response does not look like bksb
    │   ├── MessageDeferredError      the mail server deferred a message
    │   └── DeliveryUnknownError      a message may or may not have been accepted
    └── RejectedError                 one learner is rejected; the others go on

Messages contain nothing personal: only ids, counts, column names and what to do.
"""

from __future__ import annotations


class BksbSyncError(Exception):
    """The base class of all errors that this project raises on purpose."""


class FatalError(BksbSyncError):
    """The run cannot go on until someone has fixed something. The message says what."""


class ConfigurationError(FatalError):
    """A connection, a setting, a file or a migration is missing or wrong."""


class KeyRefusedError(FatalError):
    """bksb does not accept the key. Every further call would fail too, so everything stops.

    `status` is 401 or 403, or None if unknown.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MisContractError(FatalError):
    """The MIS or its query broke the contract in `sql/mis/eligible_learners.sql`. The task stops before it acts on what
    it read.
    """


class CheckFailedError(FatalError):
    """A check in `sql/checks` returned rows. The message names the check and the ids."""


class TransientError(BksbSyncError):
    """The other side has a temporary problem. The same call can be made again later.

    `retry_after` is the number of seconds that the other side asked us to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """No connection could be made."""


class TlsError(TransientError):
    """The certificate of the other side is not valid, or the TLS handshake failed."""


class ProxyError(TransientError):
    """The proxy that the environment names did not forward the call."""


class ApiTimeoutError(TransientError):
    """The call took longer than the time limit."""


class UnexpectedResponseError(TransientError):
    """The response is not what the call returns: a wrong API URL, a web page, or an incomplete response."""


class MessageDeferredError(TransientError):
    """The mail server deferred the message (4xx). The cause may be this recipient."""


class DeliveryUnknownError(TransientError):
    """The connection was lost after DATA and before the reply: the message may or may not have been accepted."""


class RejectedError(BksbSyncError):
    """The other side rejects this one learner for good. `reason` contains nothing personal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
