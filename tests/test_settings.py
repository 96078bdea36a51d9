"""What a site chooses in the bksb connection, and the words for what is wrong with it."""

from zoneinfo import ZoneInfo

import pytest

from bksb.airflow.provider import get_provider_info
from bksb.api.transport import api_root
from bksb.connection_fields import ConnectionFields, libpq_arguments
from bksb.errors import ConfigurationError
from bksb.mis import database_url
from bksb.rules.passwords import derived_password
from bksb.rules.times import MailHours
from bksb.settings import SOURCES, Settings, is_enabled, read_settings


def test_what_is_absent_or_empty_has_its_default():
    assert read_settings({"timezone": "", "sources": None}) == Settings()


def test_the_form_may_hand_over_texts_for_switches_and_lists():
    settings = read_settings({"auto_enrol": "true", "sources": "diagnostic", "timezone": "Australia/Perth"})
    assert settings.auto_enrol is True
    assert settings.sources == ("diagnostic",)
    assert settings.timezone == ZoneInfo("Australia/Perth")


def test_what_the_form_stores_is_taken():
    """As Airflow 3.3.2's form stores it: switches as booleans, what was cleared as null, a choice as a list."""
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


def test_every_field_of_the_form_is_a_setting_and_shows_its_default():
    (connection_type,) = get_provider_info()["connection-types"]
    form, defaults = connection_type["conn-fields"], Settings()
    assert {name for name in form if not hasattr(defaults, name)} == set()
    shown = {name: field["schema"]["default"] for name, field in form.items() if "default" in field["schema"]}
    assert read_settings(shown) == defaults
    assert set(form["sources"]["schema"]["examples"]) == set(SOURCES)
    assert all(field["description"] for field in form.values())


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
def test_a_site_url_that_is_no_web_address_is_refused_with_an_example(pasted):
    with pytest.raises(ConfigurationError, match=r"should look like https://"):
        read_settings({"site_url": pasted})


def test_while_integration_enabled_is_off_nothing_else_has_to_be_right():
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
        ({"template_folder": "templates"}, "template_folder"),
        ({"mail_hours": "7-21"}, "mail_hours"),
        ({"mail_hours": "21:00-07:00"}, "mail_hours"),
        ({"mail_hours": "07:00-24:30"}, "mail_hours"),
        ({"mails_a_minute": 0}, "mails_a_minute"),
        ({"reminder_days": 0}, "reminder_days"),
        ({"notify": "staff"}, "notify"),
        ({"notify": ["a@b.example", 7]}, "notify"),
        ({"notify": {"a@b.example": 1}}, "notify"),
    ],
)
def test_a_wrong_setting_is_named(extra, named):
    with pytest.raises(ConfigurationError, match=named):
        read_settings(extra)


@pytest.mark.parametrize("password", [None, "", "1234567"])
def test_a_default_password_that_is_missing_or_short_stops_creations(password):
    with pytest.raises(ConfigurationError, match="Default Password of 8 or more"):
        read_settings({"default_password": password}).password_for_new_accounts()


def test_a_secret_for_passwords_takes_the_place_of_the_default_password():
    secret = " sixteen letters "
    settings = read_settings({"default_password": "Change-me-2026", "password_secret": secret})
    assert settings.password_secret == secret
    assert settings.password_of("L1") == derived_password(secret, "L1")
    assert read_settings({"default_password": "Change-me-2026"}).password_of("L1") == "Change-me-2026"


def test_a_short_secret_for_passwords_stops_creations():
    settings = read_settings({"default_password": "Change-me-2026", "password_secret": "fifteen letters"})
    for ask in (settings.password_for_new_accounts, lambda: settings.password_of("L1")):
        with pytest.raises(ConfigurationError, match="16 or more"):
            ask()


def test_mail_is_sent_by_day_unless_a_site_says_otherwise():
    assert str(read_settings({}).mail_hours) == str(MailHours.from_text("07:00-21:00"))
    assert read_settings({"mail_hours": " 00:00 - 24:00 "}).mail_hours == MailHours(0, 24 * 60)


def test_staff_to_notify_may_be_a_text_or_a_list_and_are_in_no_repr():
    settings = read_settings({"notify": "a@b.example, c@d.example,, a@b.example"})
    assert settings.notify == read_settings({"notify": ["a@b.example", "c@d.example"]}).notify
    assert settings.notify == ("a@b.example", "c@d.example") and "b.example" not in repr(settings)


def test_reminders_are_off_unless_a_site_says_after_how_many_days():
    assert read_settings({}).reminder_days is None
    assert read_settings({"reminder_days": "14"}).reminder_days == 14


@pytest.mark.parametrize(
    "pasted",
    [
        "https://live2api.bksblive2.co.uk",
        "https://live2api.bksblive2.co.uk/",
        "https://live2api.bksblive2.co.uk/api",
        " https://live2api.bksblive2.co.uk/API/ ",
    ],
)
def test_the_api_url_may_be_pasted_in_any_usual_form(pasted):
    assert api_root(pasted) == "https://live2api.bksblive2.co.uk/api/"


@pytest.mark.parametrize(
    "pasted",
    ["", "live2api.bksblive2.co.uk", "ftp://x.example", "https://", "https://x.example:port", "https://x/?a=1"],
)
def test_what_is_no_web_address_is_refused_with_an_example(pasted):
    with pytest.raises(ConfigurationError, match="should look like"):
        api_root(pasted)


@pytest.mark.parametrize("host", ["live2api.bksblive2.co.uk", "10.0.0.1", "a.b"])
def test_keys_and_particulars_do_not_travel_in_clear(host):
    with pytest.raises(ConfigurationError, match="https://"):
        api_root(f"http://{host}")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:80", "sandbox"])
def test_this_machine_and_its_own_network_may_be_spoken_to_in_clear(host):
    assert api_root(f"http://{host}/api") == f"http://{host}/api/"


def fields(**changes) -> ConnectionFields:
    given = {"conn_id": "mis", "host": "db", "port": 1433, "login": "u", "password": "p@ss/word", "database": "MIS"}
    return ConnectionFields(**{**given, **changes})


def test_the_address_of_the_mis_is_built_from_fields_so_any_password_fits():
    url = database_url(fields(extra={"sqlalchemy_scheme": "mssql+pymssql"}))
    assert (url.drivername, url.password, url.database, url.port) == ("mssql+pymssql", "p@ss/word", "MIS", 1433)


def test_an_mis_connection_without_a_driver_says_how_to_name_one():
    with pytest.raises(ConfigurationError, match="sqlalchemy_scheme"):
        database_url(fields())


def test_libpq_gets_the_extras_it_knows_and_a_time_limit():
    arguments = libpq_arguments(fields(extra={"sslmode": "require", "connect_timeout": 3, "charset": "x"}))
    assert arguments["sslmode"] == "require" and arguments["connect_timeout"] == 3
    assert "charset" not in arguments
    assert libpq_arguments(fields())["connect_timeout"] == 10


def test_secrets_are_in_no_repr():
    shown = repr(fields(password="hunter22-secret", extra={"default_password": "hunter23-secret"}))
    assert "hunter" not in shown and "hunter" not in repr(
        Settings(default_password="hunter24-secret", password_secret="hunter25-secret-x")
    )
