"""Whole productions against the exact contents that the reference loader gives their tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import psycopg
import pytest
from click.testing import CliRunner
from support.reference import TABLES, assert_equal, read_table

from specprod_copy.cli import cli

"""Primary keys other than ``id``."""


def run_load(conninfo: str, root: Path, specprod: str) -> None:
    """Load a whole production through the command line."""
    options = ["-q", "--specprod", specprod, "--root", str(root), "--dsn", conninfo]
    done = CliRunner().invoke(cli, ["load", "all", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output


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
