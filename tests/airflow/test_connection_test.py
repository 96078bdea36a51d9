"""The texts of the Test button for each kind of failure, with real servers, certificates and proxies."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bksb.airflow.connection_test import try_connection
from bksb.connection_fields import ConnectionFields
from tests.conftest import DEFAULT_PASSWORD

NOT_TO_BE_SAID = ("access-key-77", "secret-key-77", DEFAULT_PASSWORD, "bksb-sync-test", "username=", "particulars")
KEYS_PAGE = "Admin Options > API Access Keys > Configure Access Key"


@pytest.fixture(autouse=True)
def direct_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy and certificate settings of the developer."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def tried(host: str | None, **changes: Any) -> tuple[bool, str]:
    """Return what the button says about a connection. Fails if the text holds anything secret or personal."""
    given: dict[str, Any] = {
        "conn_id": "bksb",
        "host": host,
        "port": None,
        "login": "access-key-77",
        "password": "secret-key-77",
        "database": None,
        "extra": {"default_password": DEFAULT_PASSWORD},
    }
    works, said = try_connection(ConnectionFields(**(given | changes)), timeout_seconds=(2.0, 0.5))
    assert not [word for word in NOT_TO_BE_SAID if word in said]
    return works, said


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def sandbox_tried(sandbox, **changes: Any) -> tuple[bool, str]:
    return tried(sandbox.url, **({"login": sandbox.access_key, "password": sandbox.secret_key} | changes))


def test_a_correct_connection_is_tested_with_one_read_only_call(sandbox):
    sandbox.site.reset_counters()
    assert sandbox_tried(sandbox) == (True, "bksb answers and accepts the key.")
    ((call, times),) = sandbox.site.calls.items()
    assert call in ("getUserId", "isUsernameExists") and times == 1


@pytest.mark.parametrize("ending", ["", "/", "/api", "/API/", " "])
def test_blanks_around_fields_and_all_usual_forms_of_the_url_are_accepted(sandbox, ending):
    keys = {"login": f" {sandbox.access_key}", "password": f"{sandbox.secret_key}\n"}
    assert tried(f" {sandbox.url}{ending}", **keys)[0]


def test_the_port_field_is_used_if_the_url_has_no_port(sandbox):
    host, _, port = sandbox.url.rpartition(":")
    assert sandbox_tried(sandbox, port=int(port))[0]
    keys = {"login": sandbox.access_key, "password": sandbox.secret_key}
    assert tried(host, port=int(port), **keys)[0]


def test_different_ports_in_url_and_port_field_are_an_error(sandbox):
    works, said = sandbox_tried(sandbox, port=443)
    assert not works and "make them the same" in said


@pytest.mark.parametrize("password", [None, "", "1234567"])
def test_a_default_password_that_is_missing_or_short_is_a_warning(sandbox, password):
    works, said = sandbox_tried(sandbox, extra={"default_password": password})
    assert works and "no account can be created" in said


def test_a_secret_for_passwords_replaces_the_default_password(sandbox):
    secret = "a secret that makes passwords"
    assert sandbox_tried(sandbox, extra={"password_secret": secret}) == (True, "bksb answers and accepts the key.")
    works, said = sandbox_tried(sandbox, extra={"password_secret": "too short", "default_password": DEFAULT_PASSWORD})
    assert works and "no account can be created yet: The secret for passwords" in said and "too short" not in said


def test_while_integration_enabled_is_off_bksb_is_not_called_even_if_settings_are_wrong(sandbox):
    sandbox.site.reset_counters()
    extra = {"integration_enabled": False, "timezone": "Nowhere"}
    works, said = sandbox_tried(sandbox, extra=extra, password=None)
    assert not works and "Integration Enabled is off" in said
    assert sandbox.site.calls == {}


@pytest.mark.parametrize(
    ("missing", "named"), [("host", "API URL"), ("login", "API Access Key"), ("password", "API Secret Key")]
)
def test_a_missing_field_is_named_by_its_title_in_the_form(missing, named):
    given = {"host": "https://live2api.bksblive2.example", missing: None}
    works, said = tried(given.pop("host"), **given)
    assert not works and f"has no {named}" in said


def test_a_wrong_setting_is_named(sandbox):
    works, said = sandbox_tried(sandbox, extra={"timezone": "Europe/Londres"})
    assert not works and "Europe/London" in said


@pytest.mark.parametrize("url", ["live2api.bksblive2.co.uk", "https://", "https://[::1", "https://x:y", "https://a b"])
def test_an_invalid_url_is_answered_with_an_example(url):
    works, said = tried(url)
    assert not works and "https://live2api.bksblive2.co.uk" in said


def test_an_unknown_host_and_a_closed_port_get_different_texts():
    works, said = tried("https://no-such-host.invalid")
    assert not works and "host name cannot be resolved" in said and "https://live2api.bksblive2.co.uk" in said
    works, said = tried(f"http://127.0.0.1:{unused_port()}")
    assert not works and "nothing listens" in said and "firewall" in said


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, "<html>Welcome to our site, particulars</html>", {"Content_Type": "text/html"}),
        (404, "<html>particulars</html>", {"Content_Type": "text/html"}),
        (404, "404 page not found", {"Content_Type": "text/plain"}),
        (404, '{"detail": "Not Found"}', {"Content_Type": "application/json"}),
        (404, "", {}),
        (302, "", {"Location": "https://elsewhere.example/login?particulars"}),
        (200, '{"particulars": 1}', {"Content_Type": "application/json"}),
        (200, "42", {"Content_Type": "application/json"}),
    ],
)
def test_a_response_of_another_server_points_to_the_api_url(scripted, status, body, headers):
    scripted.answer(status, body, **headers)
    works, said = tried(scripted.url)
    assert not works and "API URL" in said


def test_a_wrong_key_and_a_disabled_key_get_different_texts(sandbox, scripted):
    works, said = sandbox_tried(sandbox, password="secret-key-77")
    assert not works and "HTTP 401" in said and "compare" in said and KEYS_PAGE in said
    scripted.answer(403, '"particulars"')
    works, said = tried(scripted.url)
    assert not works and "disabled or lacks a permission" in said
    assert KEYS_PAGE in said and "Status to Enabled" in said and "every Permission to Allow" in said


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_error_needs_no_change_only_time(scripted, status):
    scripted.answer(status, "particulars", Retry_After="30")
    works, said = tried(scripted.url)
    assert not works and "try again later" in said and "test again in a few minutes" in said
    assert len(scripted.seen) == 1


def test_a_server_that_never_responds_is_a_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        works, said = tried(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert not works and "no answer in time" in said and "firewall" in said


def test_half_a_response_asks_for_another_test(scripted):
    scripted.answer(200, '"half', Content_Length="400")
    works, said = tried(scripted.url)
    assert not works and "did not answer" in said and "test again" in said


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY"])
def test_a_proxy_that_fails_is_named(monkeypatch, scripted, variable):
    monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port()}")
    scheme = "http" if variable == "HTTP_PROXY" else "https"
    works, said = tried(scripted.url.replace("http", scheme, 1))
    assert not works and "the proxy failed" in said and "HTTPS_PROXY" in said


def test_a_proxy_that_needs_a_log_in_is_named(monkeypatch, scripted):
    scripted.answer(407, "particulars")
    monkeypatch.setenv("HTTPS_PROXY", scripted.url)
    works, said = tried("https://live2api.bksblive2.example")
    assert not works and "the proxy failed" in said


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of an HTTPS server with a self-signed certificate, and the file of that certificate."""
    certificate, key = self_signed(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"false" if "isUsernameExists" in self.path else b"\"A user with username 'x' not found.\""
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - clients hang up on purpose
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def test_an_untrusted_certificate_is_explained_and_a_private_authority_is_trusted(https, monkeypatch):
    url, certificate = https
    works, said = tried(url)
    assert not works and "TLS certificate" in said and "REQUESTS_CA_BUNDLE" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert tried(url)[0]


def test_https_to_a_server_with_plain_http_is_a_tls_error(scripted):
    scripted.answer(200, "false")
    works, said = tried(scripted.url.replace("http", "https", 1))
    assert not works and "handshake" in said
