"""The pages that belong to no part of the sandbox."""

from sandbox.server import Sandbox
from tests.sandbox.calls import get_page


def test_the_first_page_says_what_this_is_and_links_to_the_parts(sandbox: Sandbox) -> None:
    first = get_page(sandbox, "/")
    assert "pretend bksb" in first.text
    for path in ("/mailbox", "/_sandbox/state"):
        assert f'href="{path}"' in first.text
        assert get_page(sandbox, path).status_code == 200


def test_the_log_in_page_of_the_letters_is_there_with_the_username_escaped(sandbox: Sandbox) -> None:
    shown = get_page(sandbox, "/bksbLive2/Login.aspx?username=%3Cb%3EL1")
    assert shown.status_code == 200 and "&lt;b&gt;L1" in shown.text and "<b>L1" not in shown.text
