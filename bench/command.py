"""./run bench: every figure in one run, in one table."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.backfill import measure_backfill
from bench.figures import Figure, exit_code, table
from bench.loads import measure_loads
from bench.machine import describe
from bench.nights import Nights
from bench.scale import measure_scale
from bench.stage import Stage
from dev.services.clone import Clone
from dev.services.postgres.server import Postgres


def bench(clone: Clone, scale: float) -> int:
    """Measures, prints, and says by its exit code whether every target was met.

    Everything it makes lies in a folder of its own and is gone when it ends.
    """
    began = time.monotonic()
    clone.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=clone.run) as folder, Postgres(Path(folder)) as server:
        stage = Stage(server)
        print(describe(stage.version()), flush=True)
        if scale != 1:
            print(f"At {scale:g} of the sizes that the targets were set for.")
        for figure in _measured(stage, scale):
            print(f"  {figure.part}  {figure.says}: {figure.cells()[2]}", flush=True)
            figures.append(figure)
    print(f"\n{table(figures)}\n\n{time.monotonic() - began:.0f} s in all")
    return exit_code(figures)


def _measured(stage: Stage, scale: float) -> Iterator[Figure]:
    nights = Nights(stage, scale)
    yield from nights.measure()
    yield from measure_backfill(stage, scale)
    yield from measure_loads(stage, nights.rows)
    yield from measure_scale(stage, scale)
