"""The command ./run bench: measures all figures and prints them in one table."""

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
    """Measure and print all figures. Returns 1 if a target was missed, otherwise 0.

    `server`: a PostgreSQL with no other work, and a superuser. The caller discards it: a template database stays.
    """
    began = time.monotonic()
    figures: list[Figure] = []
    databases = Databases(server)
    print(describe(databases.version()), flush=True)
    if scale != 1:
        print(f"All sizes are scaled by {scale:g}. The targets are for full sizes.")
    for figure in _measured(databases, scale):
        print(f"  {figure.part}  {figure.name}: {figure.cells()[2]}", flush=True)
        figures.append(figure)
    print(f"\n{table(figures)}\n\nTotal time: {time.monotonic() - began:.0f} s")
    return exit_code(figures)


def _measured(databases: Databases, scale: float) -> Iterator[Figure]:
    nights = Nights(databases, scale)
    yield from nights.measure()
    yield from measure_backfill(databases, scale)
    yield from measure_loads(databases, nights.rows)
    yield from measure_scale(databases, scale)
