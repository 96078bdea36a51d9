"""The sandbox's pages for people: what this is, and the mailbox. All text from outside is escaped."""

from html import escape

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.bksb.site import BksbSite
from sandbox.mailbox.server import Mailbox, Message

PER_PAGE = 100
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
LETTER_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8886; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dd { margin: 0; }
iframe { width: 100%; height: 70vh; border: 1px solid #8886; border-radius: .25rem; background: #fff; }
pre { white-space: pre-wrap; font: inherit; border: 1px solid #8886; border-radius: .25rem; padding: 1rem; }
form { margin: .25rem 0; } label { display: block; margin: .5rem 0; } fieldset { border: 1px solid #8886; }
input, select, button { font: inherit; max-width: 100%; }
input:not([type]), select { display: block; min-width: 16rem; }
[role=alert] { border-left: .25rem solid #c33; padding-left: .75rem; }
@media (max-width: 40rem) {
  thead { display: none; } tr { display: block; padding: .5rem 0; border-bottom: 1px solid #8886; }
  td { display: block; border: 0; padding: 0; } dl { grid-template-columns: 1fr; } dt { font-weight: 600; }
}
"""


def add_pages(app: FastAPI, site: BksbSite, mailbox: Mailbox) -> None:
    """Adds `/` and everything under `/mailbox`."""

    @app.get("/")
    def index() -> Response:
        users, messages = len(site.users()), len(mailbox.messages())
        return framed(
            "A pretend bksb",
            "<p>This is the sandbox of bksb sync: a pretend bksb and a mail server that delivers nothing. "
            "Everybody in it is invented, and nothing leaves this machine.</p>"
            "<table><thead><tr><th>Part<th>What it holds</thead><tbody>"
            f'<tr><td><a href="/mailbox">Mailbox</a><td>{messages} messages, kept instead of sent'
            f'<tr><td><a href="/faults">Faults</a><td>{len(site.faults.active())} on; switches for everything that can '
            "go wrong with bksb"
            f'<tr><td><a href="/_sandbox/state">State</a><td>{users} bksb accounts, results, and calls so far (JSON)'
            "<tr><td>/api/<td>The bksb API, for a client with the access key and the secret key"
            "</tbody></table>",
        )

    @app.get("/bksbLive2/Login.aspx")
    def log_in(username: str = "") -> Response:
        whom = f"<p>Username: <strong>{escape(username)}</strong></p>" if username else ""
        return framed(
            "Log in",
            f"{whom}<p>Here a learner would log in to bksb. Nobody can log in to this pretend one.</p>",
        )

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return Response(status_code=204)

    @app.get("/mailbox")
    def mailbox_list(request: Request) -> Response:
        asked = request.query_params.get("page", "1")
        page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
        messages = mailbox.messages()
        shown = messages[(page - 1) * PER_PAGE : page * PER_PAGE]
        if not shown:
            return framed("Mailbox", "<p>No messages.</p>")
        rows = "".join(
            f"<tr><td>{escape(', '.join(message.recipients))}"
            f'<td><a href="/mailbox/{message.number}">{escape(message.subject) or "(no subject)"}</a>'
            f"<td>{escape(message.date)}"
            for message in shown
        )
        newer = f'<a href="/mailbox?page={page - 1}">Newer</a> ' if page > 1 else ""
        older = f'<a href="/mailbox?page={page + 1}">Older</a>' if len(messages) > page * PER_PAGE else ""
        return framed(
            "Mailbox",
            f"<p>{len(messages)} messages, newest first.</p>"
            f"<table><thead><tr><th>To<th>Subject<th>Date</thead><tbody>{rows}</tbody></table><p>{newer}{older}</p>",
        )

    @app.get("/mailbox/{number}")
    def letter(number: int) -> Response:
        message = mailbox.message(number)
        return _no_message() if message is None else _letter_page(message)

    @app.get("/mailbox/{number}/html")
    def letter_html(number: int) -> Response:
        message = mailbox.message(number)
        html = message and message.body("html")
        if not html:
            return _no_message()
        return HTMLResponse(html, headers=_headers(LETTER_POLICY))

    @app.get("/mailbox/{number}/text")
    def letter_text(number: int) -> Response:
        message = mailbox.message(number)
        if message is None:
            return _no_message()
        return PlainTextResponse(
            message.body("plain") or "(this message has no text version)", headers=_headers(PAGE_POLICY)
        )


def _letter_page(message: Message) -> Response:
    head = (
        f"<p><a href='/mailbox'>Mailbox</a></p><dl><dt>From<dd>{escape(message.sender)}"
        f"<dt>To<dd>{escape(', '.join(message.recipients))}<dt>Date<dd>{escape(message.date)}</dl>"
    )
    if message.body("html"):
        link = f'<p><a href="/mailbox/{message.number}/text">Text version</a></p>' if message.body("plain") else ""
        body = f'{link}<iframe sandbox title="The message" src="/mailbox/{message.number}/html"></iframe>'
    else:
        body = f"<pre>{escape(message.body('plain') or '(no text)')}</pre>"
    return framed(message.subject or "(no subject)", head + body)


def _no_message() -> Response:
    return framed("No such message", '<p>It is not in the <a href="/mailbox">mailbox</a>.</p>', 404)


def framed(title: str, body: str, status: int = 200, policy: str = PAGE_POLICY) -> Response:
    """A page of the sandbox; title and policy are plain text, the body is HTML."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · bksb sandbox</title><style>{STYLE}</style><h1>{escape(title)}</h1>{body}",
        status,
        headers=_headers(policy),
    )


def _headers(content_policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
