"""Writes invitations and reminders from the templates that a site may edit; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from bksb.errors import ConfigurationError, RejectedError
from bksb.settings import Settings

TemplateKind = Literal["invitation", "reminder"]

TEMPLATE_FOLDER = Path(__file__).resolve().parents[3] / "templates"
"""`templates/` stands beside `plugins/`, in a checkout as in the image."""

KINDS: tuple[TemplateKind, ...] = ("invitation", "reminder")

PARTS = ("subject.txt", "txt", "html")
"""Each kind of message is three files: invitation.subject.txt, invitation.txt and invitation.html."""

REMINDER_VARIABLES = ("given_names", "family_name", "username", "login_url", "site_url")

VARIABLES: Mapping[TemplateKind, tuple[str, ...]] = {
    "invitation": (*REMINDER_VARIABLES, "password"),
    "reminder": REMINDER_VARIABLES,
}
"""What a template may use. A reminder names no password: by then the first one may no longer be right."""

INVENTED = {
    "given_names": "Zoë-Mae",
    "family_name": "O'Sample",
    "username": "L 0001/26",
    "password": "Gkt4-Rwx7-Pqd9",
    "site_url": "https://yourcollege.bksblive2.co.uk",
}
"""The person whom templates are tried on; with a name and a username that are not easy."""


@dataclass(frozen=True)
class Letter:
    """What a message says. All of it is about one person, so none of it is in `repr`."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


class Templates:
    """The templates of one folder. `load_templates` makes one that is known to work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, kind: TemplateKind, words: Mapping[str, str]) -> Letter:
        """The letter of one kind to one person; ConfigurationError, which holds none of the words, if a template
        fails on them."""
        subject, text, html = (self._render(f"{kind}.{part}", words) for part in PARTS)
        # a line break or a control character in a name must not begin a header of its own
        printable = "".join(character if character.isprintable() else " " for character in subject)
        return Letter(" ".join(printable.split()), text.strip() + "\n", html)

    def check(self) -> None:
        """Try every template on an invented person; ConfigurationError names file, mistake and what is allowed."""
        for kind in KINDS:
            for part in PARTS:
                self._check_file(kind, f"{kind}.{part}")
            if not self.write(kind, words_for_nobody(kind)).subject:
                raise ConfigurationError(f"{self._folder / f'{kind}.subject.txt'} is empty: a message needs a subject.")

    def _render(self, name: str, words: Mapping[str, str]) -> str:
        try:
            return self._environment.get_template(name).render(words)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            # the texts of these errors may repeat a name
            raise ConfigurationError(
                f"The template {self._folder / name} cannot be filled in ({type(error).__name__}): look at it with "
                "`python -m bksb preview-mail`."
            ) from None

    def _check_file(self, kind: TemplateKind, name: str) -> None:
        path = self._folder / name
        allowed = VARIABLES[kind]
        try:
            source = path.read_text(encoding="utf-8")
            tree = self._environment.parse(source, name)
            unknown = sorted(meta.find_undeclared_variables(tree) - set(allowed))
            if unknown:
                raise ConfigurationError(
                    f"The template {path} uses {', '.join(unknown)}, which {kind}s do not have. It may use "
                    f"{', '.join(allowed)}."
                )
            # the person is invented, so the error's text can be shown
            self._environment.get_template(name).render(words_for_nobody(kind))
        # an OSError as well
        except TemplateNotFound as error:
            raise ConfigurationError(
                f"The template {path} includes {error.name}, which is not in its folder."
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"The template {path} cannot be read ({error.strerror}): all of {', '.join(FILES)} have to be there."
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"The template {path} is not written in UTF-8: save it in that encoding."
            ) from None
        except TemplateSyntaxError as error:
            raise ConfigurationError(
                f"The template {path} has a mistake in line {error.lineno}: {error.message}."
            ) from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"The template {path} cannot be filled in: {error}. It may use {', '.join(allowed)}."
            ) from None


FILES = tuple(f"{kind}.{part}" for kind in KINDS for part in PARTS)


def load_templates(settings: Settings) -> Templates:
    """The site's own templates, or those that come with the project, tried on an invented person.

    Raises ConfigurationError, which names the file and what is wrong with it.
    """
    templates = Templates(settings.template_folder or TEMPLATE_FOLDER)
    templates.check()
    return templates


def check_ready(settings: Settings) -> Templates:
    """The templates, once everything that an invitation needs is there; ConfigurationError says what is missing."""
    settings.password_for_new_accounts()
    if settings.site_url is None:
        raise ConfigurationError(
            "Invitations need the address at which learners log in: enter Site URL in the bksb connection (extra "
            "site_url), like https://yourcollege.bksblive2.co.uk, or start the run with invite off."
        )
    return load_templates(settings)


def words_for(
    settings: Settings, kind: TemplateKind, username: str, given_names: str, family_name: str
) -> dict[str, str]:
    """The VARIABLES of one kind of message for one person; call `check_ready` first."""
    site_url = settings.site_url or ""
    words = {
        "given_names": given_names,
        "family_name": family_name,
        "username": username,
        "login_url": login_url(site_url, username),
        "site_url": site_url,
    }
    return words if kind == "reminder" else words | {"password": settings.password_of(username)}


def words_for_nobody(kind: TemplateKind, site_url: str = INVENTED["site_url"]) -> dict[str, str]:
    """The VARIABLES of one kind of message for a person who is invented."""
    words = INVENTED | {"site_url": site_url, "login_url": login_url(site_url, INVENTED["username"])}
    return {name: words[name] for name in VARIABLES[kind]}


def login_url(site_url: str, username: str) -> str:
    """The log-in page of a bksb site with the username filled in (docs/bksb-api.md)."""
    return f"{site_url}/bksbLive2/Login.aspx?username={quote(username, safe='')}"


def compose(letter: Letter, *, sender: str, to: str, message_id: str, now: datetime) -> EmailMessage:
    """The letter as a message in text and HTML; RejectedError if the address cannot stand in a header."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = message_id
        # keeps out-of-office replies away from the sender
        message["Auto-Submitted"] = "auto-generated"
        # in seven bits and short lines, so that no server on the way has to change it
        message.set_content(_encodable(letter.text), cte="quoted-printable")
        message.add_alternative(_encodable(letter.html), subtype="html", cte="quoted-printable")
    except (ValueError, IndexError, MessageError):
        raise RejectedError("the address cannot be written into a message") from None
    return message


def _encodable(text: str) -> str:
    """The text without what no e-mail can carry: NUL, and halves of characters."""
    return re.sub(r"[\0\ud800-\udfff]", "", text)
