"""The order in which the summary tables of a production are patched."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.patch_summary.exposures import patch_effective_times, patch_exposures
from specprod_copy.patch_summary.faults import MJD_NOT_SET, UNKNOWN
from specprod_copy.patch_summary.frames import patch_frames, patch_frames_mjd
from specprod_copy.patch_summary.inputs import Summary
from specprod_copy.patch_summary.table import Replacement, SummaryTable, other
from specprod_copy.patch_summary.tiles import patch_tiles

HANDED_DOWN: Final = ("SURVEY", "PROGRAM", "FAPRGRM", "FAFLAVOR", "GOALTYPE")
"""Columns that are the tile's, and only repeated for its exposures and their frames."""


def patch(
    source: Summary, destination: Summary, raw: Path, updated: str
) -> tuple[Summary, list[str]]:
    """Patch the summary tables of a production with the values of another.

    `raw` is the folder of the raw data, `updated` the text for the column UPDATED. Returns the
    tables with the record of their changes, and in words what could not be patched.
    """
    frames = patch_frames(destination.frames, source.frames)
    exposures, notes = patch_exposures(destination.exposures, source.exposures, raw)
    frames = patch_frames_mjd(frames, exposures)
    tiles = patch_tiles(destination.tiles, source.tiles, updated)
    exposures = handed_down(exposures, tiles, "TILEID", "that of the tile")
    frames = handed_down(frames, exposures, "EXPID", "that of the exposure")
    exposures = patch_effective_times(exposures, tiles, source.exposures)
    return Summary(tiles, exposures, frames), notes + left_over(tiles, exposures, frames)


def handed_down(table: SummaryTable, origin: SummaryTable, key: str, why: str) -> SummaryTable:
    """Give the rows of a table the values of the rows that they belong to."""
    columns = [
        column
        for column in HANDED_DOWN
        if column in table.frame.columns and column in origin.frame.columns
    ]
    return table.replaced(
        [Replacement(c, other(c).is_not_null(), other(c), why) for c in columns],
        origin.offer([key], {column: table.frame.schema[column] for column in columns}),
        [key],
    )


def left_over(*tables: SummaryTable) -> list[str]:
    """Return in words what is still not set: MJD, and text that is missing or ``unknown``."""
    notes = []
    for table in tables:
        texts = [column for column, dtype in table.frame.schema.items() if dtype == pl.String]
        faults = {c: pl.col(c).is_null() | (pl.col(c) == UNKNOWN) for c in texts}
        if "MJD" in table.frame.columns:
            faults["MJD"] = MJD_NOT_SET.where
        for column, fault in faults.items():
            if rows := table.frame.filter(fault).height:
                notes.append(f"{column} of {rows:,} {table.name} is still not set")
    return notes
