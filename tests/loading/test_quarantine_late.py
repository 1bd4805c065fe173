"""Files that come when their tables have keys: bad rows go as they would have gone before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from support.quarantine_case import Case, iron

from specprod_copy.errors import DatabaseError

__all__ = ["iron"]

WHY = ["row", "column", "value", "reason"]
HDU = "FIBERASSIGN"


@pytest.fixture
def late(iron) -> Path:
    """Return the file of a tile, which the tables do not have though they have all keys."""
    path = next(iron.root.glob("target/fiberassign/tiles/**/fiberassign-*.fits*"))
    elsewhere = path.rename(path.with_name("later"))
    iron.load("all", "--skip-missing", code=0, quarantine=False)
    return elsewhere.rename(path)


def targets(path: Path) -> np.ndarray:
    """Return the rows of targets of the survey, neither sky nor calibration."""
    ids = fits.getdata(path, HDU)["TARGETID"]
    return ((ids > 0) & (ids < 5 * 10**16)).nonzero()[0]


def why(iron: Case, schema: str = "iron") -> pl.DataFrame:
    return pl.read_parquet(iron.folder / f"{schema}.fiberassign.fiberassign.parquet").select(WHY)


def same_as_from_the_beginning(iron: Case) -> None:
    assert iron.verify("fiberassign") == {}
    iron.load("all", "--schema", "clean")
    for table in ("fiberassign", "potential", "target"):
        assert iron.table(table) == iron.table(table, "clean")
    kept = "SELECT table_name, entry, rows_read, rows_kept, rows_quarantined FROM {}.load_ledger"
    ours, clean = (iron.query(kept.format(schema)) for schema in ("iron", "clean"))
    assert {*ours} == {*clean}


@pytest.mark.parametrize("small_rows", [100_000, 0])
def test_a_reference_to_nothing(iron, late, small_rows):
    iron.limits = replace(iron.limits, small_rows=small_rows)
    row = int(targets(late)[2])
    iron.change(late, HDU, "TARGETID", row, 39627000000000001)
    with pytest.raises(DatabaseError) as refused:
        iron.load("fiberassign", quarantine=False)
    assert f"{late}[{HDU}] row {row}, column TARGETID" in str(refused.value)
    assert "no row of photometry has this targetid" in str(refused.value)
    iron.load("fiberassign")
    assert why(iron)["row"].to_list() == [row]
    same_as_from_the_beginning(iron)
    assert why(iron).equals(why(iron, "clean"))


def test_a_key_twice(iron, late):
    """The first one stays."""
    first, _, second = targets(late)[:3].tolist()
    table = fits.getdata(late, HDU)
    for column in ("TARGETID", "LOCATION"):
        iron.change(late, HDU, column, second, table[column][first])
    with pytest.raises(DatabaseError, match=rf"row {second}, column .* is that of row {first} of"):
        iron.load("fiberassign", quarantine=False)
    iron.load("fiberassign")
    assert why(iron)["row"].to_list() == [second]
    same_as_from_the_beginning(iron)
    assert why(iron).equals(why(iron, "clean"))
