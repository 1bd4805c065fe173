"""The tables: what each is made of, as data."""

from __future__ import annotations

from specprod_copy.tables import (
    coeff_patch,
    exposure,
    fiberassign,
    frame,
    photometry,
    redshift,
    target,
    tile,
)
from specprod_copy.tables.inputs import Inputs
from specprod_copy.tables.source import Check, TableSource

SOURCES: dict[str, TableSource] = {
    source.name: source
    for source in (
        tile.SOURCE,
        exposure.SOURCE,
        frame.SOURCE,
        photometry.TRACTORPHOT,
        photometry.TARGETPHOT,
        target.SOURCE,
        redshift.ZTILE,
        redshift.ZPIX,
        fiberassign.FIBERASSIGN,
        fiberassign.POTENTIAL,
    )
}
"""The sources of a load by name, in an order in which foreign keys allow rows to arrive."""

STAGES = tuple(dict.fromkeys(source.stage for source in SOURCES.values()))
"""The load stages, in the same order."""

ALL_SOURCES: dict[str, TableSource] = SOURCES | {
    source.name: source for source in (coeff_patch.ZPIXPATCH, coeff_patch.ZTILEPATCH)
}
"""These, and those of tables that are no part of a production."""

__all__ = ["ALL_SOURCES", "SOURCES", "STAGES", "Check", "Inputs", "TableSource"]
