"""Whether the tables of a petal are those of its tile, and go with one another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.desi.programs import catalog_program
from specprod_copy.errors import InputError
from specprod_copy.reader.keywords import values_of
from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.tables.common import NO_SKY, keywords
from specprod_copy.tiles.summaries import Tile
from specprod_copy.tiles.tile_rows import columns_of

_FROM_NAME: Final = re.compile(r"-thru(\d{8})\.fits(?:\.gz)?\Z")

_MOST_EXPOSURES: Final = 2**15 - 1
"""COADD_NUMEXP is a 16-bit number."""


def night_of(path: Path) -> int | None:
    """Return the last night of a redshift file by its name, None if that has none."""
    named = _FROM_NAME.search(path.name)
    return int(named[1]) if named else None


def refuse_others(
    tile: Tile, redshifts: MemoryTable, fibermap: MemoryTable, exposures: MemoryTable
) -> None:
    """Check that tables are of the tile, and that every target that is loaded has a redshift.

    Raises
    ------
    InputError
        If not; the pipeline asserts the same.
    """
    night = night_of(redshifts.path)
    petal = int(redshifts.path.name.split("-")[1])
    numbers = {"TILEID": tile.tileid, "NIGHT": night, "SPGRPVAL": night, "PETAL": petal}
    for keyword, wanted in numbers.items():
        for said in values_of(redshifts.header, keyword):
            if said != wanted:
                raise InputError(
                    f"{keyword} is {said!r} in its header, and {wanted} in its name",
                    path=redshifts.path,
                    hdu=redshifts.hdu,
                )
    words = {"SURVEY": tile.survey, "PROGRAM": tile.program}
    for keyword, text in keywords(redshifts, *words).items():
        # What the catalogs call dark may be called dark1b here, or not.
        if text.lower() not in (words[keyword], catalog_program(words[keyword])):
            raise InputError(
                f"{keyword} is {text!r} in its header, and that of tile {tile.tileid} is "
                f"{words[keyword]!r}",
                path=redshifts.path,
                hdu=redshifts.hdu,
            )
    other = columns_of(exposures, "TILEID").filter(pl.col("TILEID") != tile.tileid)["TILEID"]
    if len(other):
        raise InputError(
            f"{len(other)} rows are of another tile than {tile.tileid}, e.g. {other[0]}",
            path=exposures.path,
            hdu=exposures.hdu,
            column="TILEID",
        )
    often = columns_of(exposures, "TARGETID")["TARGETID"].value_counts(sort=True)
    if len(often) and often["count"][0] > _MOST_EXPOSURES:
        raise InputError(
            f"{often['count'][0]:,} rows of target {often['TARGETID'][0]}: at most "
            f"{_MOST_EXPOSURES:,} exposures of a target can be counted",
            path=exposures.path,
            hdu=exposures.hdu,
            column="TARGETID",
        )
    known = columns_of(redshifts, "TARGETID")["TARGETID"]
    targets = columns_of(fibermap, "TARGETID").filter(NO_SKY)["TARGETID"].unique()
    lost = targets.filter(~targets.is_in(known.implode()))
    if len(lost):
        raise InputError(
            f"{len(lost)} targets have no row in {redshifts.hdu}, e.g. {lost[0]}",
            path=fibermap.path,
            hdu=fibermap.hdu,
            column="TARGETID",
        )
