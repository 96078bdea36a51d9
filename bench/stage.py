"""What is measured on: a PostgreSQL, an MIS, reporting databases and a pretend bksb, all of the bench's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, NoReturn

import psycopg2.extras

from bench.site import Address, Site, serving
from bksb.api.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.model import Source
from bksb.reporting.migrations import migrate
from bksb.settings import USUAL_SOURCES, Settings
from dev.services.postgres.server import Postgres
from sandbox.bksb.users import FIRST_USER_ID
from sandbox.mis import database as sandbox_mis
from sandbox.world.population import Account, World

TEMPLATE = "reporting_template"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where the three neighbours are, as plain values that reach another process."""

    site: Address
    mis: ConnectionFields
    reporting: ConnectionFields
    sources: tuple[Source, ...] = USUAL_SOURCES

    def deployment(self) -> Deployment:
        """The deployment that works here, with the settings of a new site."""
        address = self.site
        return Deployment(
            settings=Settings(
                default_password="Change-me-2026",  # noqa: S106 - of invented people
                sources=self.sources,
            ),
            mis=Mis(self.mis, SQL_FOLDER / "mis" / "eligible_learners.sql"),
            reporting=self.reporting,
            make_client=lambda: BksbClient(address.url, address.access_key, address.secret_key),
            open_mailer=_no_mail_server,
        )


def _no_mail_server() -> NoReturn:
    raise RuntimeError("Nothing that is measured here sends mail.")


class Stage:
    """The databases of a bench on one server."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        server.create_database(TEMPLATE)
        migrate(self.fields(TEMPLATE, "reporting"))

    def fields(self, database: str, conn_id: str, extra: dict[str, Any] | None = None) -> ConnectionFields:
        """The fields of a connection to one of the server's databases."""
        server = self._server
        return ConnectionFields(
            conn_id=conn_id,
            host=server.host,
            port=server.port,
            login=server.user,
            password=server.password,
            database=database,
            extra=extra or {},
        )

    @contextmanager
    def reporting(self, template: str = TEMPLATE) -> Iterator[ConnectionFields]:
        """A reporting database of one's own: migrated and empty, or a copy of another."""
        with self._database(template) as name:
            yield self.fields(name, "reporting")

    @contextmanager
    def mis(self, world: World) -> Iterator[ConnectionFields]:
        """An MIS with the people of this world."""
        with self._database("template1") as name:
            sandbox_mis.fill(self._server.dsn(name), world)
            yield self.fields(name, "mis", {"sqlalchemy_scheme": "postgresql+psycopg2"})

    @contextmanager
    def place(self, world: World) -> Iterator[tuple[Place, Site]]:
        """An MIS, a bksb and an empty reporting database for this world."""
        with serving(world) as site, self.mis(world) as mis, self.reporting() as reporting:
            yield Place(site.address, mis, reporting), site

    @contextmanager
    def copy_of(self, place: Place, sources: tuple[Source, ...] = USUAL_SOURCES) -> Iterator[Place]:
        """The same place with a copy of its reporting database, as it is now, to fetch these sources."""
        with self.reporting(str(place.reporting.database)) as reporting:
            yield replace(place, reporting=reporting, sources=sources)

    def version(self) -> str:
        """Of the server."""
        (row,) = self.rows(self.fields(TEMPLATE, "reporting"), "show server_version")
        return str(row.server_version)

    def connect(self, fields: ConnectionFields) -> psycopg2.extensions.connection:
        """A connection that commits every statement."""
        return self._server.connect(str(fields.database))

    def rows(self, fields: ConnectionFields, statement: str) -> list[Any]:
        """The rows of a statement, looked at from outside the project's own code."""
        connection = self.connect(fields)
        try:
            with connection.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = f"bench_{next(_numbers)}"
        self._server.create_database(name, template=template)
        try:
            yield name
        finally:
            self._server.drop_database(name)


def with_accounts(world: World, days: Iterable[date], results: int | None) -> tuple[World, list[str]]:
    """The world as it is when everybody eligible on one of the days has a bksb account; whose they are, in order.

    `results`: how many of each sort an account has; None: as it happens.
    """
    people = sorted(set[str]().union(*(world.eligible_on(day) for day in days)))
    accounts = tuple(Account(_username(person_id), "Given", "Family", "", results) for person_id in people)
    return replace(world, accounts=accounts), people


def write_accounts(stage: Stage, fields: ConnectionFields, people: Sequence[str]) -> None:
    """Write down the accounts of `with_accounts` as active, as a run of bksb_accounts would have."""
    now = datetime.now(UTC)
    connection = stage.connect(fields)
    try:
        with connection.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor,
                "insert into bksb.account (person_id, username, bksb_user_id, state, origin, linked_at) values %s",
                [
                    (person_id, _username(person_id), FIRST_USER_ID + place, "active", "linked", now)
                    for place, person_id in enumerate(people)
                ],
                page_size=1000,
            )
            psycopg2.extras.execute_values(
                cursor,
                "insert into bksb.account_link (person_id, bksb_user_id, from_at) values %s",
                [(person_id, FIRST_USER_ID + place, now) for place, person_id in enumerate(people)],
                page_size=1000,
            )
            cursor.execute("analyze bksb.account, bksb.account_link")
    finally:
        connection.close()


def _username(person_id: str) -> str:
    return f"bench.{person_id}"
