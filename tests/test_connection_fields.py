"""The fields of a connection, and the arguments for libpq."""

from bksb.connection_fields import LIBPQ_EXTRAS, ConnectionFields, make_libpq_arguments
from tests.conftest import repository


def fields(**changes) -> ConnectionFields:
    given = {"conn_id": "reporting", "host": "db", "port": 5432, "login": "u", "password": "p", "database": "reporting"}
    return ConnectionFields(**(given | changes))


def test_libpq_gets_its_extras_and_a_time_limit():
    arguments = make_libpq_arguments(fields(extra={"sslmode": "require", "connect_timeout": 3, "charset": "x"}))
    assert arguments["sslmode"] == "require" and arguments["connect_timeout"] == 3
    assert "charset" not in arguments
    assert make_libpq_arguments(fields())["connect_timeout"] == 10


def test_the_docs_name_the_extras_for_libpq():
    *names, last = (f"`{name}`" for name in LIBPQ_EXTRAS)
    page = (repository() / "docs" / "connections.md").read_text(encoding="utf-8")
    assert f"{', '.join(names)} and {last} are passed to libpq" in page


def test_no_repr_holds_a_secret():
    shown = repr(fields(password="hunter22-secret", extra={"default_password": "hunter23-secret"}))
    assert "hunter" not in shown
