"""The limit: what the server alone needs for the same rows, keys and indexes.

The tables are made before. COPY into a table of the same transaction, which spares the log where
wal_level is minimal, was not faster: 200,000 rows of zpix took 2.8 s either way.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

import psycopg
from psycopg import sql

from benchmarking.bench import SCHEMA, Bench
from benchmarking.ready import Ready, copy_statement
from specprod_copy.postgres import ddl
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.tables import specprod_catalogue

PHASES = ("keys", "indexes", "q3c", "foreign_keys", "validation")


def _timed(connection: psycopg.Connection, statement: sql.Composed | bytes) -> float:
    started = time.monotonic()
    connection.execute(statement)
    return time.monotonic() - started


def copy(bench: Bench, files: Sequence[Ready]) -> dict[str, float]:
    """Let the server COPY ready-made files into bare tables; return seconds of each."""
    seconds = {}
    for ready in files:
        statement = copy_statement(SCHEMA, ready, sql.Literal(str(ready.path)))
        seconds[f"copy {ready.table}"] = _timed(bench.connection, statement)
    return seconds


def finish(bench: Bench, *, parallel: bool = False) -> dict[str, float]:
    """Make keys and indexes one after the other; return seconds of each statement.

    Parameters
    ----------
    bench : Bench
    parallel : bool
        Whether several processes may build one index, as many as the server's settings let.
    """
    if not parallel:
        bench.connection.execute("SET max_parallel_maintenance_workers = 0")
    q3c = q3c_schema(bench.connection)
    # A key may take two statements: its index, and the key that uses it.
    seconds: dict[str, float] = defaultdict(float)
    for phase in PHASES:
        if phase == "q3c" and q3c is None:
            continue
        where = q3c or ddl.Q3C_SCHEMA
        for statement in ddl.statements(
            specprod_catalogue().definition, bench.tables, [phase], schema=SCHEMA, q3c=where
        ):
            made = statement.makes.name if statement.makes else ""
            seconds[f"{phase} {statement.table} {made}"] += _timed(
                bench.connection, statement.sql.encode()
            )
    for table in bench.tables:
        analyze = sql.SQL("ANALYZE {}").format(sql.Identifier(SCHEMA, table))
        seconds[f"analyze {table}"] = _timed(bench.connection, analyze)
    bench.connection.execute("RESET max_parallel_maintenance_workers")
    return seconds


def run(bench: Bench, files: Sequence[Ready], *, parallel: bool = False) -> dict[str, float]:
    """Fill the tables and finish them; `parallel` as for `finish`.

    Returns
    -------
    dict
        ``rows`` and ``ready``, the sums of the parts, and each part [s].
    """
    copied = rows(bench, files)
    finished = finish(bench, parallel=parallel)
    return {**copied, "ready": copied["rows"] + sum(finished.values()), **finished}


def rows(bench: Bench, files: Sequence[Ready]) -> dict[str, float]:
    """Fill the tables; return ``rows`` and its parts [s]."""
    bench.make_tables()
    bench.settle([ready.path for ready in files])
    parts = copy(bench, files)
    return {"rows": sum(parts.values()), **parts}


def may_read_files(bench: Bench) -> bool:
    """Say whether the server lets us COPY from files of its machine."""
    query = "SELECT pg_has_role('pg_read_server_files', 'USAGE')"
    row = bench.connection.execute(query).fetchone()
    return bool(row and row[0])
