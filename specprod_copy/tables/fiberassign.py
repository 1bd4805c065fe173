"""Tables ``fiberassign`` and ``potential``: assigned and possible targets of each tile's fibers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.errors import InputError
from specprod_copy.reader import Described
from specprod_copy.tables.common import NO_SKY, as_said, keyword, position, to_compare, within
from specprod_copy.tables.source import Check, TableSource


def _tileid(table: Described) -> Mapping[str, object]:
    """Return TILEID of the header, which has to be that of the file's name and of all rows."""
    fault = partial(InputError, path=table.path, hdu=table.hdu)
    named = re.match(r"fiberassign-(\d+)\.fits", table.path.name)
    tile = int(named[1]) if named else None
    has_column = "TILEID" in table.schema
    tileid = keyword(table, "TILEID")
    if tileid is None and has_column:
        tileid = tile
    if tileid is None:
        if has_column:
            return {}
        raise fault("no keyword TILEID in its header")
    if tile is not None and isinstance(tileid, int) and 0 <= tileid < 2**31 and tileid != tile:
        raise fault(f"is the file of tile {tile}, but its header has TILEID {tileid}")
    return {"TILEID": tileid, **(to_compare({"TILEID": tileid}) if has_column else {})}


def _source(
    table: str,
    hdu: str,
    *checks: Check,
    row_bytes: tuple[int, int],
    position: tuple[str, str] | None = None,
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
        checks=(
            within("LOCATION", ids.LOCATION),
            within("TILEID", ids.TILEID),
            *as_said("TILEID"),
            *checks,
        ),
        constants=_tileid,
        keywords=("TILEID",),
        position=position,
        sky_order=position is not None,
        row_bytes=row_bytes,
    )


FIBERASSIGN = _source(
    "fiberassign",
    "FIBERASSIGN",
    *position("TARGET_RA", "TARGET_DEC"),
    row_bytes=(166, 141),
    position=("target_ra", "target_dec"),
)
POTENTIAL = _source("potential", "POTENTIAL_ASSIGNMENTS", row_bytes=(76, 114))
