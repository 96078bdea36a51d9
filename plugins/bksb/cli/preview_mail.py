"""Preview the e-mails to learners without sending them.

Writes each message as text, HTML and .eml. The messages use the templates in config/templates, or the default where
there is none. The learner and the password are invented. With --conn, the Site URL comes from that connection; without
it, the command does not need Airflow.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from bksb.errors import ConfigurationError
from bksb.mail.messages import compose
from bksb.mail.templates import INVENTED, KINDS, load_templates, make_sample_words
from bksb.settings import Settings

SENDER = "Your college <skills@college.example>"

TO = "learner@learner.example"


def write_previews(settings: Settings, out: Path) -> list[Path]:
    """Write every message to an invented learner into a folder, and return the files.

    ConfigurationError as for `load_templates`.
    """
    templates = load_templates()
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        letter = templates.write(kind, make_sample_words(kind, settings.site_url or INVENTED["site_url"]))
        message = compose(letter, sender=SENDER, to=TO, message_id=f"<{kind}@college.example>", now=datetime.now(UTC))
        for ending, content in (
            ("txt", f"Subject: {letter.subject}\n\n{letter.text}".encode()),
            ("html", (letter.html or "").encode()),
            ("eml", message.as_bytes()),
        ):
            path = out / f"{kind}.{ending}"
            path.write_bytes(content)
            written.append(path)
    return written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--conn", metavar="ID", help="Airflow connection of type bksb to take the Site URL from")
    parser.add_argument(
        "--out", type=Path, default=Path("preview"), metavar="FOLDER", help="folder to write to (default: preview)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the messages, and print the paths of the files."""
    settings = _settings_of(options.conn) if options.conn else Settings()
    try:
        for path in write_previews(settings, options.out):
            print(path)
    except OSError as error:
        raise ConfigurationError(
            f"{options.out} cannot be written ({error.strerror}): choose another folder."
        ) from None
    return 0


def _settings_of(conn_id: str) -> Settings:
    from bksb.airflow.hook import BksbHook

    return BksbHook(conn_id).settings
