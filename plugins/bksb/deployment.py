"""One deployment: the settings of its bksb connection, and how to reach its three neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, cast
from zoneinfo import ZoneInfo

from bksb.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.errors import ConfigurationError
from bksb.mis import Mis
from bksb.model import Source
from bksb.store import Store, open_store

SHORTEST_PASSWORD = 8
"""bksb takes no shorter Default Password."""

SOURCES: tuple[Source, ...] = ("initial", "diagnostic")


@dataclass(frozen=True)
class Settings:
    """What a site chooses; each is an extra of the `bksb` connection, under the same name."""

    default_password: str | None = field(default=None, repr=False)
    integration_enabled: bool = True
    auto_enrol: bool = False
    link_existing: bool = False
    send_date_of_birth: bool = True
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    sources: tuple[Source, ...] = SOURCES
    applicant_months: int = 12
    starting_point_days: int = 183

    def password_for_new_accounts(self) -> str:
        """The Default Password; ConfigurationError when it is missing or too short."""
        if not self.default_password or len(self.default_password) < SHORTEST_PASSWORD:
            raise ConfigurationError(
                f"The bksb connection needs a Default Password of {SHORTEST_PASSWORD} or more characters "
                'before accounts can be created: put "default_password" into its extra.'
            )
        return self.default_password


def read_settings(extra: Mapping[str, Any]) -> Settings:
    """Settings from a connection's extra; absent or empty means the default. ConfigurationError names what is wrong."""
    given = {name: value for name, value in extra.items() if value not in (None, "")}
    defaults = Settings()
    sources = given.get("sources", SOURCES)
    sources = tuple(part.strip() for part in sources.split(",")) if isinstance(sources, str) else tuple(sources)
    unknown = [str(source) for source in sources if source not in SOURCES]
    if unknown or not sources:
        raise ConfigurationError(
            f"sources of the bksb connection may name {' and '.join(SOURCES)}, not {', '.join(unknown) or 'nothing'}."
        )
    return Settings(
        default_password=given.get("default_password"),
        integration_enabled=_yes_or_no(given, "integration_enabled", defaults.integration_enabled),
        auto_enrol=_yes_or_no(given, "auto_enrol", defaults.auto_enrol),
        link_existing=_yes_or_no(given, "link_existing", defaults.link_existing),
        send_date_of_birth=_yes_or_no(given, "send_date_of_birth", defaults.send_date_of_birth),
        timezone=_zone(given.get("timezone", defaults.timezone.key)),
        sources=cast(tuple[Source, ...], sources),
        applicant_months=_positive(given, "applicant_months", defaults.applicant_months),
        starting_point_days=_positive(given, "starting_point_days", defaults.starting_point_days),
    )


@dataclass(frozen=True)
class Deployment:
    """Everything a job needs from outside, so that jobs know nothing of Airflow."""

    settings: Settings
    mis: Mis
    reporting: ConnectionFields
    make_client: Callable[[], BksbClient]

    def open_store(self) -> AbstractContextManager[Store]:
        """A connection to the migrated reporting database, for as long as the block lasts."""
        return open_store(self.reporting)


def _yes_or_no(given: Mapping[str, Any], name: str, default: bool) -> bool:
    value = given.get(name, default)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} of the bksb connection has to be true or false.")
    return value


def _positive(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} of the bksb connection has to be a whole number of 1 or more.")
    return value


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError):
        raise ConfigurationError(
            "timezone of the bksb connection is no known time zone: write it like Europe/London."
        ) from None
