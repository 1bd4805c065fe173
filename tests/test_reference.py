"""Whole productions against the exact contents that the reference loader gives their tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import psycopg
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from specprod_copy.cli import cli
from specprod_copy.tables import SOURCES

TABLES = tuple(dict.fromkeys(source.table for source in SOURCES.values()))

KEYS = {"tile": "tileid", "exposure": "expid", "frame": "frameid", "photometry": "targetid"}
"""Primary keys other than ``id``."""


def run_load(conninfo: str, root: Path, specprod: str) -> None:
    """Load a whole production through the command line."""
    options = ["-q", "--specprod", specprod, "--root", str(root), "--dsn", conninfo]
    done = CliRunner().invoke(cli, ["load", "all", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output


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


def assert_equal(got: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Compare bit for bit, but -0.0 and 0.0, which the reference loader makes one."""
    assert got.columns == expected.columns
    got = got.cast(dict(expected.schema))
    floats = [name for name, dtype in expected.schema.items() if dtype.is_float()]
    both = [frame.with_columns(pl.col(floats) + 0.0) for frame in (got, expected)]
    assert_frame_equal(*both, check_exact=True)


@pytest.fixture(scope="module", params=["fuji", "iron"])
def loaded(request, cluster, module_database, shared):
    run_load(module_database, shared / "reference" / request.param, request.param)
    with psycopg.connect(module_database) as connection:
        yield connection, request.param


@pytest.mark.parametrize("table", TABLES)
def test_table_equals_the_reference(loaded, shared, table):
    connection, specprod = loaded
    expected = pl.read_parquet(shared / "reference" / f"{specprod}-expected" / f"{table}.parquet")
    assert_equal(read_table(connection, specprod, table), expected)
