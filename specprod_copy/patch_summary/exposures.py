"""What is patched in EXPOSURES."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.desi.production import FIRST_LOADABLE_NIGHT
from specprod_copy.patch_summary.faults import MJD_NOT_SET, NO_POSITION, NO_SURVEY, Fault, missing
from specprod_copy.patch_summary.raw_headers import read_raw_mjd
from specprod_copy.patch_summary.table import Replacement, SummaryTable, as_other, other

MAY_BE_PATCHED: Final = (
    *("NIGHT", "EXPID", "TILEID", "TILERA", "TILEDEC", "MJD", "SURVEY", "PROGRAM", "FAPRGRM"),
    *("FAFLAVOR", "EXPTIME", "GOALTIME", "GOALTYPE", "MINTFRAC", "AIRMASS", "EBV", "SEEING_ETC"),
    *("EFFTIME_ETC", "TRANSPARENCY_GFA", "SEEING_GFA", "FIBER_FRACFLUX_GFA"),
    *("FIBER_FRACFLUX_ELG_GFA", "FIBER_FRACFLUX_BGS_GFA", "FIBERFAC_GFA", "FIBERFAC_ELG_GFA"),
    *("FIBERFAC_BGS_GFA", "AIRMASS_GFA", "SKY_MAG_AB_GFA", "EFFTIME_GFA", "EFFTIME_DARK_GFA"),
    *("EFFTIME_BRIGHT_GFA", "EFFTIME_BACKUP_GFA"),
)
"""Columns of which missing values are taken from the source."""

OWN_FAULTS: Final[Mapping[str, Fault]] = {
    "TILERA": NO_POSITION,
    "TILEDEC": NO_POSITION,
    "MJD": MJD_NOT_SET,
    "SURVEY": NO_SURVEY,
}
"""Values that stand for missing ones in columns where nothing is marked as missing."""


def patch_exposures(
    exposures: SummaryTable, source: SummaryTable, raw: Path
) -> tuple[SummaryTable, list[str]]:
    """Fill in missing values from the source, MJD also from raw data, then with 0."""
    patched = exposures.taken_from(source, source_faults(exposures.frame))
    patched, notes = patch_mjd_from_raw(patched, first_night(source.frame), raw)
    return patched.zero_filled(), notes


def source_faults(frame: pl.DataFrame) -> dict[str, Fault]:
    """Return what makes a value one to be taken from the source, for each column.

    Where any value of a column is marked as missing, no other value is taken for missing.
    """
    return {
        column: missing(column) if frame[column].null_count() else OWN_FAULTS[column]
        for column in frame.columns
        if column in MAY_BE_PATCHED and (frame[column].null_count() or column in OWN_FAULTS)
    }


def first_night(source: pl.DataFrame) -> int | None:
    """Return the NIGHT of the smallest EXPID, None if there is none."""
    night: int | None = source.select(pl.col("NIGHT").sort_by("EXPID").first()).item()
    return night


def patch_mjd_from_raw(
    exposures: SummaryTable, first_night: int | None, raw: Path
) -> tuple[SummaryTable, list[str]]:
    """Read the MJD that exposures still do not have from the headers of the raw data.

    Only for exposures with EFFTIME_SPEC > 0 from the first night of the source on: for others the
    raw data are not bound to have it.
    """
    wanted = exposures.frame.filter(
        MJD_NOT_SET.where,
        pl.col("EFFTIME_SPEC") > 0,
        pl.col("NIGHT") >= pl.lit(first_night, dtype=pl.Int64),
    )
    found, notes = read_raw_mjd(raw, wanted.select("NIGHT", "EXPID").rows())
    headers = pl.DataFrame(
        {"EXPID": list(found), "MJD": list(found.values())},
        schema={"EXPID": pl.Int64, "MJD": pl.Float64},
    )
    why = f"{MJD_NOT_SET.name}: MJD-OBS of the raw data"
    replacement = Replacement("MJD", other("MJD").is_not_null(), other("MJD"), why)
    patched = exposures.replaced([replacement], as_other(headers, ["EXPID"]), ["EXPID"])
    return patched, notes


def patch_effective_times(
    exposures: SummaryTable, tiles: SummaryTable, source: SummaryTable
) -> SummaryTable:
    """Take EFFTIME_SPEC from the source where a tile has some but none of its exposures does."""
    exposed = exposures.frame.filter(pl.col("EFFTIME_SPEC") > 0)["TILEID"]
    wanting = tiles.frame.filter(
        pl.col("LASTNIGHT") >= FIRST_LOADABLE_NIGHT,
        pl.col("EFFTIME_SPEC") > 0,
        ~pl.col("TILEID").is_in(exposed.to_list()),
    )["TILEID"]
    return exposures.replaced(
        [
            Replacement(
                "EFFTIME_SPEC",
                pl.col("TILEID").is_in(wanting.to_list()) & other("EFFTIME_SPEC").is_not_null(),
                other("EFFTIME_SPEC"),
                f"the tile has EFFTIME_SPEC, its exposures have none: taken from "
                f"{source.production}",
            )
        ],
        source.offer(["EXPID"], {"EFFTIME_SPEC": exposures.frame.schema["EFFTIME_SPEC"]}),
        ["EXPID"],
    )
