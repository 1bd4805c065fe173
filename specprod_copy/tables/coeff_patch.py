"""Tables ``zpixpatch`` and ``ztilepatch``: right coefficients for zpix and ztile.

They come from zall catalogs, or from patch files that were extracted from those. No load stage has
them: their files are named by the user.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.reader import Described
from specprod_copy.tables.common import (
    COEFFICIENTS,
    DESINAME,
    NO_SKY,
    keywords,
    known_program,
    known_survey,
    within,
)
from specprod_copy.tables.source import Check, TableSource

HDUS = ("COEFF_PATCH", "ZCATALOG")
"""The HDU of a patch file, and that of a catalog."""

# A zall catalog brings its own DESINAME; one made before that column came has the position.
_DESINAME = (pl.col("DESINAME"), DESINAME)


def _spectra_group(table: Described) -> Mapping[str, object]:
    """Return SPGRP from the header, where a catalog states it."""
    return keywords(table, "SPGRP")


ZPIXPATCH = TableSource(
    table="zpixpatch",
    stage="coeff_patch",
    files=lambda inputs: (),
    hdus=HDUS,
    match=("TARGETID", "TILEID"),
    derived={
        "id": (ids.zpixid(pl.col("PROGRAM"), pl.col("SURVEY"), pl.col("TARGETID")),),
        "desiname": _DESINAME,
    },
    row_filter=NO_SKY,
    vectors=COEFFICIENTS,
    checks=(known_survey(), known_program()),
)

ZTILEPATCH = TableSource(
    table="ztilepatch",
    stage="coeff_patch",
    files=lambda inputs: (),
    hdus=HDUS,
    match=("TARGETID", "TILEID"),
    derived={
        "id": (
            ids.ztileid(
                pl.lit("cumulative"), pl.col("SPGRPVAL"), pl.col("TILEID"), pl.col("TARGETID")
            ),
        ),
        "desiname": _DESINAME,
    },
    row_filter=NO_SKY,
    vectors=COEFFICIENTS,
    checks=(
        within("SPGRPVAL", ids.SPGRPVAL),
        within("TILEID", ids.TILEID),
        Check("SPGRP", pl.col("SPGRP") != "cumulative", "only cumulative spectra are in ztile"),
    ),
    constants=_spectra_group,
    keywords=("SPGRP",),
)
