"""Redshift files of a tile that are of another tile, night or group, or lack targets."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.daily_tiles import edit

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.tables import Inputs
from specprod_copy.tiles.read import read_tile
from specprod_copy.tiles.redshifts import redshift_files
from specprod_copy.tiles.summaries import Summaries


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("daily")
    write_production(root, "daily", tiles=2, targets=40)
    return root


class Case:
    """A tile of a copy of the production, and one of its redshift files."""

    def __init__(self, root: Path) -> None:
        self.files = ProductionFiles(find_production("daily"), root)
        self.summaries = Summaries.read(Inputs(self.files))
        self.tile = next(t for t in self.summaries.tiles.values() if t.why_not is None)
        self.path = next(iter(redshift_files(self.files, self.tile).values()))[0]

    def refused(self) -> str:
        with pytest.raises(InputError) as caught:
            read_tile(self.files, self.summaries, self.tile)
        return str(caught.value)


@pytest.fixture
def case(original, tmp_path) -> Case:
    shutil.copytree(original, tmp_path / "daily")
    return Case(tmp_path / "daily")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *(("TILEID", 1), ("NIGHT", 20210101), ("SPGRPVAL", 20210101), ("SPGRP", "pernight")),
        *(("PETAL", 11), ("SURVEY", "sv9"), ("PROGRAM", "nothing")),
    ],
)
def test_header(case, keyword, value):
    read_tile(case.files, case.summaries, case.tile)
    original = fits.getval(case.path, keyword)
    fits.setval(case.path, keyword, value=value)
    message = case.refused()
    assert message.startswith(f"{case.path}[REDSHIFTS]: {keyword} is {value!r}")
    # That of the table says what the file was written with, and counts; so both are compared.
    fits.setval(case.path, keyword, value=original, extname="REDSHIFTS")
    assert f"{value!r}" in case.refused()
    fits.setval(case.path, keyword, value=original)
    read_tile(case.files, case.summaries, case.tile)


def test_dark_in_one_header_and_dark1b_in_the_other(case):
    tile = replace(case.tile, program="dark1b")
    for primary, own in (("dark1b", "dark"), ("dark", "dark1b")):
        fits.setval(case.path, "PROGRAM", value=primary)
        fits.setval(case.path, "PROGRAM", value=own, extname="REDSHIFTS")
        for path in case.path.parent.glob("redrock-*.fits"):
            if path != case.path:
                fits.setval(path, "PROGRAM", value=own)
        read_tile(case.files, case.summaries, tile)


def test_exposures_of_another_tile(case):
    def change(table):
        table["TILEID"][0] = 1

    edit(case.path, "EXP_FIBERMAP", change)
    assert case.refused() == (
        f"{case.path}[EXP_FIBERMAP], column TILEID: 1 rows are of another tile than "
        f"{case.tile.tileid}, e.g. 1"
    )


def test_targets_without_redshift(case):
    targetids = fits.getdata(case.path, "REDSHIFTS")["TARGETID"]
    row = int((targetids > 0).argmax())
    edit(case.path, ("REDSHIFTS", "TSNR2"), lambda table: table.remove_row(row))
    assert case.refused() == (
        f"{case.path}[FIBERMAP], column TARGETID: 1 targets have no row in REDSHIFTS, e.g. "
        f"{targetids[row]}"
    )


def test_more_exposures_of_a_target_than_can_be_counted(case):
    """The coadded number of exposures is a 16-bit number."""
    with fits.open(case.path) as opened:
        hdus = fits.HDUList([hdu.copy() for hdu in opened])
    rows = hdus["EXP_FIBERMAP"].data
    targetid = int(rows["TARGETID"][0])
    others = rows[rows["TARGETID"] != targetid]
    again = rows[np.zeros(2**15, dtype=int)]
    hdus["EXP_FIBERMAP"] = fits.BinTableHDU(np.concatenate([others, again]), name="EXP_FIBERMAP")
    hdus.writeto(case.path, overwrite=True)
    message = case.refused()
    assert message.startswith(f"{case.path}[EXP_FIBERMAP], column TARGETID: 32,768 rows of target")
    assert f"target {targetid}: " in message
