"""One rule for shapes: a vector of one element is that element, several dimensions become one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.reader import read_table

COLUMNS = {
    "TEXT": (np.array(["dark", "b"]), "4A", "4,"),
    "WHOLE": (np.array([7, -7], "i4"), "J", ""),
    "REAL": (np.array([0.5, -0.0], "f8"), "D", ""),
    "FLAG": (np.array([True, False]), "L", ""),
}
"""Values, TFORM, and how TDIM begins."""


@pytest.mark.parametrize("ones", ["1", "1,1", "1,1,1"])
def test_one_element_in_fits(tmp_path: Path, ones: str) -> None:
    path = tmp_path / "t.fits"
    columns = [
        fits.Column(
            name, tform, array=v.reshape(2, *map(int, ones.split(","))), dim=f"({width}{ones})"
        )
        for name, (v, tform, width) in COLUMNS.items()
    ]
    fits.BinTableHDU.from_columns(columns).writeto(path)
    assert fits.getheader(path, 1)["TDIM1"] == f"(4,{ones})"
    found = read_table(path)
    assert found.to_dict(as_series=False) == {n: v.tolist() for n, (v, *_) in COLUMNS.items()}


@pytest.mark.parametrize("shape", [(2, 1), (2, 1, 1)])
def test_one_element_in_ecsv(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "t.ecsv"
    table = Table({name: values.reshape(shape) for name, (values, *_) in COLUMNS.items()})
    table.write(path, format="ascii.ecsv")
    found = read_table(path)
    assert found.to_dict(as_series=False) == {n: v.tolist() for n, (v, *_) in COLUMNS.items()}


def test_several_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    values = np.arange(20.0).reshape(2, 2, 5)
    Table({"COEFF": values}).write(path)
    assert fits.getheader(path, 1)["TDIM1"] == "(5,2)"
    found = read_table(path)["COEFF"]
    assert found.dtype == pl.Array(pl.Float64, 10)
    assert found.to_list() == values.reshape(2, 10).tolist()
