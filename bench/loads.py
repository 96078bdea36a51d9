"""Compares our load with a bare COPY and with pandas: the same rows, on the same server, in turn."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from statistics import median
from typing import Any

import pandas as pd
import sqlalchemy
from sqlalchemy.dialects.postgresql import JSONB

from bench.databases import Databases, connect, execute
from bench.figures import Figure
from bench.runs import make_manual_run
from bksb.connection_fields import ConnectionFields
from bksb.jobs.results.loading import ACCOUNTS_PER_LOAD, LoadBatch, merge_batch
from bksb.jobs.threads import split_into_batches
from bksb.reporting.copy_format import encode_row
from bksb.reporting.sql_files import read_sql
from bksb.reporting.store import COPY_BYTES, Writer, open_store

ROUNDS = 11
MAX_ROWS = 12_000
"""Rows of a load. pandas takes a few seconds for these."""

ROWS_PER_STATEMENT = 1_000
"""Rows per INSERT of pandas with method="multi". One INSERT for all rows takes longer."""

COLUMNS = re.findall(r"\w+", re.findall(r"\((.*)\)", read_sql("results/copy_loaded_result"), re.DOTALL)[0])
KEY = "bksb_user_id, source, session_id, component"
ROWS = f"select {', '.join(COLUMNS)} from bksb.assessment_result order by {KEY}"
LINKS = """
insert into bksb.account_link (person_id, bksb_user_id, from_at)
select 'bench-' || id, id, now() from unnest(array[{}]) as id
"""
EMPTY = (
    "drop table if exists bare",
    f"create table bare as select {', '.join(COLUMNS)} from bksb.assessment_result with no data",
    f"alter table bare add primary key ({KEY})",
    "truncate bksb.assessment_result, bksb.account_source",
    "checkpoint",
)


def measure_loads(databases: Databases, rows: Sequence[tuple[Any, ...]]) -> Iterator[Figure]:
    """Yield the figures of part (c). `rows` come from the statement ROWS."""
    rows = rows[:MAX_ROWS]
    with databases.reporting() as fields:
        seconds: dict[str, list[float]] = {}
        users = sorted({row[0] for row in rows})
        execute(fields, LINKS.format(", ".join(map(str, users))))
        loads = _Loads(fields, rows)
        methods = {"ours": loads.ours, "copy": loads.bare_copy, "default": loads.pandas, "multi": loads.pandas_multi}
        for number in range(ROUNDS):
            shift = number % len(methods)
            # A new order each round, so that no method always follows the same other one.
            for name in ([*methods][shift:] + [*methods][:shift])[:: -1 if number % 2 else 1]:
                loads.empty()
                seconds.setdefault(name, []).append(methods[name]())
        ours = seconds["ours"]
        # Ratios within a round: a machine that slows down for a while slows all methods.
        of_copy = median(copy / mine for copy, mine in zip(seconds["copy"], ours, strict=True))
        yield Figure("c", "rows per second, as a fraction of bare COPY's", of_copy, "at least", 0.5)
        pandas = zip(seconds["default"], seconds["multi"], ours, strict=True)
        of_pandas = median(min(default, multi) / mine for default, multi, mine in pandas)
        yield Figure("c", "rows per second, as a multiple of pandas to_sql's", of_pandas, "at least", 4, " x", 1)
        loads.empty()
        loads.ours()
        before = loads.versions()
        again = loads.ours()
        yield Figure("c", "rows written by an unchanged reload", len(loads.versions() - before), "at most", 0, digits=0)
        yield Figure("c", "rows per second of the load", len(rows) / median(ours), digits=0)
        yield Figure("c", "rows per second of an unchanged reload", len(rows) / again, digits=0)


class _Loads:
    """The load methods. Each returns seconds, and gets its rows in the form that suits it."""

    def __init__(self, fields: ConnectionFields, rows: Sequence[tuple[Any, ...]]) -> None:
        self._fields = fields
        self._rows = rows
        accounts = [list(group) for _, group in groupby(rows, lambda row: row[0])]
        loads = [
            [row for account in batch for row in account] for batch in split_into_batches(accounts, ACCOUNTS_PER_LOAD)
        ]
        self._loads = [(load, sorted({row[:2] for row in load})) for load in loads]
        self._frame = pd.DataFrame(rows, columns=pd.Index(COLUMNS))

    def empty(self) -> None:
        """Empty the tables, and let the server finish writing the last load to disk."""
        for statement in EMPTY:
            execute(self._fields, statement)

    def versions(self) -> set[tuple[Any, ...]]:
        """Return xmin and ctid of every row of results and their changes. A rewritten row gets new ones."""
        tables = ("bksb.assessment_result", "bksb.result_change")
        found = " union all ".join(f"select '{table}', xmin::text, ctid::text from {table}" for table in tables)
        return {tuple(row) for row in execute(self._fields, found)}

    def ours(self) -> float:
        """Load as fetch_results does: a few hundred accounts per transaction."""
        run = make_manual_run("bksb_results", "load")
        now = datetime.now(UTC)
        with open_store(self._fields, migrated=False) as store:
            began = time.perf_counter()
            for rows, sources in self._loads:
                batch = LoadBatch(lines=[encode_row(row) for row in rows])
                batch.sources = [(*source, now, True) for source in sources]
                with store.transaction(Writer.LOAD_RESULTS):
                    merge_batch(store, run, batch)
            return time.perf_counter() - began

    def bare_copy(self) -> float:
        """Encode all rows as our load does, and COPY them into a table that has only the same key."""
        connection = connect(self._fields)
        try:
            with connection.cursor() as cursor:
                began = time.perf_counter()
                lines = BytesIO("".join([encode_row(row) for row in self._rows]).encode())
                cursor.copy_expert(f"copy bare ({', '.join(COLUMNS)}) from stdin", lines, COPY_BYTES)
                return time.perf_counter() - began
        finally:
            connection.close()

    def pandas(self) -> float:
        """Load with to_sql, from a prepared frame."""
        return self._to_sql(None, None)

    def pandas_multi(self) -> float:
        """Load with to_sql and method="multi"."""
        return self._to_sql("multi", ROWS_PER_STATEMENT)

    def _to_sql(self, method: Any, rows_per_statement: int | None) -> float:
        fields = self._fields
        engine = sqlalchemy.create_engine(
            sqlalchemy.URL.create(
                "postgresql+psycopg2", fields.login, fields.password, fields.host, fields.port, fields.database
            )
        )
        try:
            with engine.begin() as connection:
                began = time.perf_counter()
                self._frame.to_sql(
                    "bare",
                    connection,
                    if_exists="append",
                    index=False,
                    method=method,
                    chunksize=rows_per_statement,
                    dtype={"raw": JSONB},
                )
            return time.perf_counter() - began
        finally:
            engine.dispose()
