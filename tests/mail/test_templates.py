"""Templates: variables, error messages, and safe rendering of names."""

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
    """The empty folder for the site's own templates."""
    return config / "templates"


def complaint() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_templates()
    return str(caught.value)


def test_the_default_templates_are_complete(config):
    assert {path.name for path in OUR_TEMPLATES.iterdir()} == set(FILES)
    templates = require_ready(SETTINGS)
    for kind in KINDS:
        letter = templates.write(kind, make_words(SETTINGS, kind, "L1", "Synthia", "Sample"))
        for body in (letter.text, letter.html):
            assert "Synthia" in body and "L1" in body
            assert (SETTINGS.default_password in body) is (kind == "invitation")
        assert 0 < len(letter.subject) < 80
        assert "{" not in letter.text + letter.subject


def test_the_sentences_that_learners_read_are_short(config):
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
def test_the_page_fits_a_phone_has_no_trackers_and_declares_its_language(kind, config):
    page = Page(load_templates().write(kind, make_sample_words(kind)).html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"img", "script", "link", "iframe", "form", "table"}
    assert ("html", {"lang": "en-GB"}) in page.tags
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [given for _, given in page.tags]
    assert {"name": "color-scheme", "content": "light dark"} in [given for _, given in page.tags]
    styles = " ".join(given.get("style") or "" for _, given in page.tags)
    assert "url(" not in styles and "max-width" in styles and "monospace" in styles
    assert [given["href"] for tag, given in page.tags if tag == "a"] == [make_sample_words(kind)["login_url"]]


def test_any_username_is_encoded_in_the_log_in_address():
    assert login_url("https://x.example", "a b@c+d'é/&") == (
        "https://x.example/bksbLive2/Login.aspx?username=a%20b%40c%2Bd%27%C3%A9%2F%26"
    )


def test_markup_in_a_name_is_escaped_in_html_and_unchanged_in_text(folder):
    words = make_sample_words("invitation") | {"given_names": "<b>O'Neil</b> & {{ password }}"}
    letter = load_templates().write("invitation", words)
    assert "<b>O'Neil</b> & {{ password }}" in letter.text and "<b>O'Neil</b>" in letter.subject
    assert "<b>O" not in letter.html and "&lt;b&gt;O&#39;Neil&lt;/b&gt; &amp; {{ password }}" in letter.html


def test_a_subject_is_one_line_whatever_a_name_contains(folder):
    words = make_sample_words("invitation") | {"given_names": "Ann\r\nBcc: x@y.example\0\u202e\t"}
    letter = load_templates().write("invitation", words)
    assert letter.subject.startswith("Ann Bcc: x@y.example ,")
    assert letter.subject.isprintable()


def test_an_unknown_variable_is_reported_with_the_allowed_ones(folder):
    (folder / "reminder.html").write_text("{% if username == 'no one' %}{{ frist_name }}{% endif %}")
    said = complaint()
    assert "reminder.html uses frist_name" in said and all(name in said for name in VARIABLES["reminder"])


def test_a_reminder_cannot_contain_the_password_because_the_learner_may_have_changed_it(folder):
    (folder / "reminder.txt").write_text("Hello {{ given_names }}, use {{ password }}")
    assert "reminder.txt uses password, which reminders do not have" in complaint()
    assert "password" not in make_words(SETTINGS, "reminder", "L1", "Synthia", "Sample")


def test_a_syntax_error_is_reported_with_its_line(folder):
    (folder / "invitation.txt").write_text("Hello\n{% if %}")
    assert re.search(r"invitation\.txt has a mistake in line 2", complaint())


def test_a_site_template_replaces_only_the_default_of_the_same_name(folder):
    ours = load_templates().write("invitation", make_sample_words("invitation"))
    (folder / "invitation.txt").write_text("Come in, {{ given_names }}")
    theirs = load_templates().write("invitation", make_sample_words("invitation"))
    assert theirs.text == "Come in, Zoë-Mae\n"
    assert (theirs.subject, theirs.html) == (ours.subject, ours.html)


def test_an_unreadable_site_template_is_an_error_and_not_replaced_by_the_default(folder):
    (folder / "reminder.subject.txt").symlink_to(folder / "not there")
    assert f"{folder}/reminder.subject.txt cannot be read: No such file" in complaint()


def test_the_example_template_works(folder):
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
def test_other_mistakes_in_a_template_are_reported_when_it_is_loaded(folder, source, says):
    (folder / "invitation.txt").write_bytes(source)
    said = complaint()
    assert "invitation.txt" in said and says in said


def test_an_empty_subject_is_refused(folder):
    (folder / "invitation.subject.txt").write_text("  \n")
    assert "needs a subject" in complaint()


def test_a_template_may_include_another_file_of_its_folder(folder):
    (folder / "footer.txt").write_text("Yours, {{ family_name }}")
    (folder / "invitation.txt").write_text("{% include 'footer.txt' %}")
    assert load_templates().write("invitation", make_sample_words("invitation")).text == ("Yours, O'Sample\n")


def test_a_template_that_fails_for_one_person_is_reported_without_naming_the_person(folder):
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
def test_a_setting_that_invitations_need_is_named_when_it_is_missing(settings, says):
    with pytest.raises(ConfigurationError, match=says):
        require_ready(settings)
