"""Tables ``fiberassign`` and ``potential``: assigned and possible targets of each tile's fibers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.errors import InputError
from specprod_copy.reader import Described
from specprod_copy.tables.common import NO_SKY, position, within
from specprod_copy.tables.source import Check, TableSource


def _tileid(table: Described) -> Mapping[str, object]:
    """Return TILEID of the header, which has to be that of the file's name."""
    if "TILEID" in table.schema:
        return {}
    fault = partial(InputError, path=table.path, hdu=table.hdu)
    if "TILEID" not in table.header:
        raise fault("no keyword TILEID in its header")
    tileid = table.header["TILEID"]
    named = re.match(r"fiberassign-(\d+)\.fits", table.path.name)
    if named and isinstance(tileid, int) and 0 <= tileid < 2**31 and tileid != int(named[1]):
        raise fault(f"is the file of tile {int(named[1])}, but its header has TILEID {tileid}")
    return {"TILEID": tileid}


def _source(
    table: str, hdu: str, *checks: Check, position: tuple[str, str] | None = None
) -> TableSource:
    return TableSource(
        table=table,
        stage="fiberassign",
        files=lambda inputs: inputs.fiberassign(),
        hdus=(hdu,),
        derived={
            "id": (ids.fiberassignid(pl.col("LOCATION"), pl.col("TILEID"), pl.col("TARGETID")),),
            # The earliest files have no parallaxes; a parallax of 0 is the value that later files
            # have for targets without one.
            "parallax": (pl.col("PARALLAX"), pl.lit(0.0, dtype=pl.Float32)),
        },
        row_filter=NO_SKY,
        checks=(within("LOCATION", ids.LOCATION), within("TILEID", ids.TILEID), *checks),
        constants=_tileid,
        keywords=("TILEID",),
        position=position,
        sky_order=position is not None,
    )


FIBERASSIGN = _source(
    "fiberassign",
    "FIBERASSIGN",
    *position("TARGET_RA", "TARGET_DEC"),
    position=("target_ra", "target_dec"),
)
POTENTIAL = _source("potential", "POTENTIAL_ASSIGNMENTS")
