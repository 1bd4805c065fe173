"""Table ``target``: one row per (TARGETID, survey, tile), from targetphot files."""

from __future__ import annotations

from specprod_copy.desi import ids
from specprod_copy.tables.common import (
    TARGETPHOTID,
    absent_bitmasks,
    known_survey,
    usual_program,
    within,
)
from specprod_copy.tables.source import TableSource

SOURCE = TableSource(
    table="target",
    stage="target",
    files=lambda inputs: inputs.files.targetphot(),
    hdus=("TARGETPHOT",),
    derived={"id": (TARGETPHOTID,), **absent_bitmasks()},
    checks=(known_survey(), usual_program(), within("TILEID", ids.TILEID)),
)
