"""Tables of the database and of the reference data as frames, and their comparison."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import psycopg
from polars.testing import assert_frame_equal

from specprod_copy.tables import SOURCES, specprod_catalogue


def data_tables() -> list[str]:
    """Return all tables but the ledgers, in an order in which rows may arrive."""
    return [table for table in specprod_catalogue().definition.tables if table != "load_ledger"]


TABLES = tuple(dict.fromkeys(source.table for source in SOURCES.values()))


KEYS = {"tile": "tileid", "exposure": "expid", "frame": "frameid", "photometry": "targetid"}


def read_table(connection: psycopg.Connection, schema: str, table: str) -> pl.DataFrame:
    """Return a table as the expected files have it: ids and date_obs as text, ordered by key."""
    columns = connection.execute(
        """SELECT attname, atttypid::regtype::text FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum""",
        (f"{schema}.{table}",),
    ).fetchall()
    texts = {
        "numeric": "{0}::text AS {0}",
        "timestamp with time zone": (
            """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS {0}"""
        ),
    }
    wanted = ", ".join(texts.get(kind, "{0}").format(name) for name, kind in columns)
    key = KEYS.get(table, 'id::text COLLATE "C"')
    rows = connection.execute(
        f"SELECT {wanted} FROM {schema}.{table} ORDER BY {key}", binary=True
    ).fetchall()
    return pl.DataFrame(rows, schema=[name for name, _ in columns], orient="row")


def expected_rows(shared: Path, name: str, table: str) -> pl.DataFrame:
    """Return what a table of a reference production must hold."""
    return pl.read_parquet(shared / "reference" / f"{name}-expected" / f"{table}.parquet")


def assert_equal(got: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Compare bit for bit, but -0.0 and 0.0, which the reference loader makes one."""
    assert got.columns == expected.columns
    got = got.cast(dict(expected.schema))
    floats = [name for name, dtype in expected.schema.items() if dtype.is_float()]
    both = [frame.with_columns(pl.col(floats) + 0.0) for frame in (got, expected)]
    assert_frame_equal(*both, check_exact=True)
