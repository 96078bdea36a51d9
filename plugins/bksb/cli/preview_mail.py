"""Shows what people are sent, without sending it: `python -m bksb.preview [--conn bksb] [--folder DIR] [--out DIR]`.

Fills in every template for an invented learner and writes each message as text, HTML and .eml (which a mail program
opens). With --conn the folder and the Site URL are those of that Airflow connection; without it no Airflow is needed.
The password shown is invented too. Exit code: 0 all is written; 1 a template or the connection has to be mended.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from bksb.deployment import Settings
from bksb.errors import BksbSyncError
from bksb.mail.templates import INVENTED, KINDS, compose, load_templates, words_for_nobody

SENDER = "Your college <skills@college.example>"

TO = "learner@learner.example"


def write_previews(settings: Settings, out: Path) -> list[Path]:
    """Write every message for an invented learner into a folder; the files written. ConfigurationError as for
    `load_templates`."""
    templates = load_templates(settings)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in KINDS:
        letter = templates.write(kind, words_for_nobody(kind, settings.site_url or INVENTED["site_url"]))
        message = compose(letter, sender=SENDER, to=TO, message_id=f"<{kind}@college.example>", now=datetime.now(UTC))
        for ending, content in (
            ("txt", f"Subject: {letter.subject}\n\n{letter.text}".encode()),
            ("html", letter.html.encode()),
            ("eml", message.as_bytes()),
        ):
            path = out / f"{kind}.{ending}"
            path.write_bytes(content)
            written.append(path)
    return written


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bksb.preview", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--conn", metavar="ID", help="Airflow connection of type bksb to take folder and Site URL from")
    parser.add_argument("--folder", type=Path, help="templates to show; those of the connection, else the project's")
    parser.add_argument("--out", type=Path, default=Path("preview"), help="folder to write to (default: preview)")
    options = parser.parse_args(arguments)
    try:
        settings = _settings_of(options.conn) if options.conn else Settings()
        if options.folder is not None:
            settings = Settings(site_url=settings.site_url, template_folder=options.folder.resolve())
        for path in write_previews(settings, options.out):
            print(path)
    except BksbSyncError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.out} cannot be written to ({error.strerror}): choose another folder.", file=sys.stderr)
        return 1
    return 0


def _settings_of(conn_id: str) -> Settings:
    # Airflow takes seconds to import, and is not needed for a folder alone
    from bksb.airflow.hook import BksbHook

    return BksbHook(conn_id).settings


if __name__ == "__main__":
    sys.exit(main())
