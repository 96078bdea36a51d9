"""The layout of the sandbox's pages. Callers escape text from outside before they put it into HTML."""

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse, Response

FRONT_PAGE_LINK = '<p><a href="/">Front page</a></p>'
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.25; }
h2 { font-size: 1.375rem; margin: 2rem 0 .5rem; } h3 { font-size: 1.125rem; margin: 1.5rem 0 .25rem; }
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


def render_page(title: str, body: str, status: int = 200, policy: str = PAGE_POLICY) -> Response:
    """Return a page of the sandbox. `title` is plain text, `body` is HTML."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · bksb sandbox</title><style>{STYLE}</style><h1>{escape(title)}</h1>{body}",
        status,
        headers=make_headers(policy),
    )


def count_of(number: int, noun: str) -> str:
    """Return "1 message", "2 messages"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def render_table(headings: Iterable[str], rows: str) -> str:
    """Return a table. `headings` and `rows` are HTML."""
    head = "".join(f"<th>{heading}" for heading in headings)
    return f"<table><thead><tr>{head}</thead><tbody>{rows}</tbody></table>"


def make_headers(content_policy: str) -> dict[str, str]:
    """Return headers that stop the browser from storing the page and from loading anything from another site."""
    return {
        "Content-Security-Policy": content_policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
