"""Looks up usernames in bksb with several threads, and stops when bksb is down."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from bksb.api.client import BksbClient
from bksb.errors import RejectedError, TransientError
from bksb.jobs.outage import OutageDetector
from bksb.jobs.threads import run_concurrently

log = logging.getLogger(__name__)

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class LookupOutcome:
    """bksb's answer about one username: a user, no user, or no usable answer (`error`)."""

    user_id: int | None = None
    error: RejectedError | TransientError | None = None


def look_up(client: BksbClient, username: str) -> LookupOutcome:
    """Look up one username. Raises only FatalErrors."""
    try:
        return LookupOutcome(user_id=client.find_user_id(username))
    except (RejectedError, TransientError) as error:
        return LookupOutcome(error=error)


class UsernameLookups:
    """Looks up the usernames of one task."""

    def __init__(self, client: BksbClient, outages: OutageDetector) -> None:
        self._client = client
        self._outages = outages
        self._has_given_up = False

    def look_up_all(
        self, wanted: Iterable[tuple[Subject, str]], *, expect_failures: bool = False
    ) -> Iterator[tuple[Subject, LookupOutcome]]:
        """Yield (subject, outcome) for each pair of subject and username, in order of completion.

        Raises TransientError when bksb is down. Set `expect_failures` for people who got no answer last time either.
        If they fail again while bksb answers other calls, this ends early, and later calls yield nothing.
        """
        if self._has_given_up:
            return
        with closing(run_concurrently(lambda pair: look_up(self._client, pair[1]), wanted)) as outcomes:
            for (subject, _), outcome in outcomes:
                yield subject, outcome
                if not expect_failures:
                    self._outages.record(outcome.error)
                elif not self._outages.record_expected(outcome.error):
                    self._has_given_up = True
                    log.warning(
                        "bksb again gave no usable answer about people who got none last time. The rest of them are "
                        "skipped until the next run."
                    )
                    return
