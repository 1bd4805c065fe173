"""Whether contenders have loaded the same: counts and sums of hashes, made by the server."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from benchmarking.bench import SCHEMA, Bench
from specprod_copy.postgres.schema_from_server import read_schema

Contents = dict[str, tuple[int, str]]
"""Table to number of rows and sum over the rows of the hash of all their columns."""


def contents(bench: Bench, tables: Iterable[str]) -> Contents:
    """Return what tables hold, whatever the order of their rows."""
    query = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)::text FROM {} t"
    return {table: _row(bench, query, table) for table in tables}


def counts(bench: Bench, tables: Iterable[str]) -> dict[str, int]:
    """Return the numbers of rows of tables."""
    return {table: _row(bench, "SELECT count(*) FROM {}", table)[0] for table in tables}


def column_sums(bench: Bench, tables: Iterable[str]) -> dict[str, str]:
    """Return the sum of the hashes of each column, to tell which one differs."""
    query = "SELECT sum(hashtextextended({1}::text, 0)::numeric)::text FROM {0}"
    return {
        f"{table}.{column.name}": _row(bench, query, table, column.name)[0]
        for table in tables
        for column in read_schema(bench.connection, SCHEMA).columns_of(table)
    }


def _row(bench: Bench, query: str, table: str, *columns: str) -> tuple:
    names = (sql.Identifier(SCHEMA, table), *map(sql.Identifier, columns))
    row = bench.connection.execute(sql.SQL(query).format(*names)).fetchone()
    assert row is not None
    return row
