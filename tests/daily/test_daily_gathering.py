"""Photometry gathered by desispec, from original catalogs made of a demo production's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.tiles import gathering
from specprod_copy.tiles.photometry import find_photometry

__all__ = ["demo", "empty", "loaded", "own_copy"]

NSIDE = 2
TARGETS = "target/catalogs/dr9/1.1.1/targets/main/resolve/dark"


def test_without_desispec_it_is_said(own_copy, monkeypatch):
    monkeypatch.setattr(gathering, "NEEDED", ("desispec_that_nobody_has",))
    first, *_ = own_copy.tileids()
    folder = own_copy.inputs.files.photometry_folder
    lost = folder / "tractorphot" / f"tractorphot-{first}.fits"
    for path in folder.rglob(f"*-{first}.fits"):
        path.unlink()
    assert own_copy.tile(first, update=True).failed == {
        first: f"{lost}: tile {first} has no such file of photometry; with both of its files "
        "missing it can be gathered, if desispec is installed (pip install 'specprod-copy[daily]')"
    }


def test_tiles_are_not_loaded_from_redshift_catalogs(tmp_path):
    production = replace(find_production("loa"), photometry="zcatalog")
    files, assigned = ProductionFiles(production, tmp_path), tmp_path / "fiberassign-000001.fits"
    with pytest.raises(InputError, match=r"loa has its photometry in redshift catalogs \(.*tiles"):
        find_photometry(files, 1, assigned)


def files_of(daily: Daily, tileid: int) -> dict[str, Path]:
    folder = daily.inputs.files.photometry_folder
    return {
        "TARGETPHOT": folder / f"targetphot-potential-{tileid}.fits",
        "TRACTORPHOT": folder / "tractorphot" / f"tractorphot-{tileid}.fits",
    }


def forget_bricks(daily: Daily, tileid: int) -> None:
    """Let targets without a row in Tractor not say that they are from there."""
    files = files_of(daily, tileid)
    in_tractor = fits.getdata(files["TRACTORPHOT"], 1)["TARGETID"]

    def forget(table: Table) -> None:
        table["BRICK_OBJID"][~np.isin(table["TARGETID"], in_tractor)] = 0

    edit(files["TARGETPHOT"], "TARGETPHOT", forget)


def write_catalogs(daily: Daily, tileid: int) -> None:
    """Make target and Tractor catalogs of the files of a tile, which then go away."""
    from desimodel.footprint import radec2pix

    files = files_of(daily, tileid)
    targeting, tractor = (Table(fits.getdata(path, hdu)) for hdu, path in files.items())
    targets = daily.root / TARGETS
    targets.mkdir(parents=True)
    pixels = radec2pix(NSIDE, targeting["RA"], targeting["DEC"])
    for pixel in np.unique(pixels):
        hdu = fits.BinTableHDU(targeting[pixels == pixel], name="TARGETS")
        hdu.header["FILENSID"] = NSIDE
        hdu.writeto(targets / f"targets-dark-hp-{pixel}.fits")
    tractor.remove_columns(["LS_ID", "TARGETID"])
    for brick in np.unique(tractor["BRICKNAME"]):
        for region in ("north", "south"):
            folder = daily.root / "external/legacysurvey/dr9" / region / "tractor" / brick[:3]
            folder.mkdir(parents=True, exist_ok=True)
            hdu = fits.BinTableHDU(tractor[tractor["BRICKNAME"] == brick])
            hdu.writeto(folder / f"tractor-{brick}.fits")
    for path in files.values():
        path.unlink()
    assigned = daily.inputs.files.fiberassign([tileid])[tileid]
    with fits.open(assigned) as hdus:
        hdus[0].header["TARG"] = f"DESIROOT/{TARGETS}"
        hdus.writeto(assigned, overwrite=True)


def test_gathered_photometry_is_that_of_the_files(own_copy):
    """All tables come out as from files that were made in advance."""
    pytest.importorskip("desispec")
    first, *_ = own_copy.tileids()
    forget_bricks(own_copy, first)
    assert own_copy.tile(first, update=True).failed == {}
    before = own_copy.contents()
    write_catalogs(own_copy, first)
    summary = own_copy.tile(first, update=True)
    assert summary.failed == {}
    after = own_copy.contents()
    for table, rows in before.items():
        assert after[table] == rows, table


def test_what_desispec_says_is_passed_on(own_copy):
    pytest.importorskip("desispec")
    first, *_ = own_copy.tileids()
    for path in own_copy.inputs.files.photometry_folder.rglob(f"*-{first}.fits"):
        path.unlink()
    (failed,) = own_copy.tile(first, update=True).failed.values()
    assert f"desispec cannot gather the photometry of tile {first}: " in failed
