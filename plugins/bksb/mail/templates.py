"""Loads, checks and fills in the templates of invitations and reminders. A site can replace each of our files."""

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
"""Variables of each kind of template. Reminders have no password, because by then it may have been changed."""

INVENTED = {
    "given_names": "Zoë-Mae",
    "family_name": "O'Sample",
    "username": "L 0001/26",
    "password": "Gkt4-Rwx7-Pqd9",
    "site_url": "https://yourcollege.bksblive2.co.uk",
}
"""An invented person to check templates with. Name and username contain difficult characters."""


class Templates:
    """The templates in the site's folder `templates/`, and ours for files that are not there.

    `load_templates` also checks them. ConfigurationError if BKSB_CONFIG names no folder.
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
        """Write the letter to one person. ConfigurationError, without any of the words, if a template fails."""
        subject, text, html = (self._render(f"{kind}.{part}", words) for part in PARTS)
        # a line break in a name must not start another header
        printable = "".join(character if character.isprintable() else " " for character in subject)
        return Letter(" ".join(printable.split()), text.strip() + "\n", html)

    def check(self) -> None:
        """Try every template with an invented person. ConfigurationError names the file and its mistake."""
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
            # the texts of these errors may contain a name
            raise ConfigurationError(
                f"The template {folders.shown(_find_path(name))} cannot be filled in ({type(error).__name__}): check "
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
        # before OSError, of which it is a subclass
        except TemplateNotFound as error:
            raise ConfigurationError(
                f"The template {shown} includes {error.name}, which is not in the folder templates/. Put that file "
                "there, or remove the include."
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"The template {shown} cannot be read: {error.strerror}. {folders.CHECK_FILE}"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(
                f"The template {shown} is not written in UTF-8: save it in that encoding."
            ) from None
        except TemplateSyntaxError as error:
            raise ConfigurationError(
                f"The template {shown} has a mistake in line {error.lineno}: {error.message}. Correct it, then check "
                "it with `python -m bksb preview-mail`."
            ) from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"The template {shown} cannot be filled in: {error}. It may use {', '.join(allowed)}."
            ) from None


FILES = tuple(f"{kind}.{part}" for kind in KINDS for part in PARTS)


def load_templates() -> Templates:
    """Load the templates and check them. ConfigurationError names the file and its mistake."""
    templates = Templates()
    templates.check()
    return templates


def _find_path(name: str) -> Path:
    return folders.find_file(f"templates/{name}", OUR_TEMPLATES / name)


def require_ready(settings: Settings) -> Templates:
    """Return the templates if invitations can be sent. ConfigurationError says what is missing."""
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
    """Return the VARIABLES of one message to one person. Call `require_ready` first."""
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
    """Return the VARIABLES of one message to the invented person."""
    words = INVENTED | {"site_url": site_url, "login_url": login_url(site_url, INVENTED["username"])}
    return {name: words[name] for name in VARIABLES[kind]}


def login_url(site_url: str, username: str) -> str:
    """Return the address of the site's log-in page with the username filled in (see docs/bksb-api.md)."""
    return f"{site_url}/bksbLive2/Login.aspx?username={quote(username, safe='')}"
