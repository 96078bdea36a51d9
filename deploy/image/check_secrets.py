"""Checks every secret of a deployment before the first container uses it. One sentence for each mistake, then exit 1.

Runs as the service `preflight`, because a container that refuses a secret by itself would be restarted again and again.
"""

from __future__ import annotations

import base64
import binascii
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

FOLDER = Path("/run/secrets")

SHORTEST = {
    "metadata_password": 16,
    "redis_password": 16,
    "reporting_admin_password": 16,
    "reporting_owner_password": 16,
    "reporting_writer_password": 16,
    "reporting_reader_password": 16,
    "admin_password": 12,
    "api_secret_key": 32,
    "jwt_secret": 64,
    "fernet_key": 44,
    "metadata_url": 1,
    "broker_url": 1,
}
"""The least length of each secret, in characters."""

DEFAULTS = {
    "admin",
    "airflow",
    "airflow_jwt_secret",
    "change_me",
    "changeme",
    "guest",
    "password",
    "postgres",
    "redis",
    "secret",
    "temporary_key",
}
"""Passwords and keys from public examples, in lower case."""

PLACEHOLDER = "CHANGE_ME"

FERNET_BYTES = 32

CONNECTIONS = ("bksb", "mis", "reporting", "smtp_default")

AGAIN = "Correct it, then start again."

MAKE_AGAIN = "Delete the file and run deploy/make-secrets, then start again."

SEE_CONNECTIONS = "See docs/connections.md, then start again."


def check(folder: Path) -> list[str]:
    """Return one sentence for each mistake in the secrets of a folder."""
    mistakes = [mistake for name in SHORTEST if (mistake := _check_secret(folder / name))]
    if mistakes:
        return mistakes + _check_files(folder)
    for name, scheme, password in (
        ("metadata_url", "postgresql+psycopg2", "metadata_password"),
        ("broker_url", "redis", "redis_password"),
    ):
        mistakes += _check_url(folder / name, scheme, folder / password)
    return mistakes + _check_files(folder)


def _check_secret(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return f"The secret {path.name} is missing. Run deploy/make-secrets, then start again."
    except OSError as error:
        return f"The secret {path.name} cannot be read: {error.strerror}. Run: chmod 644 on it, then start again."
    except UnicodeDecodeError:
        return f"The secret {path.name} is not text in UTF-8. {AGAIN}"
    if not text.strip():
        return f"The secret {path.name} is empty. {MAKE_AGAIN}"
    if text != text.strip():
        return (
            f"The secret {path.name} begins or ends with a newline or a space, which Airflow takes for a part of it. "
            "Write the file with printf %s, then start again."
        )
    if _is_default(text):
        return f"The secret {path.name} is a public default. {MAKE_AGAIN}"
    if len(text) < SHORTEST[path.name]:
        return f"The secret {path.name} has {len(text)} characters and needs {SHORTEST[path.name]} or more. {AGAIN}"
    if path.name == "fernet_key" and not _is_fernet_key(text):
        return f"The secret fernet_key is not {FERNET_BYTES} bytes in URL-safe base64. {AGAIN}"
    return None


def _is_default(text: str) -> bool:
    """Whether it is a known default, or one repeated to reach the length."""
    lower = text.lower()
    return len(set(text)) == 1 or any(lower == word * (len(lower) // len(word) or 1) for word in DEFAULTS)


def _is_fernet_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == FERNET_BYTES
    except (binascii.Error, ValueError):
        return False


def _check_url(path: Path, scheme: str, password: Path) -> list[str]:
    no_address = [f"The secret {path.name} is not an address that begins with {scheme}://. {AGAIN}"]
    try:
        url = urlsplit(path.read_text(encoding="utf-8"))
    except ValueError:
        # the text of the error repeats the address
        return no_address
    if url.scheme != scheme or not url.hostname:
        return no_address
    found = unquote(url.password or "")
    if url.hostname in ("metadata-db", "redis") and found != password.read_text(encoding="utf-8"):
        return [f"The password in {path.name} differs from the secret {password.name}. {AGAIN}"]
    if not found or _is_default(found):
        return [f"The password in {path.name} is empty or a public default. {AGAIN}"]
    return []


def _check_files(folder: Path) -> list[str]:
    return _check_connections(folder / "connections.yaml", CONNECTIONS) + _check_connections(
        folder / "reporting_owner.yaml", ("reporting_owner",)
    )


def _check_connections(path: Path, names: tuple[str, ...]) -> list[str]:
    """Never repeats a value: the file holds passwords."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [f"The file {path.name} is missing. Run deploy/make-secrets, then start again."]
    except (OSError, UnicodeDecodeError):
        return [f"The file {path.name} cannot be read as text in UTF-8. {AGAIN}"]
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        return [f"The file {path.name} is not YAML: there is a mistake{line}. {AGAIN}"]
    if not isinstance(content, dict):
        return [f"The file {path.name} has no connections. {SEE_CONNECTIONS}"]
    mistakes = []
    for name in names:
        fields = content.get(name)
        if not isinstance(fields, dict):
            mistakes.append(f"The file {path.name} has no connection {name}. {SEE_CONNECTIONS}")
            continue
        open_fields = sorted(_placeholders(fields))
        if open_fields:
            what = ", ".join(open_fields)
            mistakes.append(f"The connection {name} in {path.name} still has {PLACEHOLDER} as {what}. {AGAIN}")
        elif not fields.get("host"):
            mistakes.append(f"The connection {name} in {path.name} has no host. {AGAIN}")
    return mistakes


def _placeholders(fields: dict[str, object]) -> list[str]:
    found = []
    for key, value in fields.items():
        if isinstance(value, dict):
            found += [f"{key}.{inner}" for inner in _placeholders(value)]
        elif isinstance(value, str) and PLACEHOLDER in value:
            found.append(str(key))
    return found


def main() -> int:
    mistakes = check(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
