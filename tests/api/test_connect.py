"""The fields of a bksb connection become a URL and a key, or an error that names the wrong field."""

import pytest

from bksb.addresses import API_ROOTS
from bksb.api.connect import make_client_from, read_access
from bksb.api.transport import clean_api_root
from bksb.connection_fields import ConnectionFields
from bksb.errors import ConfigurationError


def fields(**changes) -> ConnectionFields:
    given = {"conn_id": "bksb", "host": API_ROOTS["UK"], "port": None, "login": "AK", "password": "SK"}
    return ConnectionFields(**(given | {"database": None} | changes))


def test_a_client_is_made_from_the_fields_of_a_connection(sandbox):
    client = make_client_from(fields(host=sandbox.url, login=sandbox.access_key, password=sandbox.secret_key))
    assert client.username_exists(sandbox.site.users()[0].username)


def test_blanks_around_the_fields_are_removed():
    assert read_access(fields(host=f" {API_ROOTS['UK']} ", login=" AK", password="SK\n")) == (
        API_ROOTS["UK"],
        "AK",
        "SK",
    )


@pytest.mark.parametrize(
    ("missing", "named"), [("host", "API URL"), ("login", "API Access Key"), ("password", "API Secret Key")]
)
def test_a_field_that_is_missing_is_named(missing, named):
    with pytest.raises(ConfigurationError, match=f"'bksb' has no {named}"):
        read_access(fields(**{missing: None}))


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("https://x.example", None, "https://x.example"),
        ("https://x.example", 443, "https://x.example"),
        ("http://localhost/api", 80, "http://localhost/api"),
        ("https://x.example/api", 8443, "https://x.example:8443/api"),
        ("https://x.example:8443", 8443, "https://x.example:8443"),
    ],
)
def test_the_port_field_is_used_if_the_url_has_no_port(host, port, url):
    assert read_access(fields(host=host, port=port))[0] == url


@pytest.mark.parametrize(("host", "port"), [("https://x.example:8443", 443), ("https://x.example:443", 8443)])
def test_different_ports_in_url_and_port_field_are_an_error(host, port):
    with pytest.raises(ConfigurationError, match="make them the same"):
        read_access(fields(host=host, port=port))


def test_a_url_that_cannot_be_parsed_is_answered_with_an_example():
    with pytest.raises(ConfigurationError, match=API_ROOTS["Australia"]):
        read_access(fields(host="https://x:y"))


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
    assert clean_api_root(pasted) == "https://live2api.bksblive2.co.uk/api/"


@pytest.mark.parametrize(
    "pasted",
    ["", "live2api.bksblive2.co.uk", "ftp://x.example", "https://", "https://x.example:port", "https://x/?a=1"],
)
def test_an_invalid_url_is_answered_with_an_example(pasted):
    with pytest.raises(ConfigurationError, match="should look like"):
        clean_api_root(pasted)


@pytest.mark.parametrize("host", ["live2api.bksblive2.co.uk", "10.0.0.1", "a.b"])
def test_plain_http_to_another_network_is_refused(host):
    with pytest.raises(ConfigurationError, match="https://"):
        clean_api_root(f"http://{host}")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:80", "sandbox"])
def test_plain_http_is_accepted_for_this_machine_and_its_own_network(host):
    assert clean_api_root(f"http://{host}/api") == f"http://{host}/api/"
