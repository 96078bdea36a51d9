"""Describes the machine of a measurement, without its name or any path."""

from __future__ import annotations

import os
import platform

import psutil  # type: ignore[import-untyped]

GIB = 1024**3


def describe(postgres_version: str) -> str:
    """Return one line: cores, memory, versions, and the load before the measurement."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / GIB
    return (
        f"{cores} cores, {memory:.0f} GiB of memory, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, PostgreSQL {postgres_version}; load at the start {os.getloadavg()[0]:.1f}"
    )
