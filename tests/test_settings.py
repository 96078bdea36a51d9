"""The settings in the bksb connection, and the errors for wrong ones."""

from dataclasses import fields, replace
from zoneinfo import ZoneInfo

import pytest

from bksb.errors import ConfigurationError
from bksb.rules.passwords import derive_password
from bksb.rules.times import MailHours
from bksb.settings import SECRETS, SOURCES, Settings, form_fields, is_enabled, read_settings
from tests.conftest import repository


def test_an_absent_or_empty_setting_has_its_default():
    assert read_settings({"timezone": "", "sources": None}) == Settings()


def test_switches_and_lists_may_be_text():
    settings = read_settings({"auto_enrol": "true", "sources": "diagnostic", "timezone": "Australia/Perth"})
    assert settings.auto_enrol is True
    assert settings.sources == ("diagnostic",)
    assert settings.timezone == ZoneInfo("Australia/Perth")


def test_what_the_form_stores_is_accepted():
    """Airflow 3.3.2's form stores switches as booleans, cleared fields as null, and a choice as a list."""
    stored = {
        "integration_enabled": False,
        "default_password": " Change-me ",
        "auto_enrol": True,
        "site_url": "https://College.bksblive2.co.uk/bksbLive2/Login.aspx?username=",
        "timezone": None,
        "sources": ["diagnostic"],
        "link_existing": False,
        "send_date_of_birth": False,
    }
    assert read_settings(stored) == Settings(
        integration_enabled=False,
        default_password=" Change-me ",
        auto_enrol=True,
        site_url="https://College.bksblive2.co.uk",
        sources=("diagnostic",),
        send_date_of_birth=False,
    )


def test_the_form_has_every_setting_and_shows_its_default():
    form, defaults = form_fields(), Settings()
    assert list(form) == [field.name for field in fields(Settings)]
    shown = {name: field["schema"]["default"] for name, field in form.items() if "default" in field["schema"]}
    assert read_settings(shown) == defaults
    assert {name for name in form if name not in shown} == {
        name for name in form if getattr(defaults, name) in (None, ())
    }
    for example in form["sources"]["schema"]["examples"]:
        assert set(read_settings({"sources": example}).sources) <= set(SOURCES)
    assert all(field["label"] and field["description"].endswith(".") for field in form.values())


def test_blanks_are_kept_in_exactly_the_settings_that_the_form_hides():
    hidden = [name for name, field in form_fields().items() if field["schema"].get("format") == "password"]
    assert sorted(SECRETS) == sorted(hidden)


def test_the_docs_list_every_setting_with_its_title_default_and_description():
    words = {None: "none", True: "on", False: "off"}
    rows = []
    for name, field in form_fields().items():
        default = field["schema"].get("default")
        shown = default if isinstance(default, str) or type(default) is int else words[default]
        rows.append(f"| {field['label']} | `{name}` | {shown} | {field['description']} |")
    head = "| field of the form | in `extra` | default | |\n| --- | --- | --- | --- |"
    text = (repository() / "docs" / "connections.md").read_text(encoding="utf-8")
    listed = text.split(head)[1].split("\n\n")[0].strip().splitlines()
    assert listed == rows


@pytest.mark.parametrize("sources", ["Initial, DIAGNOSTIC", ["diagnostic", "initial", "initial"]])
def test_sources_may_be_written_in_any_case_and_twice(sources):
    assert sorted(read_settings({"sources": sources}).sources) == ["diagnostic", "initial"]


def test_numbers_may_be_written_as_text():
    assert read_settings({"applicant_months": " 6 "}).applicant_months == 6


@pytest.mark.parametrize(
    "pasted",
    [
        "college.bksblive2.co.uk",
        "ftp://college.example",
        "https://",
        "https://[",
        "https://x:y",
        "https://u:p@x",
        "https://a b",
    ],
)
def test_an_invalid_site_url_is_answered_with_an_example(pasted):
    with pytest.raises(ConfigurationError, match=r"like https://yourcollege"):
        read_settings({"site_url": pasted})


