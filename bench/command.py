"""./run bench: every figure in one run, in one table."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.backfill import measure_backfill
from bench.databases import Databases
from bench.figures import Figure, exit_code, table
from bench.loads import measure_loads
from bench.machine import describe
from bench.nights import Nights
from bench.scale import measure_scale
from bksb.connection_fields import ConnectionFields


def bench(server: ConnectionFields, scale: float) -> int:
    """Measures, prints, and says by its exit code whether every target was met.

    `server`: a PostgreSQL with no other work, and a superuser on it; databases are made there and stay.
    """
    began = time.monotonic()
    figures: list[Figure] = []
    databases = Databases(server)
    print(describe(databases.version()), flush=True)
    if scale != 1:
        print(f"At {scale:g} of the sizes that the targets were set for.")
    for figure in _measured(databases, scale):
        print(f"  {figure.part}  {figure.says}: {figure.cells()[2]}", flush=True)
        figures.append(figure)
    print(f"\n{table(figures)}\n\n{time.monotonic() - began:.0f} s in all")
    return exit_code(figures)


def _measured(databases: Databases, scale: float) -> Iterator[Figure]:
    nights = Nights(databases, scale)
    yield from nights.measure()
    yield from measure_backfill(databases, scale)
    yield from measure_loads(databases, nights.rows)
    yield from measure_scale(databases, scale)
