"""bksb's calls for users, over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.server import Sandbox
from tests.sandbox.calls import Api
from tests.sandbox.users import user_of

BORN = {
    "DateOfBirth[Year]": "2004",
    "DateOfBirth[Month]": "2",
    "DateOfBirth[Day]": "29",
    "DateOfBirth[Hour]": "0",
    "DateOfBirth[Minute]": "0",
    "DateOfBirth[Second]": "0",
    "DateOfBirth[Millisecond]": "0",
}


# createUser


def test_create_user_returns_id_and_username_and_the_user_can_be_found(sandbox: Sandbox, api: Api) -> None:
    created = api.create_user(Username="O'Mock +1@zoë", **BORN).json()
    assert created["Username"] == "O'Mock +1@zoë"
    user = sandbox.site.user(created["UserId"])
    assert user is not None
    assert (user.first_name, user.last_name, user.email) == (
        "Mockingly",
        "Sample",
        "mockingly@learner.example",
    )
    assert (user.date_of_birth, user.auto_enrol) == (date(2004, 2, 29), True)
    assert user.has_password("a good password")
    assert api.get("users/user/getUserId", username="o'mock +1@ZOË").json() == user.user_id


def test_optional_fields_of_create_user_can_be_left_out(sandbox: Sandbox, api: Api) -> None:
    form = {"Username": "bare", "Firstname": "A", "Lastname": "B", "Password": "12345678"}
    created = api.session.post(f"{sandbox.url}/api/users/createUser", data=form, timeout=10).json()
    user = sandbox.site.user(created["UserId"])
    assert user is not None
    assert (user.email, user.date_of_birth, user.auto_enrol) == ("", None, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Username": ""}, "Username is required."),
        ({"Firstname": "  "}, "Firstname is required."),
        ({"Lastname": ""}, "Lastname is required."),
        ({"Password": ""}, "Password is required."),
        ({"Password": "1234567"}, "Password must be at least 8 characters."),
        ({"Username": "u" * 257}, "Username must be 256 characters or fewer."),
        ({"AutoEnrolCourses": "1"}, "AutoEnrolCourses must be true or false."),
        ({**BORN, "DateOfBirth[Year]": "2003"}, "DateOfBirth is not valid."),
        ({**BORN, "DateOfBirth[Hour]": "24"}, "DateOfBirth is not valid."),
        ({"DateOfBirth[Year]": "2003"}, "DateOfBirth is not valid."),
        ({"DateOfBirth": "2003-01-01"}, "DateOfBirth is not valid."),
    ],
)
def test_create_user_returns_the_reason_of_a_refusal_as_a_json_string(
    sandbox: Sandbox, api: Api, fields: dict[str, str], reason: str
) -> None:
    before = sandbox.site.users()
    refused = api.create_user(**fields)
    assert (refused.status_code, refused.json()) == (200, reason)
    assert sandbox.site.users() == before


def test_a_taken_username_is_refused_in_any_case(sandbox: Sandbox, api: Api) -> None:
    api.create_user(Username="Taken.Name")
    assert api.create_user(Username="tAKEN.nAME").json() == "A user with username 'tAKEN.nAME' already exists."
    assert api.create_user(Username="u" * 256).json()["Username"] == "u" * 256


def test_one_of_many_concurrent_creations_of_a_username_succeeds(sandbox: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor(16) as pool:
        bodies = list(pool.map(lambda _: api.create_user(Username="wanted").json(), range(16)))
    assert len([body for body in bodies if isinstance(body, dict)]) == 1
    assert len([user for user in sandbox.site.users() if user.username == "wanted"]) == 1


def test_create_user_accepts_forms_only(sandbox: Sandbox, api: Api) -> None:
    response = api.session.post(f"{sandbox.url}/api/users/createUser", json={"Username": "x"}, timeout=10)
    assert response.status_code == 415


# Look-ups


@pytest.mark.parametrize(
    "kind",
    [
        "stored_username",
        "stored_in_other_case",
        "username_with_at",
        "username_with_plus",
        "username_with_apostrophe",
        "username_with_space",
        "username_non_ascii",
    ],
)
def test_any_percent_encoded_username_is_found(sandbox: Sandbox, api: Api, kind: str) -> None:
    username = sandbox.world.person(sandbox.world.people_of(kind)[0]).bksb_username
    assert api.get("users/isUsernameExists", username=username).json() is True
    assert api.get("users/user/getUserId", username=username).json() == user_of(sandbox, kind).user_id


def test_a_plus_that_is_not_percent_encoded_is_a_space(sandbox: Sandbox, api: Api) -> None:
    sandbox.site.create_user("a+b", "A", "B", "", "12345678")
    assert api.session.get(f"{api.url}/api/users/isUsernameExists?username=a+b", timeout=10).json() is False
    assert api.session.get(f"{api.url}/api/users/isUsernameExists?username=a%2Bb", timeout=10).json() is True


def test_an_unknown_username_does_not_exist_and_get_user_id_returns_the_documented_text(api: Api) -> None:
    assert api.get("users/isUsernameExists", username="unknown user").json() is False
    response = api.get("users/user/getUserId", username="unknown user")
    assert (response.status_code, response.json()) == (200, "A user with username 'unknown user' not found.")


@pytest.mark.parametrize("path", ["users/isUsernameExists", "users/user/getUserId"])
def test_a_look_up_without_a_username_is_invalid(api: Api, path: str) -> None:
    assert api.get(path).status_code == 400


def test_an_auto_login_link_names_the_user_and_expires_soon(sandbox: Sandbox, api: Api) -> None:
    user = user_of(sandbox, "username_with_plus")
    link = api.get(f"users/user/{user.user_id}/getAutoLoginLink").json()
    assert parse_qs(urlsplit(link["Link"]).query)["username"] == [user.username]
    assert timedelta(0) < datetime.fromisoformat(link["Expiry"]) - datetime.now() < timedelta(hours=2)  # noqa: DTZ005


def test_every_user_is_in_the_group_everyone(api: Api) -> None:
    body = api.get("userGroups/search", page=1, recordsPerPage=20, query="every").json()
    assert [group["Name"] for group in body["UserGroups"]] == ["Everyone"]
    assert api.get("userGroups/search", query="nothing").json()["UserGroups"] == []
