"""The health check of an Airflow job, on a real PostgreSQL with the columns of Airflow's table."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from deploy.image.check_health import OLDEST_HEARTBEAT, check_job
from dev.services.postgres.server import Postgres

Record = Callable[..., None]


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create table job (job_type text, hostname text, state text, latest_heartbeat timestamp with time zone)"
        )
        yield postgres.dsn()
        cursor.execute("drop table job")


@pytest.fixture
def record(postgres: Postgres, database: str) -> Record:
    def insert(*, job_type: str = "TriggererJob", hostname: str = "", state: str = "running", age: int = 0) -> None:
        with closing(postgres.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into job values (%s, %s, %s, now() - make_interval(secs => %s))",
                (job_type, hostname or socket.gethostname(), state, age),
            )

    return insert


def test_a_job_with_a_recent_heartbeat_is_healthy(database, record):
    record(age=1)
    assert check_job("TriggererJob", database) is None


def test_a_job_that_hangs_is_not(database, record):
    record(age=OLDEST_HEARTBEAT + 5)
    assert str(check_job("TriggererJob", database)).startswith("The last heartbeat of TriggererJob is 6")


@pytest.mark.parametrize(
    "other", [{"job_type": "SchedulerJob"}, {"hostname": "another"}, {"state": "success"}], ids=str
)
def test_the_heartbeat_of_another_job_does_not_count(database, record, other):
    record(**other)
    assert check_job("TriggererJob", database) == "No running TriggererJob of this container is known."


def test_an_earlier_job_of_the_same_container_does_not_count(database, record):
    record(age=600, state="failed")
    record(age=1)
    assert check_job("TriggererJob", database) is None
