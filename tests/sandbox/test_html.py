"""The headers of every page of the sandbox."""

import pytest

from sandbox.server import Sandbox
from tests.sandbox.calls import get_page
from tests.sandbox.mailbox.example_messages import invitation


@pytest.mark.parametrize("path", ["/", "/mailbox", "/mailbox/1", "/mailbox/1/html", "/mailbox/1/text"])
def test_no_page_runs_scripts_or_is_stored_by_the_browser(sandbox: Sandbox, path: str) -> None:
    sandbox.mailbox.keep("a@b.example", ["a@learner.example"], invitation().as_bytes())
    headers = get_page(sandbox, path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
