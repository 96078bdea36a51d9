"""One deployment: its settings, and access to the four systems it works with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from bksb.api.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.level_words import load_vocabulary
from bksb.mail.smtp import Mailer
from bksb.mis import Mis
from bksb.reporting.store import Store, open_store
from bksb.rules.levels import Vocabulary
from bksb.rules.times import find_day_bounds
from bksb.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """Everything that jobs need from outside, so that they do not depend on Airflow."""

    settings: Settings
    mis: Mis
    reporting: ConnectionFields
    make_client: Callable[[], BksbClient]
    open_mailer: Callable[[], AbstractContextManager[Mailer]]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words for subjects and levels, read once. Raises ConfigurationError with the file and the mistake."""
        return load_vocabulary()

    def open_store(self) -> AbstractContextManager[Store]:
        """Open a connection to the migrated reporting database for the duration of a block."""
        return open_store(self.reporting)

    def today(self) -> date:
        """Return the current date in the site's time zone."""
        return datetime.now(self.settings.timezone).date()

    def day_start(self) -> datetime:
        """Return the first moment of the current day in the site's time zone."""
        return find_day_bounds(self.today(), self.settings.timezone)[0]
