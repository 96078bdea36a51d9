"""What a site chooses: the settings of its bksb connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bksb.errors import ConfigurationError
from bksb.model import Source
from bksb.rules.emails import is_email
from bksb.rules.passwords import SHORTEST_SECRET, derived_password, setting_digest
from bksb.rules.times import MailHours

SHORTEST_PASSWORD = 8
"""bksb takes no shorter Default Password."""

SECRETS = ("default_password", "password_secret")
"""Extras that are taken as they are written, blanks at the ends included."""

SOURCES: tuple[Source, ...] = ("initial", "diagnostic", "v5")
"""What can be fetched."""

USUAL_SOURCES: tuple[Source, ...] = ("initial", "diagnostic")
"""What is fetched unless a site says otherwise: the newer assessments cost two calls a learner more."""


@dataclass(frozen=True)
class Settings:
    """What a site chooses; each is an extra of the `bksb` connection, under the same name."""

    default_password: str | None = field(default=None, repr=False)
    password_secret: str | None = field(default=None, repr=False)
    integration_enabled: bool = True
    auto_enrol: bool = False
    link_existing: bool = False
    send_date_of_birth: bool = True
    site_url: str | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    sources: tuple[Source, ...] = USUAL_SOURCES
    applicant_months: int = 12
    starting_point_days: int = 183
    raw_days: int | None = None
    template_folder: Path | None = None
    mail_hours: MailHours = field(default_factory=lambda: MailHours(7 * 60, 21 * 60))
    mails_a_minute: int = 120
    reminder_days: int | None = None
    notify: tuple[str, ...] = field(default=(), repr=False)

    def password_for_new_accounts(self) -> None:
        """Check that new accounts can be given a password; ConfigurationError says what is missing or too short."""
        if self.password_secret is not None:
            if len(self.password_secret) < SHORTEST_SECRET:
                raise ConfigurationError(
                    f"The secret for passwords (extra password_secret of the bksb connection) needs {SHORTEST_SECRET} "
                    "or more characters before accounts can be created: enter a longer one."
                )
            return
        if not self.default_password or len(self.default_password) < SHORTEST_PASSWORD:
            raise ConfigurationError(
                f"The bksb connection needs a Default Password of {SHORTEST_PASSWORD} or more characters "
                "before accounts can be created: enter it under Admin > Connections (extra default_password)."
            )

    def password_of(self, username: str) -> str:
        """The first password of the account with this username; ConfigurationError as for new accounts.

        Derived from `password_secret` where that is set, else the Default Password.
        """
        self.password_for_new_accounts()
        if self.password_secret is not None:
            return derived_password(self.password_secret, username)
        return cast(str, self.default_password)

    def password_setting(self) -> str | None:
        """A short digest of the setting that `password_of` goes by: another one after it was changed; None without."""
        if self.password_secret is not None:
            return setting_digest(f"secret {self.password_secret}")
        return None if self.default_password is None else setting_digest(f"default {self.default_password}")


def read_settings(extra: Mapping[str, Any]) -> Settings:
    """Settings from a connection's extra, as the form stores it or as a person writes it into a variable.

    Absent or empty means the default. Raises ConfigurationError, which names what is wrong.
    """
    given = _given(extra)
    defaults = Settings()
    return Settings(
        default_password=_text(given, "default_password"),
        password_secret=_text(given, "password_secret"),
        integration_enabled=is_enabled(extra),
        auto_enrol=_yes_or_no(given, "auto_enrol", defaults.auto_enrol),
        link_existing=_yes_or_no(given, "link_existing", defaults.link_existing),
        send_date_of_birth=_yes_or_no(given, "send_date_of_birth", defaults.send_date_of_birth),
        site_url=_site_url(_text(given, "site_url")),
        timezone=_zone(_text(given, "timezone") or defaults.timezone.key),
        sources=_sources(given.get("sources", USUAL_SOURCES)),
        applicant_months=_positive(given, "applicant_months", defaults.applicant_months),
        starting_point_days=_positive(given, "starting_point_days", defaults.starting_point_days),
        raw_days=_positive(given, "raw_days", 1) if "raw_days" in given else None,
        template_folder=_folder(_text(given, "template_folder")),
        mail_hours=_mail_hours(_text(given, "mail_hours")) or defaults.mail_hours,
        mails_a_minute=_positive(given, "mails_a_minute", defaults.mails_a_minute),
        reminder_days=_positive(given, "reminder_days", 1) if "reminder_days" in given else None,
        notify=_addresses(given.get("notify", "")),
    )


def is_enabled(extra: Mapping[str, Any]) -> bool:
    """Integration Enabled alone: while it is off, nothing else in the connection has to be right."""
    return _yes_or_no(_given(extra), "integration_enabled", Settings.integration_enabled)


def _given(extra: Mapping[str, Any]) -> dict[str, Any]:
    stripped = {name: value.strip() if isinstance(value, str) else value for name, value in extra.items()}
    # a password may well begin or end with a blank
    stripped |= {name: extra[name] for name in SECRETS if name in extra}
    return {name: value for name, value in stripped.items() if value not in (None, "")}


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{name} of the bksb connection has to be text (in quotes).")
    return value


def _yes_or_no(given: Mapping[str, Any], name: str, default: bool) -> bool:
    value = given.get(name, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} of the bksb connection has to be true or false.")
    return value


def _positive(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} of the bksb connection has to be a whole number of 1 or more.")
    return value


def _sources(chosen: object) -> tuple[Source, ...]:
    """From a list, or a text with commas; each once, in the order given."""
    parts = chosen.split(",") if isinstance(chosen, str) else chosen
    named = [str(part).strip().lower() for part in parts] if isinstance(parts, (list, tuple)) else []
    unknown = [name for name in named if name not in SOURCES]
    if unknown or not named:
        raise ConfigurationError(
            f"sources of the bksb connection may name {', '.join(SOURCES)}, not {', '.join(unknown) or 'nothing'}."
        )
    return cast(tuple[Source, ...], tuple(dict.fromkeys(named)))


def _site_url(pasted: str | None) -> str | None:
    """The root of the customer's own site, without a slash at its end, whichever of its pages was pasted."""
    if pasted is None:
        return None
    try:
        parts = urlsplit(pasted)
        fits = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or any(character.isspace() for character in parts.netloc):
        raise ConfigurationError(
            "Site URL of the bksb connection is not a web address: it should look like "
            "https://yourcollege.bksblive2.co.uk, the address at which your learners log in."
        )
    return f"{parts.scheme.lower()}://{parts.netloc}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a name like "Europe" is a folder
        raise ConfigurationError(
            "timezone of the bksb connection is no known time zone: write it like Europe/London."
        ) from None


def _folder(path: str | None) -> Path | None:
    folder = Path(path) if path else None
    if folder is not None and not folder.is_absolute():
        raise ConfigurationError("template_folder of the bksb connection has to be a whole path, first slash and all.")
    return folder


def _mail_hours(text: str | None) -> MailHours | None:
    try:
        return MailHours.from_text(text) if text else None
    except ValueError:
        raise ConfigurationError(
            "mail_hours of the bksb connection has to look like 07:00-21:00, with the end later on the same day "
            "(00:00-24:00 is always)."
        ) from None


def _addresses(given: object) -> tuple[str, ...]:
    """From a list, or a text with commas; each once, in the order given."""
    parts = given.split(",") if isinstance(given, str) else given
    named = [part.strip() if isinstance(part, str) else part for part in parts] if isinstance(parts, list) else None
    addresses = [address for address in named or () if address]
    if named is None or not all(isinstance(address, str) and is_email(address) for address in addresses):
        raise ConfigurationError(
            "notify of the bksb connection has to be e-mail addresses of staff, with commas between them."
        )
    return tuple(dict.fromkeys(addresses))
