"""A production with catalogs of the second format against the exact contents of its tables."""

from __future__ import annotations

import polars as pl
import psycopg
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal
from support.reference import read_table

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

REPEATED = {
    *("fitmethod", "fa_target", "fa_type", "subpriority", "obsconditions", "priority_init"),
    *("numobs_init", "plate_ra", "plate_dec", "device_loc", "location", "lambda_ref"),
}
"""What the catalogs repeat from fiberassign; no table has it."""

BITMASKS = {
    *(f"sv2_{kind}_target" for kind in ("desi", "bgs", "mws", "scnd")),
}
"""Columns of zpix that the reference's files do not have."""

VECTORS = {"coeff_best", "coeff_new"}
"""The reference has no arrays; other tests compare them with the files."""


@pytest.fixture(scope="module")
def loaded(module_database, shared):
    folder = shared / "reference" / "zcatalog-v2"
    production = ["--specprod", "matterhorn", "--root", str(folder)]
    config = ["--config", str(folder / "productions.toml"), "--dsn", module_database]
    done = CliRunner().invoke(
        cli, ["load", "redshift", *production, *config], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    with psycopg.connect(module_database) as connection:
        yield connection, done.output, [*production, *config]


@pytest.mark.parametrize("table", ["zpix", "ztile"])
def test_table_equals_the_reference(loaded, shared, table):
    connection, _, _ = loaded
    expected = pl.read_parquet(
        shared / "reference" / "zcatalog-v2-expected" / f"{table}.parquet"
    ).sort("id")
    got = read_table(connection, "matterhorn", table)
    masks = {name for name in expected.columns if name.endswith("_target")}
    absent = REPEATED.intersection(expected.columns) | (masks if table == "ztile" else set())
    assert {*expected.columns} - {*got.columns} == absent
    assert {*got.columns} - {*expected.columns} == VECTORS | (
        BITMASKS if table == "zpix" else set()
    )
    names = [name for name in got.columns if name in expected.columns]
    # Numbers of 4 bytes are widened, which changes none.
    wanted = expected.select(names).cast(dict(got.select(names).schema))
    assert_frame_equal(got.select(names), wanted, check_exact=True)
    for name in BITMASKS & {*got.columns}:
        assert (got[name] == 0).all()


def test_columns_that_no_table_takes_are_named_once_for_each_file(loaded):
    _, output, _ = loaded
    [extra] = [line for line in output.splitlines() if "pix-matterhorn-extra.fits[" in line]
    assert "no table takes FITMETHOD, FA_TARGET, FA_TYPE, SUBPRIORITY" in extra
    assert "-imaging" not in output


def test_verify_reads_the_joined_files_again(loaded, module_database, shared):
    """By itself: the reference has no photometry that rows could refer to."""
    folder = shared / "reference" / "zcatalog-v2"
    production = find_production("matterhorn", folder / "productions.toml")
    inputs = Inputs(ProductionFiles(production, folder))
    options = VerifyOptions(("redshift",), "matterhorn", jobs=1, alone=True)
    results = verify(module_database, inputs, options)
    assert [str(result) for result in results if not result.passed] == []
    sizes = sorted(r.detail.split(": ")[1] for r in results if r.name == "file-unchanged")
    assert sizes == ["653,760 bytes", "722,880 bytes"]


def test_primary_changes_nothing(loaded, module_database):
    primary = ["primary", "--schema", "matterhorn", "--dsn", module_database]
    done = CliRunner().invoke(cli, primary, catch_exceptions=False)
    assert done.output == "matterhorn.zpix: 0 rows changed\nmatterhorn.ztile: 0 rows changed\n"
