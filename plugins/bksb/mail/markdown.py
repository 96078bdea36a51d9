"""Turns Markdown into the text and the HTML of an e-mail."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False})
"""Escapes HTML instead of passing it on."""


def to_html(markdown: str) -> str:
    """Return the Markdown as HTML. HTML inside the Markdown is escaped."""
    return str(_PARSER.render(markdown))


def to_text(markdown: str) -> str:
    """Return the Markdown as plain text, without its markup: paragraphs, and lists with "- " before each entry."""
    text = ""
    marker = ""
    for token in _PARSER.parse(markdown):
        if token.type == "list_item_open":
            marker = "- "
        elif token.content:
            gap = "\n" if marker and text.rpartition("\n")[2].startswith("- ") else "\n\n"
            text += (gap if text else "") + marker + _strip_markup(token)
            marker = ""
    return text


def _strip_markup(block: Token) -> str:
    """Return the text of one paragraph, list entry, heading or code block."""
    if block.children is None:
        return block.content.rstrip()
    breaks = {"softbreak": " ", "hardbreak": "\n"}
    return "".join(breaks.get(part.type, part.content) for part in block.children)
