"""The front page and the log-in page."""

from sandbox.server import Sandbox
from tests.sandbox.calls import get_page


def test_the_front_page_says_what_the_sandbox_is_and_links_to_its_pages(sandbox: Sandbox) -> None:
    front = get_page(sandbox, "/")
    assert "simulated bksb" in front.text
    for path in ("/mailbox", "/faults", "/_sandbox/state"):
        assert f'href="{path}"' in front.text
        assert get_page(sandbox, path).status_code == 200


def test_the_log_in_page_that_invitations_link_to_exists_and_escapes_the_username(sandbox: Sandbox) -> None:
    shown = get_page(sandbox, "/bksbLive2/Login.aspx?username=%3Cb%3EL1")
    assert shown.status_code == 200 and "&lt;b&gt;L1" in shown.text and "<b>L1" not in shown.text
