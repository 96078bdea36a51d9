"""Reads people from the MIS: runs the SQL file that a site edits, and checks that it keeps its contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy
from sqlalchemy import exc

from bksb.connection_fields import ConnectionFields
from bksb.errors import BksbSyncError, ConfigurationError, MisContractError, TransientError
from bksb.folders import CHECK_FILE, shown
from bksb.model import Person, PersonKind
from bksb.rules.times import months_before

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Years of birth that are accepted. Other dates are placeholders (1753-01-01, 9999-12-31) and count as unknown."""


@dataclass(frozen=True)
class Column:
    """The contract for one column. `kind` is str or date."""

    kind: type
    required: bool = False
    optional: bool = False


COLUMNS: Mapping[str, Column] = {
    "person_id": Column(str, required=True),
    "person_kind": Column(str, required=True),
    "learn_ref_number": Column(str),
    "given_names": Column(str),
    "family_name": Column(str),
    "email": Column(str),
    "date_of_birth": Column(date),
    "bksb_username": Column(str),
    "proposed_username": Column(str),
    "programme": Column(str),
    "programme_status": Column(str),
    "start_on": Column(date),
    "ended_on": Column(date),
    "former_person_id": Column(str, optional=True),
}
"""The columns of the query. `required`: never null. `optional`: the column itself may be absent."""


