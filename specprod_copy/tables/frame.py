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
    job_time="00:10:00",
    row_bytes=(125, 79),
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
