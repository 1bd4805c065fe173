"""The tables: what each is made of, as data."""

from __future__ import annotations

from functools import cache

from specprod_copy.desi.id_parts import DECODERS
from specprod_copy.resources import resource_folder
from specprod_copy.tables import (
    exposure,
    fiberassign,
    frame,
    photometry,
    redshift,
    target,
    tile,
)
from specprod_copy.tables.catalogue import HOUSE, Catalogue
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


@cache
def specprod_catalogue() -> Catalogue:
    """Return the catalogue of a production: the tables of ``ddl/`` and `SOURCES`.

    The entry points take it where the caller names no other one.
    """
    files = resource_folder("ddl").glob("*.sql")
    wanted = sorted(file for file in files if file.stem not in ("schema", *HOUSE))
    return Catalogue.of(wanted, SOURCES.values(), DECODERS)


__all__ = [
    "SOURCES",
    "STAGES",
    "Catalogue",
    "Check",
    "Inputs",
    "TableSource",
    "specprod_catalogue",
]
