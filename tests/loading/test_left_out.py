"""Loads of folders with compressed files, and with what only looks like an input."""

from __future__ import annotations

import gzip

from support.changing import iron

from specprod_copy.cli.load_text import plan_lines
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

__all__ = ["iron"]


def test_gzipped_member(iron):
    """A gzipped tractorphot file is loaded like the others."""
    iron.load("photometry")
    before = iron.query("SELECT * FROM iron.photometry ORDER BY targetid")
    path = iron.files.tractorphot()[0]
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    path.unlink()
    iron.load("photometry", schema="gzipped")
    assert iron.query("SELECT * FROM gzipped.photometry ORDER BY targetid") == before


def test_plan_and_summary_name_what_is_left_out(iron):
    path = iron.files.tractorphot()[0]
    for suffix in (".gz", ".old"):
        path.with_name(path.name + suffix).write_bytes(b"")
    noted = [
        f"{path.parent}: the files without .gz are taken, not {path.name}.gz",
        f"{path.parent}: not taken, though the name looks like it: {path.name}.old",
    ]
    plan, statements = plan_load(
        iron.conninfo, Inputs(iron.files), LoadOptions(("photometry",), "iron")
    )
    assert plan.notes == noted
    lines = [*plan_lines(plan, statements, 1, width=200)]
    assert [line for line in lines if line.startswith("note: ")] == [f"note: {n}" for n in noted]
    for options in ({}, {"overwrite": True}):
        notes = iron.load("photometry", **options).notes
        assert [note for note in notes if note in noted] == noted


def test_doubles_for_real(iron):
    """Rounding is said, where the table has 4 bytes and the file 8."""
    place = "spectro/redux/iron/exposures-iron.fits"
    said = [note for note in iron.load("exposures").notes if "rounded" in note]
    assert said == [
        f"{place}[EXPOSURES]: 8-byte floats are rounded to 4 bytes: EFFTIME_ETC, TSNR2_ELG, "
        "TSNR2_QSO, TSNR2_LRG, TSNR2_BGS and 9 more",
        f"{place}[FRAMES]: 8-byte floats are rounded to 4 bytes: TSNR2_GPBDARK, TSNR2_ELG, "
        "TSNR2_GPBBRIGHT, TSNR2_BGS, TSNR2_GPBBACKUP and 2 more",
    ]
    assert not [note for note in iron.load("exposures").notes if "rounded" in note]


def test_tiles_in_csv_for_those_in_fits(iron):
    tiles = iron.files.tiles()
    iron.load("tile")
    tiles.unlink()
    csv = tiles.with_suffix(".csv")
    summary = iron.load("tile", overwrite=True)
    assert f"{csv}: taken, for there is no {tiles.name}" in summary.notes
    named = iron.load("tile", schema="named", inputs={"tiles_file": csv})
    assert not [note for note in named.notes if str(csv) in note]
