"""What is patched in the tiles file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from specprod_copy.desi.programs import faflavor2program
from specprod_copy.patch_summary.faults import (
    NO_POSITION,
    NO_SURVEY,
    UNKNOWN,
    Fault,
    is_unknown,
    not_finite,
)
from specprod_copy.patch_summary.table import Replacement, SummaryTable

MAY_BE_UNKNOWN: Final = ("FAPRGRM", "FAFLAVOR", "OBSSTATUS", "GOALTYPE")
"""Text columns of which the text ``unknown`` is replaced by what the source has."""

SINGLE_TILES: Final[Mapping[str, Mapping[int, str | float]]] = {
    "GOALTYPE": {83004: "dark", 83024: "bright"},
    "EFFTIME_SPEC": {1825: 0.0, 21273: 0.0},
}
"""Values of single tiles, by column and TILEID."""


def patch_tiles(tiles: SummaryTable, source: SummaryTable, updated: str) -> SummaryTable:
    """Patch the tiles."""
    patched = tiles.taken_from(source, source_faults(tiles.frame))
    check_surveys(patched)
    if "UPDATED" not in patched.frame.columns:
        empty = pl.lit(None, dtype=pl.String).alias("UPDATED")
        patched = replace(patched, frame=patched.frame.with_columns(empty))
    for replacements in (
        constant_replacements(updated),
        [Replacement("GOALTYPE", is_unknown("GOALTYPE").where, pl.lit("other"), "still unknown")],
    ):
        patched = patched.replaced(replacements)
    check_finite(patched, source)
    return patched


def source_faults(frame: pl.DataFrame) -> dict[str, Fault]:
    """Return what makes a value one to be taken from the source, for each column."""
    floats = [column for column, dtype in frame.schema.items() if dtype.is_float()]
    return {
        **{column: not_finite(column) for column in floats},
        **{column: is_unknown(column) for column in MAY_BE_UNKNOWN},
        "TILERA": NO_POSITION,
        "TILEDEC": NO_POSITION,
    }


def constant_replacements(updated: str) -> list[Replacement]:
    """Return the replacements that need no source."""
    every_tile = pl.lit(True)
    return [
        Replacement(
            "PROGRAM", every_tile, faflavor2program(pl.col("FAFLAVOR")), "derived from FAFLAVOR"
        ),
        Replacement("SURVEY", NO_SURVEY.where, pl.lit("cmx"), "unknown: a commissioning tile"),
        *(
            Replacement(
                column,
                pl.col("TILEID").is_in(list(values)),
                pl.col("TILEID").replace_strict(values, default=None),
                "value known for this tile",
            )
            for column, values in SINGLE_TILES.items()
        ),
        Replacement("UPDATED", every_tile, pl.lit(updated), "time of this run"),
    ]


def check_surveys(tiles: SummaryTable) -> None:
    """Raise an InputError for a survey that is neither known nor ``unknown``."""
    survey = pl.col("SURVEY")
    bad = tiles.frame.filter(survey.is_null() | (NO_SURVEY.where & (survey != UNKNOWN)))
    if bad.height:
        names = ", ".join(repr(name or "") for name in bad["SURVEY"].unique().sort().head(5))
        raise tiles.error(
            f"{names} of {tiles.rows_named(bad)} is no survey; correct the file, or write "
            f"'{UNKNOWN}', which is taken for a commissioning tile",
            "SURVEY",
        )


def check_finite(tiles: SummaryTable, source: SummaryTable) -> None:
    """Raise an InputError for a float that is still not finite."""
    floats = [column for column, dtype in tiles.frame.schema.items() if dtype.is_float()]
    bad = {column: tiles.frame.filter(not_finite(column).where) for column in floats}
    found = [f"{column} of {tiles.rows_named(rows)}" for column, rows in bad.items() if rows.height]
    if found:
        raise tiles.error(
            f"not finite, and {source.production} has no finite value: {'; '.join(found)}"
        )
