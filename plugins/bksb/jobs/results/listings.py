"""What bksb lists for one source of one account."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bksb.model import AssessmentResult, Source


@dataclass(frozen=True)
class Listing:
    """All pages of one source of one account. If complete, it has every result completed before `synced_at`."""

    bksb_user_id: int
    source: Source
    synced_at: datetime
    results: list[AssessmentResult]
    is_complete: bool
    kept_sessions: Collection[str] = frozenset()
    """V5 sessions that bksb still lists. Their reports are loaded already and were not fetched again."""

    unknown_types: Collection[str] = frozenset()
    """V5 AssessmentTypes that the sync does not know. Their sessions are not loaded."""

    @property
    def is_empty(self) -> bool:
        """Whether bksb says that this source has no results."""
        return self.is_complete and not (self.results or self.kept_sessions or self.unknown_types)
