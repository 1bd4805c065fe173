"""Table ``tile``: one row per TILEID, from the top-level tiles file."""

from __future__ import annotations

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.tables.common import known_survey, odd_words, position, usual_program, within
from specprod_copy.tables.source import TableSource

SOURCE = TableSource(
    table="tile",
    stage="exposures",
    job_time="00:10:00",
    files=lambda inputs: [inputs.tiles()],
    # The pipeline calls a table that it computed anew TILE_COMPLETENESS, one merged with an older
    # version TILES.
    hdus=("TILE_COMPLETENESS", "TILES"),
    checks=(
        known_survey(),
        usual_program(),
        within("TILEID", ids.TILEID),
        *position("TILERA", "TILEDEC"),
    ),
    notes=odd_words("FAPRGRM", "GOALTYPE"),
    position=("tilera", "tiledec"),
)

EFFTIME = "EFFTIME_SPEC"
"""Column of the tiles file: effective exposure time [s]."""

HAS_SPECTRA = (pl.col(EFFTIME) > 0) & pl.col(EFFTIME).is_not_nan()
"""Whether a tile has spectra that count. To Polars NaN is more than any number."""
