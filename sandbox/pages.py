"""The sandbox's pages that belong to no part of it: what this is, and the log-in page that letters link to."""

from html import escape

from fastapi import FastAPI
from starlette.responses import Response

from sandbox.bksb.site import BksbSite
from sandbox.html import render_page, render_table
from sandbox.mailbox.messages import Mailbox


def add_pages(app: FastAPI, site: BksbSite, mailbox: Mailbox) -> None:
    """Adds `/`, the log-in page and an empty icon."""

    @app.get("/")
    def show_index() -> Response:
        return _render_index(site, mailbox)

    @app.get("/bksbLive2/Login.aspx")
    def show_log_in(username: str = "") -> Response:
        given = f"<p>Username: <strong>{escape(username)}</strong></p>" if username else ""
        return render_page(
            "Log in",
            f"{given}<p>Here a learner would log in to bksb. Nobody can log in to this pretend one.</p>",
        )

    @app.get("/favicon.ico")
    def send_no_icon() -> Response:
        return Response(status_code=204)


def _render_index(site: BksbSite, mailbox: Mailbox) -> Response:
    users, messages, faults = len(site.users()), len(mailbox.messages()), len(site.faults.list_active())
    rows = (
        f'<tr><td><a href="/mailbox">Mailbox</a><td>{messages} messages, kept instead of sent'
        f'<tr><td><a href="/faults">Faults</a><td>{faults} on; switches for everything that can go wrong with bksb'
        f'<tr><td><a href="/_sandbox/state">State</a><td>{users} bksb accounts, results, and calls so far (JSON)'
        "<tr><td>/api/<td>The bksb API, for a client with the access key and the secret key"
    )
    return render_page(
        "A pretend bksb",
        "<p>This is the sandbox of bksb sync: a pretend bksb and a mail server that delivers nothing. "
        "Everybody in it is invented, and nothing leaves this machine.</p>"
        f"{render_table(('Part', 'What it holds'), rows)}",
    )
