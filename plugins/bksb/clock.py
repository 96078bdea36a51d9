"""What day it is. Rules take the day or the moment as a parameter; everything else may ask here."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo


def today(zone: ZoneInfo) -> date:
    """The date it is now in `zone`."""
    return datetime.now(zone).date()
