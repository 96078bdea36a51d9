"""The settings of the `bksb` connection: one table that gives the parsing, the defaults and the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    Strict,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from bksb.errors import ConfigurationError
from bksb.model import Source
from bksb.rules.emails import is_email
from bksb.rules.passwords import SHORTEST_SECRET, derive_password, setting_digest
from bksb.rules.times import MailHours

SHORTEST_PASSWORD = 8
"""Shortest Default Password that we accept, in characters."""

SECRETS = ("default_password", "password_secret")
"""Settings that keep their leading and trailing blanks."""

SOURCES: tuple[Source, ...] = ("initial", "diagnostic", "v5")
"""Sources of results that can be fetched."""

USUAL_SOURCES: tuple[Source, ...] = ("initial", "diagnostic")
"""Sources fetched by default. Without v5, the newer assessments, which take two more calls for each learner."""


def _from_text(read: Callable[[str], object]) -> BeforeValidator:
    """Convert text with `read` before the type of the setting is checked. Pass on any other value unchanged."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _parse_site_root(pasted: str) -> str:
    """Return the root of the customer's site, without a trailing slash, from the URL of any of its pages."""
    try:
        parts = urlsplit(pasted)
        fits = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fits = False
    if not fits or any(character.isspace() for character in parts.netloc):
        raise ValueError(
            "Site URL of the bksb connection is not a web address: enter the address at which your learners log in, "
            "like https://yourcollege.bksblive2.co.uk."
        )
    return f"{parts.scheme.lower()}://{parts.netloc}"


def _parse_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a name like "Europe" is a folder
        raise ValueError(
            "timezone of the bksb connection is not a known time zone: enter a name like Europe/London."
        ) from None


def _parse_mail_hours(text: str) -> MailHours:
    try:
        return MailHours.from_text(text)
    except ValueError:
        raise ValueError(
            "mail_hours of the bksb connection has to look like 07:00-21:00, and end on the same day as it starts "
            "(00:00-24:00 means always)."
        ) from None


def _parse_sources(chosen: object) -> tuple[str, ...]:
    """Parse a list, or a text with commas. Keep the order, and drop duplicates."""
    names = [str(part).strip().lower() for part in _split_list(chosen) or ()]
    unknown = [name for name in names if name not in SOURCES]
    if unknown or not names:
        raise ValueError(
            f"sources of the bksb connection may name {', '.join(SOURCES)}: correct or empty it (found: "
            f"{', '.join(unknown) or 'nothing'})."
        )
    return tuple(dict.fromkeys(names))


def _parse_addresses(given: object) -> tuple[str, ...]:
    """Parse a list, or a text with commas. Keep the order, and drop duplicates."""
    parts = _split_list(given)
    stripped = [part.strip() if isinstance(part, str) else part for part in parts or ()]
    addresses = [address for address in stripped if address]
    if parts is None or not all(isinstance(address, str) and is_email(address) for address in addresses):
        raise ValueError("notify of the bksb connection has to be e-mail addresses of staff, separated by commas.")
    return tuple(dict.fromkeys(addresses))


def _split_list(given: object) -> list[Any] | None:
    """Return the parts of a list, or of a text with commas. None if it is neither."""
    if isinstance(given, str):
        return given.split(",")
    return list(given) if isinstance(given, (list, tuple)) else None


TEXT: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1}

# Each kind of setting: its type, how text becomes one, and the schema of its field in the form.
Switch = Annotated[
    bool,
    Strict(),
    _from_text(lambda text: {"true": True, "false": False}.get(text.lower(), text)),
    WithJsonSchema({"type": ["boolean", "null"]}),
]
Number = Annotated[
    int,
    Strict(),
    Field(ge=1),
    _from_text(lambda text: int(text) if text.isascii() and text.isdigit() else text),
    WithJsonSchema(NUMBER),
]
OptionalNumber = Annotated[Number | None, WithJsonSchema(NUMBER)]
Secret = Annotated[str | None, WithJsonSchema(TEXT | {"format": "password"})]
SiteUrl = Annotated[str | None, _from_text(_parse_site_root), WithJsonSchema(TEXT | {"format": "url"})]
Zone = Annotated[InstanceOf[ZoneInfo], _from_text(_parse_zone), PlainSerializer(str), WithJsonSchema(TEXT)]
Hours = Annotated[InstanceOf[MailHours], _from_text(_parse_mail_hours), PlainSerializer(str), WithJsonSchema(TEXT)]
Sources = Annotated[
    tuple[Source, ...], BeforeValidator(_parse_sources), PlainSerializer(", ".join), WithJsonSchema(TEXT)
]
Addresses = Annotated[
    tuple[str, ...], BeforeValidator(_parse_addresses), PlainSerializer(", ".join), WithJsonSchema(TEXT)
]


