"""Templates: what they may say, what is wrong with them in words, and that nothing of a person gets out of place."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bksb.cli import main
from bksb.errors import ConfigurationError, RejectedError
from bksb.mail.smtp import recipient_of
from bksb.mail.templates import (
    FILES,
    KINDS,
    TEMPLATE_FOLDER,
    VARIABLES,
    Letter,
    Templates,
    check_ready,
    compose,
    load_templates,
    login_url,
    words_for,
    words_for_nobody,
)
from bksb.rules.account_plan import is_email
from bksb.settings import Settings
from tests.conftest import SENDER, SETTINGS


@pytest.fixture
def folder(tmp_path):
    """A copy of the templates to spoil."""
    for name in FILES:
        (tmp_path / name).write_text((TEMPLATE_FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def complaint(folder) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_templates(Settings(template_folder=folder))
    return str(caught.value)


def test_the_templates_that_come_with_the_project_are_ready():
    assert {path.name for path in TEMPLATE_FOLDER.iterdir()} == set(FILES)
    templates = check_ready(SETTINGS)
    for kind in KINDS:
        letter = templates.write(kind, words_for(SETTINGS, kind, "L1", "Synthia", "Sample"))
        for body in (letter.text, letter.html):
            assert "Synthia" in body and "L1" in body
            assert (SETTINGS.default_password in body) is (kind == "invitation")
        assert 0 < len(letter.subject) < 80
        assert "{" not in letter.text + letter.subject


def test_what_learners_read_is_short_and_plain():
    for kind in KINDS:
        text = load_templates(SETTINGS).write(kind, words_for_nobody(kind)).text
        sentences = [one for one in re.split(r"[.?!:]\s", text) if "://" not in one]
        assert max(len(sentence.split()) for sentence in sentences) <= 20


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_fits_a_phone_follows_nobody_and_says_its_language(kind):
    page = Page(load_templates(SETTINGS).write(kind, words_for_nobody(kind)).html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "script", "link", "iframe", "form", "table"}
    assert ("html", {"lang": "en-GB"}) in page.tags
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [given for _, given in page.tags]
    assert {"name": "color-scheme", "content": "light dark"} in [given for _, given in page.tags]
    styles = " ".join(given.get("style") or "" for _, given in page.tags)
    assert "url(" not in styles and "max-width" in styles and "monospace" in styles
    assert [given["href"] for tag, given in page.tags if tag == "a"] == [words_for_nobody(kind)["login_url"]]


def test_a_username_of_any_kind_is_filled_into_the_log_in_page():
    assert login_url("https://x.example", "a b@c+d'é/&") == (
        "https://x.example/bksbLive2/Login.aspx?username=a%20b%40c%2Bd%27%C3%A9%2F%26"
    )


def test_markup_in_a_name_is_text_in_html_and_stays_as_it_is_in_text(folder):
    words = words_for_nobody("invitation") | {"given_names": "<b>O'Neil</b> & {{ password }}"}
    letter = load_templates(Settings(template_folder=folder)).write("invitation", words)
    assert "<b>O'Neil</b> & {{ password }}" in letter.text and "<b>O'Neil</b>" in letter.subject
    assert "<b>O" not in letter.html and "&lt;b&gt;O&#39;Neil&lt;/b&gt; &amp; {{ password }}" in letter.html


def test_a_subject_is_one_line_whatever_a_name_holds(folder):
    words = words_for_nobody("invitation") | {"given_names": "Ann\r\nBcc: x@y.example\0\u202e\t"}
    letter = load_templates(Settings(template_folder=folder)).write("invitation", words)
    assert letter.subject.startswith("Ann Bcc: x@y.example ,")
    assert letter.subject.isprintable()


def test_an_unknown_variable_is_named_with_those_that_there_are(folder):
    (folder / "reminder.html").write_text("{% if username == 'nobody' %}{{ frist_name }}{% endif %}")
    said = complaint(folder)
    assert "reminder.html uses frist_name" in said and all(name in said for name in VARIABLES["reminder"])


def test_a_reminder_may_not_name_a_password_which_the_learner_may_have_changed(folder):
    (folder / "reminder.txt").write_text("Hello {{ given_names }}, use {{ password }}")
    assert "reminder.txt uses password, which reminders do not have" in complaint(folder)
    assert "password" not in words_for(SETTINGS, "reminder", "L1", "Synthia", "Sample")


def test_a_mistake_is_named_with_its_line(folder):
    (folder / "invitation.txt").write_text("Hello\n{% if %}")
    assert re.search(r"invitation\.txt has a mistake in line 2", complaint(folder))


def test_a_missing_file_is_named_with_all_that_are_needed(folder):
    (folder / "reminder.subject.txt").unlink()
    said = complaint(folder)
    assert "reminder.subject.txt cannot be read" in said and "invitation.html" in said


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"{% include 'footer.txt' %}", "includes footer.txt"),
        (b"{{ username.nickname }}", "nickname"),
        (b"{{ 1 / 0 }}", "cannot be filled in"),
        (b"{{ ''.__class__.__mro__ }}", "cannot be filled in"),
        (b"{{ username | shout }}", "line 1"),
    ],
)
def test_whatever_else_is_wrong_with_a_template_is_said_before_anything_is_sent(folder, source, says):
    (folder / "invitation.txt").write_bytes(source)
    said = complaint(folder)
    assert "invitation.txt" in said and says in said


def test_an_empty_subject_is_refused(folder):
    (folder / "invitation.subject.txt").write_text("  \n")
    assert "needs a subject" in complaint(folder)


def test_a_template_may_include_another_of_its_folder(folder):
    (folder / "footer.txt").write_text("Yours, {{ family_name }}")
    (folder / "invitation.txt").write_text("{% include 'footer.txt' %}")
    assert load_templates(Settings(template_folder=folder)).write(
        "invitation", words_for_nobody("invitation")
    ).text == ("Yours, O'Sample\n")


def test_what_fails_on_one_person_alone_names_the_file_and_not_the_person(folder):
    (folder / "invitation.txt").write_text("{{ 'x' if given_names != 'Zebedee' else {'a': 1}[given_names] }}")
    templates = load_templates(Settings(template_folder=folder))
    with pytest.raises(ConfigurationError, match=r"invitation\.txt cannot be filled in") as caught:
        templates.write("invitation", words_for_nobody("invitation") | {"given_names": "Zebedee"})
    assert "Zebedee" not in str(caught.value) and caught.value.__suppress_context__


def test_a_letter_shows_nothing_in_its_repr():
    assert "Zebedee" not in repr(Letter("Zebedee", "Zebedee", "Zebedee"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(default_password="Change-me-2026"), "Site URL"),
        (Settings(site_url="https://x.example"), "Default Password"),
        (Settings(site_url="https://x.example", password_secret="short"), "16 or more"),
    ],
)
def test_what_an_invitation_lacks_is_named(settings, says):
    with pytest.raises(ConfigurationError, match=says):
        check_ready(settings)


def composed(**changes):
    facts = {
        "sender": SENDER,
        "to": "a@b.example",
        "message_id": "<1@x.example>",
        "now": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return compose(Letter("Subject", "Text", "<p>"), **(facts | changes))


def test_a_message_is_ready_for_any_server_on_the_way():
    message = message_from_bytes(composed().as_bytes(), policy=policy.default)
    assert message["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert composed().as_bytes().isascii()


def test_half_a_character_in_a_name_stops_nobody():
    message = compose(
        Letter("S\udc80", "T\udc80\0", "H\udc80"),
        sender=SENDER,
        to="a@b.example",
        message_id="<1@x.example>",
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert "T" in message.as_string()


def test_an_address_with_a_line_break_is_refused_without_being_repeated():
    with pytest.raises(RejectedError) as caught:
        composed(to="zebedee@b.example\r\nBcc: x@y.example")
    assert "zebedee" not in str(caught.value)


def test_the_preview_writes_every_message_without_airflow(folder, tmp_path, capsys):
    (folder / "invitation.txt").write_text("Come in, {{ given_names }}")
    out = tmp_path / "out"
    assert main(["preview-mail", "--folder", str(folder), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        f"{kind}.{end}" for kind in KINDS for end in ("txt", "html", "eml")
    }
    assert "Come in, Zoë-Mae" in (out / "invitation.txt").read_text(encoding="utf-8")
    assert message_from_bytes((out / "reminder.eml").read_bytes(), policy=policy.default)["To"]
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_the_preview_says_what_is_wrong(folder, tmp_path, capsys):
    (folder / "invitation.txt").unlink()
    assert main(["preview-mail", "--folder", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "invitation.txt cannot be read" in capsys.readouterr().err
    assert isinstance(Templates(folder), Templates)


PLAIN = st.text("abé09-_+'=?%!~/.", min_size=1, max_size=6)
ODD = st.sampled_from(["", "", "", "(", ")", "(c)", "<", ">", "[1]", ":", ";", ",", "\\", '"', "=?utf-8?q?a?=", " "])
PART = st.builds("{}{}{}".format, PLAIN, ODD, PLAIN)


@given(st.builds("{}@{}.{}".format, PART, PART, PART))
def test_whatever_counts_as_an_address_is_written_to_as_it_stands_or_not_at_all(address):
    assume(is_email(address))
    try:
        message = compose(
            Letter("Hello", "Hello", "<p>Hello</p>"),
            sender=SENDER,
            to=address,
            message_id="<1@college.example>",
            now=datetime(2026, 11, 23, tzinfo=UTC),
        )
    except RejectedError:
        return
    assert recipient_of(message) in (address, None)
