"""The web pages of the mailbox. Each message is shown in a sandboxed frame, because its HTML is not trusted."""

from html import escape

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from sandbox.html import FRONT_PAGE_LINK, PAGE_POLICY, count_of, make_headers, render_page, render_table
from sandbox.mailbox.messages import Mailbox, Message

MESSAGES_PER_PAGE = 100
MESSAGE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)


def add_mailbox_pages(app: FastAPI, mailbox: Mailbox) -> None:
    """Add all pages under `/mailbox`."""
    pages = _MailboxPages(mailbox)
    app.get("/mailbox")(pages.show_list)
    app.get("/mailbox/{number}")(pages.show_message)
    app.get("/mailbox/{number}/html")(pages.show_html)
    app.get("/mailbox/{number}/text")(pages.show_text)


class _MailboxPages:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def show_list(self, request: Request) -> Response:
        asked = request.query_params.get("page", "1")
        page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
        return _render_list(self._mailbox.messages(), page)

    def show_message(self, number: int) -> Response:
        message = self._mailbox.message(number)
        return _refuse_unknown_message() if message is None else _render_message(message)

    def show_html(self, number: int) -> Response:
        message = self._mailbox.message(number)
        html = message and message.body("html")
        if not html:
            return _refuse_unknown_message()
        return HTMLResponse(html, headers=make_headers(MESSAGE_POLICY))

    def show_text(self, number: int) -> Response:
        message = self._mailbox.message(number)
        if message is None:
            return _refuse_unknown_message()
        text = message.body("plain") or "(This message has no text version.)"
        return PlainTextResponse(text, headers=make_headers(PAGE_POLICY))


def _render_list(messages: list[Message], page: int) -> Response:
    shown = messages[(page - 1) * MESSAGES_PER_PAGE : page * MESSAGES_PER_PAGE]
    if not shown:
        return render_page(
            "Mailbox", f"{FRONT_PAGE_LINK}<p>No messages yet. Mail that bksb sync sends appears here.</p>"
        )
    rows = "".join(
        f"<tr><td>{escape(', '.join(message.recipients))}"
        f'<td><a href="/mailbox/{message.number}">{escape(message.subject) or "(no subject)"}</a>'
        f"<td>{escape(message.date)}"
        for message in shown
    )
    newer = f'<a href="/mailbox?page={page - 1}">Newer</a> ' if page > 1 else ""
    older = f'<a href="/mailbox?page={page + 1}">Older</a>' if len(messages) > page * MESSAGES_PER_PAGE else ""
    return render_page(
        "Mailbox",
        f"{FRONT_PAGE_LINK}<p>{count_of(len(messages), 'message')}, newest first.</p>"
        f"{render_table(('To', 'Subject', 'Date'), rows)}<p>{newer}{older}</p>",
    )


def _render_message(message: Message) -> Response:
    head = (
        f"<p><a href='/mailbox'>Mailbox</a></p><dl><dt>From<dd>{escape(message.sender)}"
        f"<dt>To<dd>{escape(', '.join(message.recipients))}<dt>Date<dd>{escape(message.date)}</dl>"
    )
    if message.body("html"):
        link = f'<p><a href="/mailbox/{message.number}/text">Text version</a></p>' if message.body("plain") else ""
        body = f'{link}<iframe sandbox title="The message" src="/mailbox/{message.number}/html"></iframe>'
    else:
        body = f"<pre>{escape(message.body('plain') or '(no text)')}</pre>"
    return render_page(message.subject or "(no subject)", head + body)


def _refuse_unknown_message() -> Response:
    return render_page("No such message", '<p>See the <a href="/mailbox">mailbox</a> for all messages.</p>', 404)
