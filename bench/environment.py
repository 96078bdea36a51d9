"""An MIS, a reporting database and a simulated bksb to measure on, and the accounts in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import NoReturn

import psycopg2.extras

from bench.databases import Databases, connect
from bench.site import Address, Site, serve_site
from bksb.api.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.model import Source
from bksb.settings import USUAL_SOURCES, Settings
from sandbox.bksb.users import FIRST_USER_ID
from sandbox.world.population import Account, World


@dataclass(frozen=True)
class Environment:
    """The addresses of the three systems, as plain values that can be sent to another process."""

    site: Address
    mis: ConnectionFields
    reporting: ConnectionFields
    sources: tuple[Source, ...] = USUAL_SOURCES

    def deployment(self) -> Deployment:
        """Return a deployment on these systems, with default settings."""
        address = self.site
        return Deployment(
            settings=Settings(
                default_password="Change-me-2026",  # noqa: S106 - for invented people
                sources=self.sources,
            ),
            mis=Mis(self.mis, SQL_FOLDER / "mis" / "eligible_learners.sql"),
            reporting=self.reporting,
            make_client=lambda: BksbClient(address.url, address.access_key, address.secret_key),
            open_mailer=_no_mail_server,
        )


def _no_mail_server() -> NoReturn:
    raise RuntimeError("The benchmark sends no mail.")


@contextmanager
def open_environment(databases: Databases, world: World) -> Iterator[tuple[Environment, Site]]:
    """Start a bksb, and create an MIS and an empty reporting database for this world."""
    with serve_site(world) as site, databases.mis(world) as mis, databases.reporting() as reporting:
        yield Environment(site.address, mis, reporting), site


@contextmanager
def copy_environment(
    databases: Databases, environment: Environment, sources: tuple[Source, ...] = USUAL_SOURCES
) -> Iterator[Environment]:
    """Return the same environment with a copy of its reporting database. It fetches `sources`."""
    with databases.reporting(str(environment.reporting.database)) as reporting:
        yield replace(environment, reporting=reporting, sources=sources)


def add_accounts(world: World, days: Iterable[date], results: int | None) -> tuple[World, list[str]]:
    """Return the world with a bksb account for everyone eligible on one of the days, and their person ids in order.

    `results`: number of results of each sort per account; None: a random number.
    """
    people = sorted(set[str]().union(*(world.eligible_on(day) for day in days)))
    accounts = tuple(Account(_username(person_id), "Given", "Family", "", results) for person_id in people)
    return replace(world, accounts=accounts), people


def store_accounts(fields: ConnectionFields, people: Sequence[str]) -> None:
    """Store the accounts of `add_accounts` as active, as a run of bksb_accounts does."""
    now = datetime.now(UTC)
    connection = connect(fields)
    try:
        with connection.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor,
                "insert into bksb.account (person_id, username, bksb_user_id, state, origin, linked_at) values %s",
                [
                    (person_id, _username(person_id), FIRST_USER_ID + number, "active", "linked", now)
                    for number, person_id in enumerate(people)
                ],
                page_size=1000,
            )
            psycopg2.extras.execute_values(
                cursor,
                "insert into bksb.account_link (person_id, bksb_user_id, from_at) values %s",
                [(person_id, FIRST_USER_ID + number, now) for number, person_id in enumerate(people)],
                page_size=1000,
            )
            cursor.execute("analyze bksb.account, bksb.account_link")
    finally:
        connection.close()


def _username(person_id: str) -> str:
    return f"bench.{person_id}"
