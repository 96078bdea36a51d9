"""What the figures were measured on, said without a name or a path."""

from __future__ import annotations

import os
import platform

import psutil  # type: ignore[import-untyped]

GIB = 1024**3


def describe(postgres_version: str) -> str:
    """Cores, memory and versions in one line, and how busy the machine was with something else at the start."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / GIB
    return (
        f"{cores} cores, {memory:.0f} GiB of memory, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, PostgreSQL {postgres_version}; load at the start {os.getloadavg()[0]:.1f}"
    )
