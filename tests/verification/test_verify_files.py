"""Damage to the ledger and to the files is found and named."""

from __future__ import annotations

import shutil

import pytest
from astropy.io import fits
from support.verify_case import ZALL, inputs_of

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.tables import Inputs
from specprod_copy.verification import (
    VerifyOptions,
    verify,
)


def test_rows_that_are_not_in_the_ledger(case):
    n = case.count("zpix")
    [(kept,)] = case.execute(
        """DELETE FROM iron.load_ledger WHERE table_name = 'zpix' AND first_row = 40
           RETURNING rows_kept"""
    )
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: rows not in the ledger: 40 to 79",
        "table-rows": f"{n} rows, {n - kept} in the ledger",
    }
    case.execute("DELETE FROM iron.load_ledger WHERE table_name = 'zpix'")
    rows = len(fits.getdata(case.root / ZALL, 1))
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: not in the ledger: {rows} rows were never loaded",
        "table-rows": f"{n} rows, 0 in the ledger",
    }


def test_other_numbers_in_the_ledger(case):
    case.execute(
        """UPDATE iron.load_ledger SET rows_kept = rows_kept - 1
           WHERE table_name = 'zpix' AND first_row = 0"""
    )
    n, rows = case.count("zpix"), len(fits.getdata(case.root / ZALL, 1))
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: {rows} rows read, {n} kept, 0 values not finite; "
        f"in the ledger {rows} rows read, {n - 1} kept, 0 values not finite",
        "table-rows": f"{n} rows, {n - 1} in the ledger",
    }


def test_a_changed_file(files):
    """Its time tells, and so do its values."""
    _, row = files.row()
    size = (files.root / ZALL).stat().st_size
    with fits.open(files.root / ZALL, mode="update") as hdus:
        before = float(hdus[1].data["Z"][row])
        hdus[1].data["Z"][row] = 0.125
    found = files.details("zpix", sample=0)
    assert found.keys() == {"file-unchanged", "values"}
    assert found["values"].endswith(f" row {row}): file 0.125, table {before!r}")
    assert found["file-unchanged"].startswith(
        f"{ZALL}[ZCATALOG]: changed since it was loaded: it was {size:,} bytes of "
    )


def test_a_file_that_vanished(files):
    gone = ProductionFiles(find_production("iron"), files.root).targetphot()[0]
    rows = len(fits.getdata(gone, 1))
    gone.unlink()
    found = files.details("target", sample=0)
    name = gone.relative_to(files.root)
    assert found["file-unchanged"] == (
        f"{name}[TARGETPHOT]: the file vanished; {rows} rows of it were loaded by stage target"
    )
    assert f"{rows} rows in the table, but in no file: id " in found["rows"]
    assert found.keys() <= {"file-unchanged", "rows", "not-finite"}


def test_a_file_that_is_no_input_any_more(files):
    tiles = files.root / "spectro/redux/iron/tiles-iron.fits"
    copied = files.root / "tiles.fits"
    shutil.copy2(tiles, copied)
    with fits.open(copied, mode="update") as hdus:  # an equal copy is the file that was loaded
        hdus[1].data["EXPTIME"][0] += 1
    wanted = VerifyOptions(("tile",), "iron")
    results = verify(files.conninfo, inputs_of(files.root, tiles_file=copied), wanted)
    n = files.count("tile")
    found = {r.name: r.detail for r in results if not r.passed}
    assert found.keys() == {"file-unchanged", "file-rows", "values", "sample"}
    assert found["file-unchanged"] == (
        "spectro/redux/iron/tiles-iron.fits[TILE_COMPLETENESS]: no input of the production any "
        f"more; {n} rows of it were loaded by stage exposures"
    )
    assert found["file-rows"] == (
        f"tiles.fits[TILE_COMPLETENESS]: not in the ledger: {n} rows were never loaded"
    )


def test_a_file_that_cannot_be_opened(files):
    (files.root / ZALL).write_bytes(b"SIMPLE  = nonsense")
    found = files.details("zpix", sample=0)
    assert found.keys() == {"inputs", "rows", "values", "not-finite"}
    assert found["inputs"].startswith(f"stage redshift: {files.root / ZALL}: ")
    assert found["values"] == "not compared: files cannot be read"


def test_a_file_that_cannot_be_read_to_its_end(files):
    """The header is right, a value is not; the other tables are verified all the same."""
    with fits.open(files.root / ZALL, mode="update") as hdus:
        hdus[1].data["SURVEY"][0] = "sv9"
        hdus[1].data["TARGETID"][0] = 77
    found = files.failures("redshift", sample=0)
    assert {table for table, *_ in found} == {"zpix"}
    [detail] = [detail for _, name, detail in found if name == "file-rows"]
    assert "column SURVEY: none of cmx, special, sv1, sv2, sv3, main (row 0: 'sv9'" in detail


def test_no_fiberassign_file(files):
    path = next(files.root.glob("target/**/fiberassign-*.fits*"))
    path.unlink()
    found = files.failures("fiberassign", sample=0)
    inputs = [(table, name) for table, name, _ in found if name == "inputs"]
    assert inputs == [("fiberassign", "inputs"), ("potential", "inputs")]
    wanted = VerifyOptions(("fiberassign",), "iron", sample=0)
    left_out = inputs_of(files.root, skip_missing=True)
    results = verify(files.conninfo, left_out, wanted)
    vanished = [r.table for r in results if "the file vanished; " in r.detail]
    assert vanished == ["fiberassign", "potential"]


def test_a_schema_of_another_program(case):
    case.execute("DROP TABLE iron.load_ledger")
    with pytest.raises(DatabaseError) as caught:
        case.verify("tile")
    assert str(caught.value) == (
        "schema iron has no table load_ledger: this program has not loaded it; "
        "'specprod-copy adopt' takes over what others have loaded"
    )


def test_a_stage_that_the_production_does_not_have(loaded, tmp_path):
    daily = ProductionFiles(find_production("daily"), tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        verify(loaded, Inputs(daily), VerifyOptions(("redshift",), "iron"))
    assert str(caught.value) == "production daily has no files of stage redshift"
