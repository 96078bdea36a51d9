"""Templates: what they may say, what is wrong with them in words, and that nothing of a person gets out of place."""

import re
import shutil
from html.parser import HTMLParser

import pytest

from bksb.errors import ConfigurationError
from bksb.mail.templates import (
    FILES,
    KINDS,
    OUR_TEMPLATES,
    VARIABLES,
    load_templates,
    login_url,
    make_sample_words,
    make_words,
    require_ready,
)
from bksb.settings import Settings
from tests.conftest import SETTINGS, repository


@pytest.fixture
def folder(config):
    """The folder of the site's own templates, to fill."""
    return config / "templates"


def complaint() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_templates()
    return str(caught.value)


def test_the_templates_that_come_with_the_project_are_ready(config):
    assert {path.name for path in OUR_TEMPLATES.iterdir()} == set(FILES)
    templates = require_ready(SETTINGS)
    for kind in KINDS:
        letter = templates.write(kind, make_words(SETTINGS, kind, "L1", "Synthia", "Sample"))
        for body in (letter.text, letter.html):
            assert "Synthia" in body and "L1" in body
            assert (SETTINGS.default_password in body) is (kind == "invitation")
        assert 0 < len(letter.subject) < 80
        assert "{" not in letter.text + letter.subject


def test_what_learners_read_is_short_and_plain(config):
    for kind in KINDS:
        text = load_templates().write(kind, make_sample_words(kind)).text
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
def test_the_page_fits_a_phone_follows_nobody_and_says_its_language(kind, config):
    page = Page(load_templates().write(kind, make_sample_words(kind)).html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "script", "link", "iframe", "form", "table"}
    assert ("html", {"lang": "en-GB"}) in page.tags
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [given for _, given in page.tags]
    assert {"name": "color-scheme", "content": "light dark"} in [given for _, given in page.tags]
    styles = " ".join(given.get("style") or "" for _, given in page.tags)
    assert "url(" not in styles and "max-width" in styles and "monospace" in styles
    assert [given["href"] for tag, given in page.tags if tag == "a"] == [make_sample_words(kind)["login_url"]]


def test_a_username_of_any_kind_is_filled_into_the_log_in_page():
    assert login_url("https://x.example", "a b@c+d'é/&") == (
        "https://x.example/bksbLive2/Login.aspx?username=a%20b%40c%2Bd%27%C3%A9%2F%26"
    )


def test_markup_in_a_name_is_text_in_html_and_stays_as_it_is_in_text(folder):
    words = make_sample_words("invitation") | {"given_names": "<b>O'Neil</b> & {{ password }}"}
    letter = load_templates().write("invitation", words)
    assert "<b>O'Neil</b> & {{ password }}" in letter.text and "<b>O'Neil</b>" in letter.subject
    assert "<b>O" not in letter.html and "&lt;b&gt;O&#39;Neil&lt;/b&gt; &amp; {{ password }}" in letter.html


def test_a_subject_is_one_line_whatever_a_name_holds(folder):
    words = make_sample_words("invitation") | {"given_names": "Ann\r\nBcc: x@y.example\0\u202e\t"}
    letter = load_templates().write("invitation", words)
    assert letter.subject.startswith("Ann Bcc: x@y.example ,")
    assert letter.subject.isprintable()


def test_an_unknown_variable_is_named_with_those_that_there_are(folder):
    (folder / "reminder.html").write_text("{% if username == 'nobody' %}{{ frist_name }}{% endif %}")
    said = complaint()
    assert "reminder.html uses frist_name" in said and all(name in said for name in VARIABLES["reminder"])


def test_a_reminder_may_not_name_a_password_which_the_learner_may_have_changed(folder):
    (folder / "reminder.txt").write_text("Hello {{ given_names }}, use {{ password }}")
    assert "reminder.txt uses password, which reminders do not have" in complaint()
    assert "password" not in make_words(SETTINGS, "reminder", "L1", "Synthia", "Sample")


def test_a_mistake_is_named_with_its_line(folder):
    (folder / "invitation.txt").write_text("Hello\n{% if %}")
    assert re.search(r"invitation\.txt has a mistake in line 2", complaint())


def test_a_template_of_the_site_takes_the_place_of_ours_and_no_other(folder):
    ours = load_templates().write("invitation", make_sample_words("invitation"))
    (folder / "invitation.txt").write_text("Come in, {{ given_names }}")
    theirs = load_templates().write("invitation", make_sample_words("invitation"))
    assert theirs.text == "Come in, Zoë-Mae\n"
    assert (theirs.subject, theirs.html) == (ours.subject, ours.html)


def test_a_template_of_the_site_that_cannot_be_read_is_named_and_ours_is_not_used(folder):
    (folder / "reminder.subject.txt").symlink_to(folder / "not there")
    assert f"{folder}/reminder.subject.txt cannot be read: No such file" in complaint()


def test_the_example_for_a_site_is_one_that_works(folder):
    example = repository() / "config" / "templates" / "invitation.txt.example"
    shutil.copy(example, folder / "invitation.txt")
    words = make_sample_words("invitation")
    text = load_templates().write("invitation", words).text
    assert text.startswith("Dear Zoë-Mae,") and words["login_url"] in text and words["password"] in text


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
    said = complaint()
    assert "invitation.txt" in said and says in said


def test_an_empty_subject_is_refused(folder):
    (folder / "invitation.subject.txt").write_text("  \n")
    assert "needs a subject" in complaint()


def test_a_template_may_include_another_of_its_folder(folder):
    (folder / "footer.txt").write_text("Yours, {{ family_name }}")
    (folder / "invitation.txt").write_text("{% include 'footer.txt' %}")
    assert load_templates().write("invitation", make_sample_words("invitation")).text == ("Yours, O'Sample\n")


def test_what_fails_on_one_person_alone_names_the_file_and_not_the_person(folder):
    (folder / "invitation.txt").write_text("{{ 'x' if given_names != 'Zebedee' else {'a': 1}[given_names] }}")
    templates = load_templates()
    with pytest.raises(ConfigurationError, match=r"invitation\.txt cannot be filled in") as caught:
        templates.write("invitation", make_sample_words("invitation") | {"given_names": "Zebedee"})
    assert "Zebedee" not in str(caught.value) and caught.value.__suppress_context__


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
        require_ready(settings)
