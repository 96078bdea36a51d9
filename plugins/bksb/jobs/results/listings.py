"""What one source of one account holds, as bksb listed it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bksb.model import AssessmentResult, Source


@dataclass(frozen=True)
class Listing:
    """Every page of one source of one account: if it is complete, every result completed before `synced_at`."""

    bksb_user_id: int
    source: Source
    synced_at: datetime
    results: list[AssessmentResult]
    is_complete: bool
    kept_sessions: Collection[str] = frozenset()
    """V5 sessions that bksb still lists, whose report is loaded already and was not asked for again."""

    unknown_types: Collection[str] = frozenset()
    """V5 AssessmentTypes that the sync does not know; their sessions are not loaded."""

    @property
    def is_empty(self) -> bool:
        """Whether bksb says that there is nothing at all."""
        return self.is_complete and not (self.results or self.kept_sessions or self.unknown_types)