def test_while_integration_enabled_is_off_other_settings_may_be_wrong():
    assert is_enabled({"integration_enabled": "False", "timezone": "Nowhere", "sources": 7}) is False
    assert is_enabled({}) is True
    with pytest.raises(ConfigurationError, match="integration_enabled"):
        is_enabled({"integration_enabled": "perhaps"})


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"auto_enrol": "perhaps"}, "auto_enrol"),
        ({"timezone": "Europe/Londres"}, "timezone"),
        ({"sources": "initial, v6"}, "v6"),
        ({"sources": []}, "sources"),
        ({"sources": 7}, "sources"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"default_password": 12345678}, "default_password"),
        ({"site_url": True}, "site_url"),
        ({"applicant_months": 0}, "applicant_months"),
        ({"starting_point_days": "many"}, "starting_point_days"),
        ({"password_secret": 1234567890123456}, "password_secret"),
        ({"raw_days": True}, "raw_days"),
        ({"raw_days": 1.5}, "raw_days"),
        ({"reminder_days": "²"}, "reminder_days"),
        ({"mail_hours": "7-21"}, "mail_hours"),
        ({"mail_hours": "21:00-07:00"}, "mail_hours"),
        ({"mail_hours": "07:00-24:30"}, "mail_hours"),
        ({"mails_a_minute": 0}, "mails_a_minute"),
        ({"reminder_days": 0}, "reminder_days"),
        ({"notify": "staff"}, "notify"),
        ({"notify": ["a@b.example", 7]}, "notify"),
        ({"notify": {"a@b.example": 1}}, "notify"),
        ({"notify": 0}, "notify"),
    ],
)
def test_a_wrong_setting_is_named(extra, named):
    with pytest.raises(ConfigurationError, match=named):
        read_settings(extra)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"auto_enrol": 1}, "auto_enrol of the bksb connection has to be true or false."),
        ({"raw_days": "x"}, "raw_days of the bksb connection has to be a whole number of 1 or more."),
        ({"mails_a_minute": -1}, "mails_a_minute of the bksb connection has to be a whole number of 1 or more."),
        ({"timezone": 1}, "timezone of the bksb connection has to be text (in quotes)."),
        ({"mail_hours": 7}, "mail_hours of the bksb connection has to be text (in quotes)."),
        ({"site_url": 7}, "site_url of the bksb connection has to be text (in quotes)."),
        (
            {"sources": "v6"},
            "sources of the bksb connection may name initial, diagnostic, v5: correct or empty it (found: v6).",
        ),
    ],
)
def test_an_error_says_what_a_setting_has_to_be(extra, says):
    with pytest.raises(ConfigurationError) as caught:
        read_settings(extra)
    assert str(caught.value) == says


def test_a_changed_copy_of_settings_is_checked_like_new_ones():
    assert replace(Settings(), sources=("v5",)).sources == ("v5",)
    with pytest.raises(ValueError, match="mails_a_minute"):
        replace(Settings(), mails_a_minute=0)


@pytest.mark.parametrize("password", [None, "", "1234567"])
def test_a_default_password_that_is_missing_or_short_stops_creations(password):
    with pytest.raises(ConfigurationError, match="Default Password of 8 or more"):
        read_settings({"default_password": password}).require_initial_password()


def test_a_secret_for_passwords_replaces_the_default_password():
    secret = " sixteen letters "
    settings = read_settings({"default_password": "Change-me-2026", "password_secret": secret})
    assert settings.password_secret == secret
    assert settings.password_of("L1") == derive_password(secret, "L1")
    assert read_settings({"default_password": "Change-me-2026"}).password_of("L1") == "Change-me-2026"


def test_a_short_secret_for_passwords_stops_creations():
    settings = read_settings({"default_password": "Change-me-2026", "password_secret": "fifteen letters"})
    for ask in (settings.require_initial_password, lambda: settings.password_of("L1")):
        with pytest.raises(ConfigurationError, match="16 or more"):
            ask()


def test_mail_hours_are_in_the_daytime_by_default():
    assert str(read_settings({}).mail_hours) == str(MailHours.from_text("07:00-21:00"))
    assert read_settings({"mail_hours": " 00:00 - 24:00 "}).mail_hours == MailHours(0, 24 * 60)


def test_staff_to_notify_may_be_text_or_a_list_and_are_not_in_repr():
    settings = read_settings({"notify": "a@b.example, c@d.example,, a@b.example"})
    assert settings.notify == read_settings({"notify": ["a@b.example", "c@d.example"]}).notify
    assert settings.notify == ("a@b.example", "c@d.example") and "b.example" not in repr(settings)


def test_reminders_are_off_by_default():
    assert read_settings({}).reminder_days is None
    assert read_settings({"reminder_days": "14"}).reminder_days == 14


def test_no_repr_and_no_message_holds_a_secret():
    settings = Settings(default_password="hunter24-secret", password_secret="hunter25-secret-x")
    assert "hunter" not in repr(settings)
    wrong = {"default_password": ["hunter26"], "password_secret": {"hunter27": 1}, "notify": "hunter28"}
    with pytest.raises(ConfigurationError) as caught:
        read_settings(wrong | {"timezone": "hunter29", "raw_days": "hunter30"})
    said = str(caught.value)
    assert all(name in said for name in (*wrong, "timezone", "raw_days")) and "hunter" not in said
    assert caught.value.__suppress_context__
    with pytest.raises(ValueError, match="default_password") as refused:
        Settings(default_password=["hunter31"])
    assert "hunter" not in str(refused.value)
