"""The tables: what each is made of, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from specprod_copy.desi.id_parts import DECODERS
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_ddl import define
from specprod_copy.resources import resource_folder
from specprod_copy.tables import (
    exposure,
    fiberassign,
    frame,
    photometry,
    redshift,
    redshift_v2,
    target,
    tile,
)
from specprod_copy.tables.catalogue import HOUSE, Catalogue
from specprod_copy.tables.inputs import Inputs
from specprod_copy.tables.layout import V1, Layout
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
def specprod_catalogue(layout: Layout = V1) -> Catalogue:
    """Return the catalogue of productions of a layout: the tables of ``ddl/`` and `SOURCES`.

    Which layout a production has is known by `plan.production_catalogue`.
    """
    sources = SOURCES if layout.zcatalog == 1 else {**SOURCES, **redshift_v2.SOURCES}
    found = Catalogue.of(_files(), sources.values(), DECODERS, layout.optional)
    return replace(found, notes=layout.notes)


def layout_of(found: Schema) -> Layout:
    """Return the layout of the tables that a server has."""
    optional = {
        (name, column.name)
        for name, offered in offered_columns().items()
        if name in found.tables
        for column in found.tables[name].columns
        if column.name in offered
    }
    for name in {table for table, column in optional if column == "z_rr"}:
        optional.add((name, redshift_v2.SECOND_FORMAT))
    return Layout(2 if optional else 1, frozenset(optional))


@cache
def offered_columns() -> Mapping[str, frozenset[str]]:
    """Return the columns that tables have in some productions only."""
    every = define(_files(), everything=True)
    always = specprod_catalogue().definition.tables
    return {
        name: frozenset({c.name for c in table.columns} - {c.name for c in always[name].columns})
        for name, table in every.tables.items()
    }


def _files() -> list[Path]:
    files = resource_folder("ddl").glob("*.sql")
    return sorted(file for file in files if file.stem not in ("schema", *HOUSE))


__all__ = [
    "SOURCES",
    "STAGES",
    "Catalogue",
    "Check",
    "Inputs",
    "Layout",
    "TableSource",
    "layout_of",
    "offered_columns",
    "specprod_catalogue",
]
