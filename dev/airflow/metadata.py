"""Prepares Airflow's metadata database: python -m dev.airflow.metadata POOL SLOTS.

Does the same as `airflow db migrate` and `airflow pools set`, but starts Airflow only once.
"""

from __future__ import annotations

import sys

from airflow.models.pool import Pool
from airflow.utils.db import upgradedb


def main() -> None:
    pool, slots = sys.argv[1], int(sys.argv[2])
    upgradedb()
    Pool.create_or_update_pool(
        pool, slots=slots, description="concurrent bksb calls of all tasks and runs", include_deferred=False
    )


if __name__ == "__main__":
    main()
