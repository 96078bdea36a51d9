"""What is measured on: an MIS, a reporting database and a pretend bksb, and the accounts that people have there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import NoReturn

import psycopg2.extras

from bench.databases import Databases, connect
from bench.site import Address, Site, serving
from bksb.api.client import BksbClient
from bksb.connection_fields import ConnectionFields
from bksb.deployment import Deployment
from bksb.folders import SQL_FOLDER
from bksb.mis import Mis
from bksb.model import Source
from bksb.settings import USUAL_SOURCES, Settings
from sandbox.bksb.site import FIRST_USER_ID
from sandbox.world.population import Account, World


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


@contextmanager
def open_place(databases: Databases, world: World) -> Iterator[tuple[Place, Site]]:
    """An MIS, a bksb and an empty reporting database for this world."""
    with serving(world) as site, databases.mis(world) as mis, databases.reporting() as reporting:
        yield Place(site.address, mis, reporting), site


@contextmanager
def copy_of(databases: Databases, place: Place, sources: tuple[Source, ...] = USUAL_SOURCES) -> Iterator[Place]:
    """The same place with a copy of its reporting database, as it is now, to fetch these sources."""
    with databases.reporting(str(place.reporting.database)) as reporting:
        yield replace(place, reporting=reporting, sources=sources)


def with_accounts(world: World, days: Iterable[date], results: int | None) -> tuple[World, list[str]]:
    """The world as it is when everybody eligible on one of the days has a bksb account; whose they are, in order.

    `results`: how many of each sort an account has; None: as it happens.
    """
    people = sorted(set[str]().union(*(world.eligible_on(day) for day in days)))
    accounts = tuple(Account(_username(person_id), "Given", "Family", "", results) for person_id in people)
    return replace(world, accounts=accounts), people


def write_accounts(fields: ConnectionFields, people: Sequence[str]) -> None:
    """Write down the accounts of `with_accounts` as active, as a run of bksb_accounts would have."""
    now = datetime.now(UTC)
    connection = connect(fields)
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
