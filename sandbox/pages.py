"""The front page of the sandbox, and the log-in page that invitations link to."""

from html import escape

from fastapi import FastAPI
from starlette.responses import Response

from sandbox.bksb.site import BksbSite
from sandbox.html import count_of, render_page, render_table
from sandbox.mailbox.messages import Mailbox


def add_pages(app: FastAPI, site: BksbSite, mailbox: Mailbox) -> None:
    """Add `/`, the log-in page and an empty icon."""

    @app.get("/")
    def show_index() -> Response:
        return _render_index(site, mailbox)

    @app.get("/bksbLive2/Login.aspx")
    def show_log_in(username: str = "") -> Response:
        given = f"<p>Username: <strong>{escape(username)}</strong></p>" if username else ""
        return render_page(
            "Log in",
            f"{given}<p>In the real bksb, learners log in here. In the sandbox, no one can log in.</p>",
        )

    @app.get("/favicon.ico")
    def send_no_icon() -> Response:
        return Response(status_code=204)


def _render_index(site: BksbSite, mailbox: Mailbox) -> Response:
    users, messages, faults = len(site.users()), len(mailbox.messages()), len(site.faults.list_active())
    rows = (
        '<tr><td><a href="/mailbox">Mailbox</a><td>Mail that bksb sync has sent. It is kept here and never delivered.'
        f"<td>{count_of(messages, 'message')}"
        '<tr><td><a href="/faults">Faults</a><td>Make the simulated bksb fail: time-outs, wrong data, lost replies.'
        f"<td>{count_of(faults, 'fault')} on"
        '<tr><td><a href="/_sandbox/state">State</a><td>Accounts, number of results, and calls received (JSON).'
        f"<td>{count_of(users, 'account')}"
        "<tr><td>/api/<td>The bksb API. Clients need the access key and the secret key.<td>"
    )
    return render_page(
        "bksb sync sandbox",
        "<p>A simulated bksb and a mail server that delivers nothing. "
        "All people in it are invented, and nothing leaves this machine.</p>"
        f"{render_table(('Page', 'What it is for', 'Now'), rows)}",
    )
