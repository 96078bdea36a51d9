"""deploy/make-secrets, and the check that refuses bad secrets before anything starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.image.check_secrets import PLACEHOLDER, SHORTEST, check
from tests.conftest import repository
from tests.deploy.test_compose import CONTENT

MAKE = repository() / "deploy" / "make-secrets"


def make(folder: Path) -> str:
    return subprocess.run([MAKE, folder], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The secrets as they are made, with the connections filled in."""
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    make(folder)
    return {path.name: path.read_text().replace(PLACEHOLDER, "example") for path in folder.iterdir()}


@pytest.fixture
def secrets(made: dict[str, str], tmp_path: Path) -> Path:
    """A folder of good secrets."""
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_script_makes_every_secret_of_the_deployment_and_no_other(made):
    assert set(made) == set(CONTENT["secrets"])


def test_the_secrets_of_two_deployments_have_nothing_in_common(made, tmp_path):
    make(tmp_path / "other")
    for name in SHORTEST:
        assert (tmp_path / "other" / name).read_text() != made[name]


def test_a_secret_that_exists_is_never_overwritten(tmp_path):
    folder = tmp_path / "secrets"
    make(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "jwt_secret").unlink()
    (folder / "admin_password").write_text("")
    second = make(folder)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"jwt_secret", "admin_password"}
    assert after["admin_password"] == b""
    assert [line for line in second.splitlines() if line.startswith("created")] == [f"created {folder}/jwt_secret"]


def test_only_the_owner_can_enter_the_folder_and_containers_can_read_the_files(tmp_path):
    folder = tmp_path / "secrets"
    make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_the_check_accepts_what_the_script_makes(secrets):
    assert check(secrets) == []


def test_the_check_asks_for_the_connections_first(tmp_path):
    make(tmp_path / "secrets")
    mistakes = check(tmp_path / "secrets")
    assert [mistake.split(" in ")[0] for mistake in mistakes] == [
        "The connection bksb",
        "The connection mis",
        "The connection smtp_default",
    ]
    assert all(PLACEHOLDER in mistake for mistake in mistakes)


BAD = {
    "missing": (None, "is missing"),
    "empty": ("", "is empty"),
    "blank": ("\n", "is empty"),
    "public default": ("airflow", "is a public default"),
    "repeated default": ("airflow_jwt_secret" * 8, "is a public default"),
    "one character": ("0" * 128, "is a public default"),
    "newline": ("Xy7" * 50 + "\n", "ends with a newline"),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", sorted(SHORTEST))
def test_a_bad_secret_is_refused_in_one_sentence_that_names_it(secrets, name, text, reason):
    (secrets / name).unlink() if text is None else (secrets / name).write_text(text)
    (mistake,) = check(secrets)
    assert mistake.startswith(f"The secret {name} ") and reason in mistake and "start again." in mistake


@pytest.mark.parametrize("name", sorted(name for name, length in SHORTEST.items() if length > 1))
def test_a_secret_that_is_too_short_is_refused(secrets, name):
    (secrets / name).write_text("Xy7Qw9Rt2Zv4"[: SHORTEST[name] - 1][:11])
    assert [mistake for mistake in check(secrets) if f"The secret {name} has 11 characters" in mistake]


@pytest.mark.parametrize("key", ["Xy7" * 20, "not/base64/at/all/" * 4])
def test_a_fernet_key_of_another_form_is_refused(secrets, key):
    (secrets / "fernet_key").write_text(key)
    (mistake,) = check(secrets)
    assert "32 bytes in URL-safe base64" in mistake


def test_an_address_with_another_password_is_refused(secrets):
    for name, password in (("metadata_url", "metadata_password"), ("broker_url", "redis_password")):
        good = (secrets / name).read_text()
        (secrets / name).write_text(good.replace((secrets / password).read_text(), "Xy7Qw9Rt2Zv4"))
        assert check(secrets) == [
            f"The password in {name} differs from the secret {password}. Correct it, then start again."
        ]
        (secrets / name).write_text(good)


def test_a_metadata_database_that_is_not_postgresql_is_refused(secrets):
    (secrets / "metadata_url").write_text("sqlite:////tmp/airflow.db")
    (mistake,) = check(secrets)
    assert "postgresql+psycopg2://" in mistake


@pytest.mark.parametrize("login", ["airflow:airflow", "airflow:", "airflow"])
def test_an_empty_or_public_password_of_another_server_is_refused(secrets, login):
    (secrets / "metadata_url").write_text(f"postgresql+psycopg2://{login}@db.example/airflow")
    (mistake,) = check(secrets)
    assert "is empty or a public default" in mistake


def test_an_address_quotes_special_characters_of_its_password(secrets):
    (secrets / "metadata_password").write_text("p@ss/w:rd%-Xy7Qw9Rt2Zv4")
    (secrets / "metadata_url").write_text(
        "postgresql+psycopg2://airflow:p%40ss%2Fw%3Ard%25-Xy7Qw9Rt2Zv4@metadata-db/airflow"
    )
    assert check(secrets) == []


@pytest.mark.parametrize("character", ["\N{ACCOUNT OF}", "["])
def test_an_address_that_cannot_be_parsed_is_refused_without_its_password(secrets, character):
    (secrets / "metadata_url").write_text(f"postgresql+psycopg2://airflow:Qw9{character}Rt2@metadata-db/airflow")
    (mistake,) = check(secrets)
    assert "is not an address" in mistake and "Qw9" not in mistake


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no connections"),
        ("- bksb", "has no connections"),
        ("bksb: [\nsecret-value", "is not YAML: there is a mistake in line 2"),
        ("\tbksb: secret-value", "is not YAML: there is a mistake in line 1"),
        ("bksb: secret-value\x07", "is not YAML: there is a mistake. "),
        ("bksb: 2024-13-45 # secret-value", "is not YAML: there is a mistake. "),
    ],
)
def test_a_malformed_connections_file_is_refused_without_its_content(secrets, text, reason):
    (secrets / "connections.yaml").write_text(text)
    (mistake,) = check(secrets)
    assert reason in mistake and "secret-value" not in mistake


@pytest.mark.parametrize("name", ["bksb", "mis", "reporting", "smtp_default"])
def test_a_missing_connection_is_named(secrets, name):
    path = secrets / "connections.yaml"
    path.write_text(path.read_text().replace(f"{name}:\n", f"other_{name}:\n"))
    (mistake,) = check(secrets)
    assert f"has no connection {name}" in mistake
