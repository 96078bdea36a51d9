"""Health checks that need a fraction of a second of CPU. Airflow's own commands for this take two seconds each.

python check_health.py worker            this worker takes tasks from its queue
python check_health.py job JOB_TYPE      this container's Airflow job, such as TriggererJob, wrote its heartbeat lately
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

OLDEST_HEARTBEAT = 60
"""Age of a heartbeat, in seconds, at which a job counts as hanging."""

ANSWER_SECONDS = 5.0
"""Seconds to wait for the worker's answer."""

CHECKS_WITHOUT_QUEUE = 3
"""How many checks in a row may find a worker without a queue, before it is restarted."""

WITHOUT_QUEUE = Path("/tmp/checks-without-queue")  # noqa: S108 - a private tmpfs of the container


def read_secret(name: str) -> str:
    return Path("/run/secrets", name).read_text(encoding="utf-8")


def check_worker(broker: str) -> str | None:
    """Return what is wrong with the worker of this container, or None.

    A ping is not enough: after a restart of the broker, a worker may answer it and yet have lost its queue (Airflow
    issue 63580). Docker does not restart an unhealthy container, so this stops the worker, and Docker starts it again.
    """
    from celery import Celery

    name = f"celery@{socket.gethostname()}"
    with Celery(broker=broker) as app:
        answer = app.control.inspect([name], timeout=ANSWER_SECONDS).active_queues()
    if not answer:
        return f"The worker {name} does not answer."
    if answer.get(name):
        WITHOUT_QUEUE.unlink(missing_ok=True)
        return None
    times = len(WITHOUT_QUEUE.read_text()) + 1 if WITHOUT_QUEUE.exists() else 1
    WITHOUT_QUEUE.write_text("x" * times)
    if times >= CHECKS_WITHOUT_QUEUE:
        os.kill(1, signal.SIGTERM)
        return f"The worker {name} has lost its queue and is being restarted."
    return f"The worker {name} takes tasks from no queue."


def check_job(job_type: str, database: str) -> str | None:
    """Return what is wrong with the Airflow job of this container, or None. `database` is the metadata database."""
    import psycopg2

    with closing(psycopg2.connect(database, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select extract(epoch from now() - max(latest_heartbeat)) from job "
            "where job_type = %s and hostname = %s and state = 'running'",
            (job_type, socket.gethostname()),
        )
        (age,) = cursor.fetchone() or (None,)
    if age is None:
        return f"No running {job_type} of this container is known."
    return f"The last heartbeat of {job_type} is {age:.0f} s old." if age > OLDEST_HEARTBEAT else None


def main() -> str | int:
    """What `sys.exit` takes: 0, or the text of the mistake."""
    match sys.argv[1:]:
        case ["worker"]:
            return check_worker(read_secret("broker_url")) or 0
        case ["job", job_type]:
            database = read_secret("metadata_url").replace("postgresql+psycopg2://", "postgresql://", 1)
            return check_job(job_type, database) or 0
    return str(__doc__)


if __name__ == "__main__":
    sys.exit(main())
