"""Which tiles a tiles file has, whatever is in its cells, and where their fiberassign files are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.tables import Inputs


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(ProductionFiles(find_production("iron"), tmp_path), tmp_path / "tiles.csv")


@pytest.mark.parametrize("cell", ["x", "nan", "", "99999999999999999999"])
def test_a_cell_that_is_no_number_is_left_to_the_table(inputs: Inputs, cell: str) -> None:
    assert inputs.tiles_file is not None
    inputs.tiles_file.write_text(f"N,TILEID\n1,1000\n2,{cell}\n3,7\n")
    assert with_tiles_of_file(inputs).tileids == (7, 1000)


def test_whole_numbers_in_any_form(inputs: Inputs) -> None:
    assert inputs.tiles_file is not None
    inputs.tiles_file.write_text("TILEID\n1e3\n7.0\n20\n")
    assert with_tiles_of_file(inputs).tileids == (7, 20, 1000)


def test_vectors_are_no_numbers(inputs: Inputs) -> None:
    path = inputs.files.root / "tiles.fits"
    table = fits.BinTableHDU(Table({"TILEID": np.ones((3, 2), "i4")}), name="TILES")
    table.writeto(path)
    with pytest.raises(InputError, match=r"tiles\.fits, column TILEID: is Array.*, no number"):
        with_tiles_of_file(Inputs(inputs.files, path))


def test_missing_files_and_what_looks_like_them(inputs: Inputs) -> None:
    folder = inputs.files.root / "target" / "fiberassign" / "tiles" / "tags" / "1.1" / "001"
    folder.mkdir(parents=True)
    other = folder / "fiberassign-001000.FITS"
    other.touch()
    with pytest.raises(InputError) as caught:
        Inputs(inputs.files, tileids=(7, 1000)).fiberassign()
    assert f"fiberassign-001000.fits; what looks like it is {other}; " in str(caught.value)
    assert inputs.files.like_fiberassign([1000]) == f"; what looks like it is {other}"
    assert inputs.files.like_fiberassign([7]) == ""
