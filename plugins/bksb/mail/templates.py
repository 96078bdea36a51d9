"""Loads, checks and fills in the templates of invitations and reminders: ours, or a site's own, file by file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from bksb import folders
from bksb.errors import ConfigurationError
from bksb.mail.messages import Letter
from bksb.settings import Settings

TemplateKind = Literal["invitation", "reminder"]

OUR_TEMPLATES = folders.DEFAULTS_FOLDER / "templates"

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


class Templates:
    """The templates of the site's folder `templates/`, and ours where it has none. `load_templates` checks them, too.

    ConfigurationError if BKSB_CONFIG names no folder.
    """

    def __init__(self) -> None:
        config = folders.config_folder()
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader([config / "templates", OUR_TEMPLATES] if config else OUR_TEMPLATES),
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
            if not self.write(kind, make_sample_words(kind)).subject:
                path = _find_path(f"{kind}.subject.txt")
                raise ConfigurationError(f"{folders.shown(path)} is empty: a message needs a subject.")

    def _render(self, name: str, words: Mapping[str, str]) -> str:
        try:
            return self._environment.get_template(name).render(words)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            # the texts of these errors may repeat a name
            raise ConfigurationError(
                f"The template {folders.shown(_find_path(name))} cannot be filled in ({type(error).__name__}): look at "
                "it with `python -m bksb preview-mail`."
            ) from None

    def _check_file(self, kind: TemplateKind, name: str) -> None:
        path = _find_path(name)
        shown = folders.shown(path)
        allowed = VARIABLES[kind]
        try:
            source = path.read_text(encoding="utf-8")
            tree = self._environment.parse(source, name)
            unknown = sorted(meta.find_undeclared_variables(tree) - set(allowed))
            if unknown:
                raise ConfigurationError(
                    f"The template {shown} uses {', '.join(unknown)}, which {kind}s do not have. It may use "
                    f"{', '.join(allowed)}."
                )
            # the person is invented, so the error's text can be shown
            self._environment.get_template(name).render(make_sample_words(kind))
        # an OSError as well
        except TemplateNotFound as error:
            raise ConfigurationError(
                f"The template {shown} includes {error.name}, which is not in the folder templates/."
            ) from None
        except OSError as error:
            raise ConfigurationError(f"The template {shown} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"The template {shown} is not written in UTF-8: save it in that encoding."
            ) from None
        except TemplateSyntaxError as error:
            raise ConfigurationError(
                f"The template {shown} has a mistake in line {error.lineno}: {error.message}."
            ) from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"The template {shown} cannot be filled in: {error}. It may use {', '.join(allowed)}."
            ) from None


FILES = tuple(f"{kind}.{part}" for kind in KINDS for part in PARTS)


def load_templates() -> Templates:
    """The templates, tried on an invented person; ConfigurationError names the file and what is wrong with it."""
    templates = Templates()
    templates.check()
    return templates


def _find_path(name: str) -> Path:
    """The file of a template."""
    return folders.find_file(f"templates/{name}", OUR_TEMPLATES / name)


def require_ready(settings: Settings) -> Templates:
    """The templates, once everything that an invitation needs is there; ConfigurationError says what is missing."""
    settings.require_initial_password()
    if settings.site_url is None:
        raise ConfigurationError(
            "Invitations need the address at which learners log in: enter Site URL in the bksb connection (extra "
            "site_url), like https://yourcollege.bksblive2.co.uk, or start the run with invite off."
        )
    return load_templates()


def make_words(
    settings: Settings, kind: TemplateKind, username: str, given_names: str, family_name: str
) -> dict[str, str]:
    """The VARIABLES of one kind of message for one person; call `require_ready` first."""
    site_url = settings.site_url or ""
    words = {
        "given_names": given_names,
        "family_name": family_name,
        "username": username,
        "login_url": login_url(site_url, username),
        "site_url": site_url,
    }
    return words if kind == "reminder" else words | {"password": settings.password_of(username)}


def make_sample_words(kind: TemplateKind, site_url: str = INVENTED["site_url"]) -> dict[str, str]:
    """The VARIABLES of one kind of message for a person who is invented."""
    words = INVENTED | {"site_url": site_url, "login_url": login_url(site_url, INVENTED["username"])}
    return {name: words[name] for name in VARIABLES[kind]}


def login_url(site_url: str, username: str) -> str:
    """The log-in page of a bksb site with the username filled in (docs/bksb-api.md)."""
    return f"{site_url}/bksbLive2/Login.aspx?username={quote(username, safe='')}"