class Mis:
    """Reads the people that the sync is about. Does not depend on Airflow: made from plain connection fields."""

    def __init__(self, fields: ConnectionFields, query: Path, *, applicant_months: int = 12) -> None:
        """`query` is the file to run. Applicants are eligible for `applicant_months` after applying."""
        self._url = make_database_url(fields)
        self._conn_id = fields.conn_id
        self._query = query
        self._applicant_months = applicant_months

    def __repr__(self) -> str:
        return f"Mis({self._conn_id})"

    def read_people(self, as_of: date, *, allow_empty: bool = False) -> list[Person]:
        """Return everyone eligible on `as_of`.

        Raises MisContractError (missing column, repeated person, wrong type, SQL error, or no rows unless
        `allow_empty`), ConfigurationError (file, driver or fields of the connection) or TransientError (no answer, or
        the log-in was refused). No message contains a row.
        """
        try:
            statement = sqlalchemy.text(_strip_comment_lines(self._query.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigurationError(f"{shown(self._query)} cannot be read: {error.strerror}. {CHECK_FILE}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{shown(self._query)} is not UTF-8 text: save it in that encoding.") from None
        binds = {
            "as_of": as_of,
            "ended_since": months_before(as_of, 1),
            "applied_since": months_before(as_of, self._applicant_months),
        }
        try:
            engine = sqlalchemy.create_engine(self._url, hide_parameters=True, poolclass=sqlalchemy.pool.NullPool)
            with engine.connect() as connection:
                # send only the binds that the site's query uses
                used = {name: value for name, value in binds.items() if name in statement.compile().params}
                result = connection.execute(statement, used)
                names = [name.lower() for name in result.keys()]  # noqa: SIM118 - RMKeyView, not a dict
                rows = [tuple(row) for row in result]
        except (exc.SQLAlchemyError, ImportError, ValueError, TypeError, OverflowError) as error:
            raise _translate_error(error, self._conn_id, self._query) from None
        return parse_people(names, rows, self._query, allow_empty=allow_empty)


def _strip_comment_lines(query: str) -> str:
    """Remove comment lines, because a name with a colon in a comment would count as a bind."""
    return "\n".join(line for line in query.splitlines() if not line.lstrip().startswith("--"))


def make_database_url(fields: ConnectionFields) -> sqlalchemy.URL:
    """Return the SQLAlchemy URL of the `mis` connection. Its extra `sqlalchemy_scheme` names the driver.

    Extra `sqlalchemy_query` (an object) becomes the URL's query, for drivers that need options there.
    """
    scheme = fields.extra.get("sqlalchemy_scheme")
    if not scheme:
        raise ConfigurationError(
            f"The Airflow connection '{fields.conn_id}' names no driver: put "
            '{"sqlalchemy_scheme": "mssql+pymssql"} (or "oracle+oracledb", "postgresql+psycopg2" ...) into its extra.'
        )
    return sqlalchemy.URL.create(
        str(scheme),
        username=fields.login,
        password=fields.password,
        host=fields.host,
        port=fields.port,
        database=fields.database,
        query=dict(fields.extra.get("sqlalchemy_query") or {}),
    )


def parse_people(
    names: Sequence[str], rows: Sequence[Sequence[Any]], query: Path, *, allow_empty: bool = False
) -> list[Person]:
    """Turn rows of the query into people, in the same order. Raises MisContractError with the file and the fault."""
    missing = [name for name, column in COLUMNS.items() if not column.optional and name not in names]
    if missing:
        raise _contract_error(query, f"does not return the column{_plural(missing)} {', '.join(missing)}")
    repeated_names = [name for name, times in Counter(names).items() if times > 1 and name in COLUMNS]
    if repeated_names:
        raise _contract_error(query, f"returns the column {repeated_names[0]} twice")
    if not rows and not allow_empty:
        raise _contract_error(
            query,
            "returned no rows. A provider without a single eligible learner is unlikely: check the database, "
            "the rights of the log-in and the conditions of the query",
        )
    places = {name: names.index(name) for name in COLUMNS if name in names}
    people = [_parse_person({name: row[place] for name, place in places.items()}, query) for row in rows]
    repeated = [person_id for person_id, times in Counter(p.person_id for p in people).items() if times > 1]
    if repeated:
        some = ", ".join(sorted(repeated)[:5])
        raise _contract_error(
            query,
            f"returns {len(repeated)} people more than once (person_id {some}{', ...' if len(repeated) > 5 else ''}); "
            "it must choose one programme for each",
        )
    return people


def _parse_person(row: Mapping[str, Any], query: Path) -> Person:
    values: dict[str, Any] = {}
    for name, value in row.items():
        column = COLUMNS[name]
        if isinstance(value, str):
            # PostgreSQL cannot store NUL characters
            value = value.replace("\0", "").strip() or None
        if isinstance(value, datetime):
            value = value.date()
        if value is None:
            if column.required:
                raise _contract_error(query, f"returns a row in which {name} is empty")
        elif not isinstance(value, column.kind):
            raise _contract_error(
                query,
                f"returns {name} as {type(value).__name__} where {'text' if column.kind is str else 'a date'} "
                "is needed: cast it in the query",
            )
        values[name] = value
    born = values["date_of_birth"]
    if born is not None and not FIRST_YEAR <= born.year <= LAST_YEAR:
        values["date_of_birth"] = None
    if values["person_kind"] not in ("learner", "applicant"):
        raise _contract_error(query, "returns a person_kind other than 'learner' and 'applicant'")
    if values["person_kind"] == "learner" and values["start_on"] is None:
        raise _contract_error(query, f"returns learner {values['person_id']} without start_on")
    if values.get("former_person_id") == values["person_id"]:
        # the same id is not another record
        values["former_person_id"] = None
    values["person_kind"] = cast(PersonKind, values["person_kind"])
    return Person(**values)


def _contract_error(query: Path, what: str) -> MisContractError:
    return MisContractError(f"The MIS query ({shown(query)}) {what}. Nothing from this reading was used.")


def _plural(things: Sequence[object]) -> str:
    return "s" if len(things) > 1 else ""


_TRANSLATIONS: tuple[
    tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[str, Path], BksbSyncError]], ...
] = (
    (
        (ValueError, TypeError, OverflowError),
        lambda conn, query: _contract_error(
            query,
            "returns a value that Python cannot hold, such as a date after the year 9999, or extra "
            f"sqlalchemy_query of connection '{conn}' is not an object of texts",
        ),
    ),
    (
        ImportError,
        lambda conn, _: ConfigurationError(
            f"The database driver that connection '{conn}' names in sqlalchemy_scheme is not installed: "
            "install it in Airflow's environment (pymssql, oracledb, PyMySQL ...)."
        ),
    ),
    (
        exc.NoSuchModuleError,
        lambda conn, _: ConfigurationError(
            f"Connection '{conn}' names a sqlalchemy_scheme that SQLAlchemy does not know: correct it, for example to "
            "mssql+pymssql."
        ),
    ),
    (
        exc.ArgumentError,
        lambda conn, _: ConfigurationError(
            f"The fields of connection '{conn}' do not make a database address: check them."
        ),
    ),
    (
        exc.OperationalError,
        lambda conn, _: TransientError(
            f"The MIS database of connection '{conn}' did not answer or refused the log-in: check host, port, "
            "database, login and password, and that this machine may reach it."
        ),
    ),
    (
        exc.DBAPIError,
        lambda _, query: _contract_error(
            query,
            "was refused by the database: run it there by hand with dates for :as_of, :ended_since and "
            ":applied_since to see why",
        ),
    ),
)


def _translate_error(error: BaseException, conn_id: str, query: Path) -> BksbSyncError:
    """Turn a driver's error into ours. The driver's text may contain rows or parameters, so it is dropped."""
    for kind, translate in _TRANSLATIONS:
        if isinstance(error, kind):
            translated = translate(conn_id, query)
            code = getattr(getattr(error, "orig", None), "pgcode", None)
            return type(translated)(f"{translated} (SQLSTATE {code})") if code else translated
    return ConfigurationError(
        f"The MIS query could not be run ({type(error).__name__}): look for a word after a colon that is not a "
        "parameter (docs/mis-query.md)."
    )
