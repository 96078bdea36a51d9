"""Markdown becomes the text and the HTML of an e-mail."""

import pytest

from bksb.mail.markdown import to_html, to_text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("One **bold** `code` and\n*more*.", "One bold code and more."),
        ("First.\n\nSecond.", "First.\n\nSecond."),
        ("List:\n\n- one\n- two\n\nAfter.", "List:\n\n- one\n- two\n\nAfter."),
        ("- \\<b\\> \\*literal\\* 1\\. a \\| b", "- <b> *literal* 1. a | b"),
        ("## Heading\n\n    code\n", "Heading\n\ncode"),
        ("<b>not markup</b> &amp; manual__2026-01-01", "<b>not markup</b> & manual__2026-01-01"),
        ("", ""),
    ],
)
def test_text_has_the_words_without_the_markup(markdown, text):
    assert to_text(markdown) == text


def test_html_is_escaped():
    assert to_html('A <script>alert("x")</script> & **b**') == (
        "<p>A &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; <strong>b</strong></p>\n"
    )


def test_a_link_cannot_run_a_script():
    assert "href" not in to_html("[x](javascript:alert(1))")
