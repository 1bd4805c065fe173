"""Table ``frame``: one row per exposure and camera, from HDU FRAMES of the exposures file."""

from __future__ import annotations

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.tables.common import within
from specprod_copy.tables.source import Check, TableSource

_FRAMEID = ids.frameid(pl.col("EXPID"), pl.col("CAMERA"))

SOURCE = TableSource(
    table="frame",
    stage="exposures",
    files=lambda inputs: [inputs.exposures()],
    hdus=("FRAMES",),
    derived={"frameid": (_FRAMEID,)},
    checks=(
        within("EXPID", ids.EXPID),
        Check(
            "CAMERA",
            ids.cameraid(pl.col("CAMERA")).is_null(),
            "no such camera (b, r or z and a digit)",
        ),
    ),
)