@dataclass(frozen=True, config=ConfigDict(hide_input_in_errors=True))
class Settings:
    """The settings of one site. Each is an extra of the `bksb` connection with the same name, and a field of its form.

    The form and docs/connections.md show the same order, titles and descriptions.
    """

    integration_enabled: Switch = Field(
        default=True,
        title="Integration Enabled",
        description="While this is off, bksb is not called, and the tasks of both DAGs are skipped.",
    )
    default_password: Secret = Field(
        default=None,
        repr=False,
        title="Default Password",
        description="8 or more characters. The first password of every new bksb account. bksb may ask for a new one "
        "at the first log-in. Accounts are created only if this or the secret below is set.",
        json_schema_extra={"minLength": SHORTEST_PASSWORD},
    )
    password_secret: Secret = Field(
        default=None,
        repr=False,
        title="Secret for passwords",
        description="16 or more characters, or empty. If set, each new account gets its own password, derived from "
        "this secret and the username, instead of the Default Password. Do not change it while people wait for an "
        "invitation.",
        json_schema_extra={"minLength": SHORTEST_SECRET},
    )
    auto_enrol: Switch = Field(
        default=False,
        title="Auto Enrol on Courses",
        description="Enrol new accounts onto the courses that are set up for auto-enrolment in bksb.",
    )
    site_url: SiteUrl = Field(
        default=None,
        title="Site URL",
        description="The address at which your learners log in to bksb, like https://yourcollege.bksblive2.co.uk. "
        "Not the API URL. Needed for invitations.",
    )
    timezone: Zone = Field(
        default=ZoneInfo("Europe/London"),
        title="Time zone",
        description="The time zone of your bksb site, like Europe/London or Australia/Perth. bksb's dates do not name "
        "one.",
    )
    sources: Sources = Field(
        default=USUAL_SOURCES,
        title="Sources",
        description="The results to fetch, separated by commas: initial, diagnostic, v5 (the newer assessments, which "
        "take two more calls for each learner). A source that you add later is fetched with its whole history.",
        # text, because Airflow logs a warning in every task about a list with an entry as short as "v5"
        json_schema_extra={"examples": [", ".join(USUAL_SOURCES), ", ".join(SOURCES)]},
    )
    link_existing: Switch = Field(
        default=False,
        title="Link accounts that already have the username",
        description="What to do if bksb already has an account with the username of a new person. On: treat it as that "
        "person's and link it. Off: report it, so that staff can check.",
    )
    send_date_of_birth: Switch = Field(
        default=True,
        title="Send date of birth",
        description="Give new accounts the date of birth from the MIS.",
    )
    mail_hours: Hours = Field(
        default=MailHours(7 * 60, 21 * 60),
        title="Mail hours",
        description="Send e-mails to learners between these times only, in the time zone above. E-mails due "
        "outside these hours wait for the next run. 00:00-24:00 means always.",
    )
    reminder_days: OptionalNumber = Field(
        default=None,
        title="Reminder after days",
        description="Remind people once, this many days after their invitation, if they have no result yet. Empty: no "
        "reminders.",
    )
    notify: Addresses = Field(
        default=(),
        repr=False,
        title="Staff to notify",
        description="E-mail addresses of staff, separated by commas. They get an e-mail when a run waits for approval.",
    )
    mails_a_minute: Number = Field(
        default=120,
        title="E-mails per minute",
        description="Highest number of e-mails sent in a minute.",
    )
    applicant_months: Number = Field(
        default=12,
        title="Months for applicants",
        description="Applicants are eligible for this many months after they applied.",
    )
    starting_point_days: Number = Field(
        default=183,
        title="Days for the starting point",
        description="A learner's starting point is their first initial assessment result, from this many days before "
        "the start of the programme onwards.",
    )
    raw_days: OptionalNumber = Field(
        default=None,
        title="Days to keep raw answers",
        description="Delete bksb's raw answer this many days after a result last changed. The result itself is kept. "
        "Empty: keep raw answers.",
    )

    def require_initial_password(self) -> None:
        """Check that new accounts can get a password. ConfigurationError says what is missing or too short."""
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
        """Return the first password of the account with this username.

        Derived from `password_secret` if that is set, otherwise the Default Password. ConfigurationError if neither is
        set, or the one in use is too short.
        """
        self.require_initial_password()
        if self.password_secret is not None:
            return derive_password(self.password_secret, username)
        return cast(str, self.default_password)

    def password_setting_digest(self) -> str | None:
        """Return a short digest of the setting that `password_of` uses, to notice when it changes. None if not set."""
        if self.password_secret is not None:
            return setting_digest(f"secret {self.password_secret}")
        return None if self.default_password is None else setting_digest(f"default {self.default_password}")


def read_settings(extra: Mapping[str, Any]) -> Settings:
    """Return the settings in a connection's extra, whether the form stored it or a person wrote it into a variable.

    An absent or empty entry means the default. ConfigurationError names each wrong value.
    """
    given: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) and name not in SECRETS else value
        for name, value in extra.items()
    }
    try:
        return Settings(**{name: value for name, value in given.items() if value not in (None, "")})
    except ValidationError as error:
        raise ConfigurationError(" ".join(_explain(one) for one in error.errors())) from None


def is_enabled(extra: Mapping[str, Any]) -> bool:
    """Return whether Integration Enabled is on. No other setting is read, so the others may be wrong."""
    return read_settings({"integration_enabled": extra.get("integration_enabled")}).integration_enabled


def form_fields() -> dict[str, dict[str, Any]]:
    """Return the fields of the connection form, in order: name -> label, description and schema."""
    fields = {}
    for name, schema in TypeAdapter(Settings).json_schema(mode="serialization")["properties"].items():
        shown = {key: value for key, value in schema.items() if key != "default" or value not in (None, "")}
        fields[name] = {"label": shown.pop("title"), "description": shown.pop("description"), "schema": shown}
    return fields


WRONG_TYPES = {
    "bool_type": "true or false",
    "int_type": "a whole number of 1 or more",
    "greater_than_equal": "a whole number of 1 or more",
    "string_type": "text (in quotes)",
    "is_instance_of": "text (in quotes)",
}
"""What a setting has to be, by the type of pydantic's error."""


def _explain(error: ErrorDetails) -> str:
    """Return what is wrong with one setting, without its value, which may be a secret."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{error['loc'][0]} of the bksb connection has to be {WRONG_TYPES.get(error['type'], 'another value')}."
