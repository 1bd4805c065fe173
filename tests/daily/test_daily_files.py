"""The forms that the files of a tile come in, and what is said of files that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table, vstack
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

from specprod_copy.errors import InputError
from specprod_copy.plan.tile_states import Verdict

__all__ = ["demo", "empty", "loaded", "own_copy"]


def as_zbest(path: Path) -> None:
    """Turn a redrock file into a zbest file and a spectra file.

    The first exposure of a target gets all of its TSNR2.
    """
    with fits.open(path) as hdus:
        exposures, fibermap = Table(hdus["EXP_FIBERMAP"].data), Table(hdus["FIBERMAP"].data)
        place = {targetid: n for n, targetid in enumerate(fibermap["TARGETID"])}
        rows = [place[targetid] for targetid in exposures["TARGETID"]]
        for name in ("TARGET_RA", "TARGET_DEC"):
            exposures[name] = fibermap[name][rows]
        scores = Table(hdus["TSNR2"].data)[rows]
        first = np.zeros(len(rows), bool)
        first[np.unique(scores["TARGETID"], return_index=True)[1]] = True
        for name in scores.colnames:
            scores[name] = np.where(first, scores[name], 0)
        scores.remove_columns(["TARGETID", *(n for n in scores.colnames if n.count("_") == 1)])
        redshifts = Table(hdus["REDSHIFTS"].data)
        redshifts.sort("TARGETID")
        files = {
            "spectra": {"FIBERMAP": exposures, "SCORES": scores},
            "zbest": {"ZBEST": redshifts},
        }
        for kind, tables in files.items():
            content = [fits.BinTableHDU(table, name=name) for name, table in tables.items()]
            new = path.with_name(path.name.replace("redrock", kind))
            fits.HDUList([hdus[0].copy(), *content]).writeto(new)
    path.unlink()


def columns_like(daily: Daily, pattern: str) -> list[str]:
    """Return columns of ztile."""
    found = daily.query(
        """SELECT attname FROM pg_attribute WHERE attrelid = 'daily.ztile'::regclass
           AND attnum > 0 AND attname ~ %s ORDER BY attnum""",
        pattern,
    )
    return [name for (name,) in found]


def test_zbest_files(own_copy, loaded):
    """Early redshift files give the same rows; their TSNR2 is summed up from the exposures."""
    tileid = own_copy.tileids()[0]
    for path in own_copy.redrock(tileid):
        as_zbest(path)
    changed = own_copy.sync(dry_run=True).having(Verdict.CHANGED)
    assert [f.reason for f in changed] == ["other redshift files"]
    assert own_copy.sync().failed == {}
    sums = columns_like(own_copy, "^tsnr2_[a-z]+$")
    assert len(sums) == 8
    unequal = " OR ".join(f"{name} <> {name}_b + {name}_r + {name}_z" for name in sums)
    query = f"SELECT id FROM daily.ztile WHERE tileid = %s AND ({unequal})"
    assert own_copy.query(query, tileid) == []
    others = ", ".join(n for n in columns_like(own_copy, ".") if n not in sums)
    query = f"SELECT {others} FROM daily.ztile ORDER BY id"
    assert own_copy.query(query) == loaded.query(query)


def test_zbest_without_spectra(own_copy):
    path = own_copy.redrock(own_copy.tileids()[0])[0]
    path.rename(path.with_name(path.name.replace("redrock", "zbest")))
    (failed,) = own_copy.sync().failed.values()
    assert failed.endswith("which has the exposures of this one, is not beside it")


def test_photometry_of_the_whole_production(own_copy, loaded):
    """Files for all tiles give the same as files per tile."""
    own_copy.production = replace(own_copy.production, photometry="v1", target_summary=True)
    folder = own_copy.root / "vac/daily/lsdr9-photometry/daily"
    old, new = (folder / version / "potential-targets" for version in ("computed", "v1"))
    (new / "tractorphot").mkdir(parents=True)

    def stack(pattern: str, hdu: str, path: Path) -> None:
        tables = [Table(fits.getdata(p, hdu)) for p in old.glob(pattern)]
        # What a survey does not have is 0 in the files of several surveys.
        fits.BinTableHDU(vstack(tables).filled(0), name=hdu).writeto(path)

    stack("targetphot-potential-*", "TARGETPHOT", new / "targetphot-potential-daily.fits")
    stack("tractorphot/*", "TRACTORPHOT", new / "tractorphot" / "tractorphot-daily.fits")
    summary = own_copy.tile(*own_copy.tileids(), update=True)
    assert summary.failed == {}
    assert own_copy.contents() == loaded.contents()


def test_bad_value_is_named_by_file_and_row(own_copy):
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[1]
    targetid = fits.getdata(path, "REDSHIFTS")["TARGETID"]
    row = np.flatnonzero((targetid > 0) & (targetid >> 59 & 1 == 0))[1]

    def change(table: Table) -> None:
        table["SPECTYPE"] = np.where(np.arange(len(table)) == row, "UNKNOWN?", "GALAXY")

    edit(path, "REDSHIFTS", change)
    before = own_copy.contents()
    failed = own_copy.tile(tileid, update=True).failed
    assert failed == {
        tileid: f"{path}[REDSHIFTS], column SPECTYPE: text is longer than 6 characters (row {row}: "
        "'UNKNOWN?'; rows counted from 0)"
    }
    assert own_copy.contents() == before


def test_redshifts_without_exposures(own_copy):
    tileid = own_copy.tileids()[0]
    path = own_copy.redrock(tileid)[1]
    edit(path, "EXP_FIBERMAP", lambda table: table["TARGETID"].__setitem__(slice(None), 1))
    failed = own_copy.tile(tileid, update=True).failed[tileid]
    assert failed.startswith(f"{path}[REDSHIFTS], column TARGETID: ")
    assert "targets have no exposure, e.g. " in failed


@pytest.mark.parametrize(
    ("hdu", "column", "values", "complaint"),
    [
        ("REDSHIFTS", "TARGETID", [0.5], "value does not fit into int8 (row 0: 0.5, row 1: 0.5"),
        ("REDSHIFTS", "COEFF", [b"x"], "holds what no rows can be made of: "),
        ("TSNR2", "TSNR2_BGS", [[1, 2, 3]], "is Array(Int64, shape=(3,)), not a number"),
        ("TSNR2", "TARGETID", [b"1"], "is String, not a number"),
        ("EXP_FIBERMAP", "NIGHT", [np.nan], "value does not fit into int8 (row 0: nan, "),
        ("EXP_FIBERMAP", "MJD", [b"today"], "is String, not a number"),
        ("FIBERMAP", "TARGET_RA", [b"east"], "is String, not a number"),
    ],
)
def test_columns_that_cannot_be_reckoned_with(own_copy, hdu, column, values, complaint):
    """They are named by file, HDU and column, and harm no other tile."""
    tileid, other, *_ = own_copy.tileids()
    path = own_copy.redrock(tileid)[1]

    def change(table: Table) -> None:
        table.replace_column(column, np.array(values * len(table)))

    edit(path, hdu, change)
    own_copy.redrock(other)[0].touch()
    failed = own_copy.tile(tileid, other, update=True).failed
    assert failed.keys() == {tileid}
    assert failed[tileid].startswith(f"{path}[{hdu}], column {column}: {complaint}")


@pytest.mark.parametrize("column", ["TILEID", "LASTNIGHT", "EFFTIME_SPEC"])
def test_text_in_the_tiles_file(own_copy, column):
    first = own_copy.tileids()[0]
    own_copy.change_tile(first, **{column: "unknown"})
    with pytest.raises(InputError, match=rf"tiles-daily\.csv, column {column}: is String, not a"):
        own_copy.sync()


def test_empty_column_of_the_tiles_file(own_copy):
    rows = own_copy.tile_rows()
    own_copy.write_tiles([row | {"EFFTIME_SPEC": ""} for row in rows])
    states = own_copy.sync(dry_run=True).states
    assert "EFFTIME_SPEC is missing" in {state.reason for state in states}


@pytest.mark.parametrize("column", ["EXPID", "TILEID", "EFFTIME_SPEC"])
def test_text_in_the_exposures_file(own_copy, column):
    own_copy.change_exposures(lambda t: t.replace_column(column, np.array([b"x"] * len(t))))
    place = rf"exposures-daily\.fits\[EXPOSURES\], column {column}"
    with pytest.raises(InputError, match=f"{place}: is String, not a number"):
        own_copy.sync()


def test_target_without_photometry(own_copy):
    tileid = own_copy.tileids()[0]
    folder = own_copy.root / "vac/daily/lsdr9-photometry/daily/computed/potential-targets"
    path = folder / f"targetphot-potential-{tileid}.fits"
    targetid = int(fits.getdata(path, 1)["TARGETID"][5])
    edit(path, "TARGETPHOT", lambda table: table.remove_row(5))
    failed = own_copy.tile(tileid, update=True).failed[tileid]
    assert failed.startswith(f"{path}: 1 of ")
    assert failed.endswith(
        f"potential targets of tile {tileid} have no row, e.g. TARGETID {targetid}"
    )


def test_rows_of_another_tile(own_copy):
    tileid, other, *_ = own_copy.tileids()
    paths = own_copy.inputs.files.fiberassign([tileid, other])
    paths[tileid].write_bytes(paths[other].read_bytes())
    failed = own_copy.tile(tileid, update=True).failed[tileid]
    assert "potential targets of tile" in failed
