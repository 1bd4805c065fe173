"""The tables: what each is made of, as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from specprod_copy.desi.id_parts import DECODERS
from specprod_copy.postgres.schema import DISTRIBUTED, Reference, Schema, Table
from specprod_copy.postgres.schema_from_ddl import define
from specprod_copy.resources import resource_folder
from specprod_copy.tables import (
    exposure,
    fiberassign,
    frame,
    from_catalogs,
    light_curves,
    photometry,
    redshift,
    redshift_v2,
    target,
    tile,
)
from specprod_copy.tables.catalogue import HOUSE, Catalogue
from specprod_copy.tables.inputs import Inputs
from specprod_copy.tables.layout import V1, WIDE, WIDE_TABLES, Layout
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


def specprod_catalogue(layout: Layout = V1) -> Catalogue:
    """Return the catalogue of productions of a layout: the tables of ``ddl/`` and `SOURCES`.

    Which layout a production has is known by `plan.production_catalogue`.
    """
    return _catalogue(layout)


@cache
def _catalogue(layout: Layout) -> Catalogue:
    sources, files = dict(SOURCES), _files()
    if layout.zcatalog == 2:
        sources |= redshift_v2.SOURCES
    if layout.from_catalogs:
        sources |= from_catalogs.SOURCES
        for name in from_catalogs.REPLACED:
            del sources[name]
    if layout.light_curves:
        sources = _with_light_curves(sources)
        files += _files(light_curves.LIGHT_CURVES.table)
    found = Catalogue.of(
        files, sources.values(), DECODERS, layout.optional, partitions=layout.partitions
    )
    return replace(
        found,
        partial=_partial(found.definition, layout.partitions) if layout.optional else (),
        keep_best=frozenset(s.table for s in redshift_v2.SOURCES.values() if layout.keep_best),
        notes=layout.notes,
    )


def _with_light_curves(sources: Mapping[str, TableSource]) -> dict[str, TableSource]:
    """Return sources with that of light curves behind the photometry that it refers to."""
    found = dict[str, TableSource]()
    for name, source in sources.items():
        found[name] = source
        if source is photometry.TRACTORPHOT:
            found[light_curves.LIGHT_CURVES.name] = light_curves.LIGHT_CURVES
    return found


def _partial(definition: Schema, partitions: int) -> tuple[tuple[str, Reference], ...]:
    """Return the references that tables of most productions have, and these do not."""
    usual = define(_files(), partitions=partitions).tables
    return tuple(
        (name, reference)
        for name, table in definition.tables.items()
        if name in usual
        for reference in usual[name].references
        if reference not in table.references
    )


def as_made(found: Schema) -> Schema:
    """Return the definition by which the tables were made that a server has."""
    return specprod_catalogue(layout_of(found)).definition


def width_of(found: Schema) -> frozenset[tuple[str, str]]:
    """Return what the SQL files of those of `WIDE_TABLES` that a server has were asked for."""
    return frozenset((n, WIDE) for n in WIDE_TABLES if n in found.tables and _is_wide(n, found))


def layout_of(found: Schema) -> Layout:
    """Return the layout of the tables that a server has, by their columns and comments."""
    usual = specprod_catalogue().definition.tables
    optional = {
        (name, column)
        for name in usual.keys() & found.tables.keys()
        if (others := _names(found.tables[name]) - _names(usual[name]))
        for column in others & offered_columns(name)
    }
    for name, alternatives in _SAID.items():
        if name not in found.tables:
            continue
        plain = _defined_comments(name, optional)
        said = _comments(found.tables[name]) - plain
        for alternative in alternatives if said else ():
            with_it = optional.union((name, what) for what in alternative)
            if said >= _defined_comments(name, with_it) - plain > set():
                optional = with_it
                break
    observed_only = ("potential", from_catalogs.OBSERVED_ONLY) in optional
    second = any(what == redshift_v2.SECOND_FORMAT for _, what in optional)
    optional |= width_of(found)
    if second:
        optional |= {(name, WIDE) for name in WIDE_TABLES if name not in found.tables}
    partitions = partitions_of(found)
    return Layout(
        zcatalog=2 if second else 1,
        from_catalogs=observed_only,
        light_curves=light_curves.LIGHT_CURVES.table in found.tables,
        optional=frozenset(optional),
        partitions=1 if partitions is None else partitions,
    )


def partitions_of(found: Schema, without: Collection[str] = ()) -> int | None:
    """Return how many partitions each of the large tables has that a server has.

    Parameters
    ----------
    found : Schema
    without : collection of str
        Tables that do not count.

    Returns
    -------
    int or None
        `DISTRIBUTED` if they have the keys of partitions and no partitions; None without any of
        these tables.
    """
    there = [t for n, t in found.tables.items() if n in _in_partitions() and n not in without]
    for table in there:
        if table.partitions is not None:
            return table.partitions.number
        if table.primary_key == _in_partitions()[table.name] and len(table.primary_key) > 1:
            return DISTRIBUTED
    return 1 if there else None


@cache
def _in_partitions() -> Mapping[str, tuple[str, ...]]:
    """Return the tables that can have partitions, with their keys then."""
    tables = define(_files(), partitions=2, phases=("table", "keys")).tables
    return {name: table.primary_key for name, table in tables.items() if table.partitions}


def with_light_curves(layout: Layout, found: Schema) -> Layout:
    """Return a layout with table photometry_lc where a server has it, else without."""
    return replace(layout, light_curves=light_curves.LIGHT_CURVES.table in found.tables)


_SECOND = (redshift_v2.SECOND_FORMAT,)
_SAID = {
    "zpix": ((*_SECOND, redshift_v2.OLD_QN), _SECOND),
    "ztile": ((*_SECOND, redshift_v2.OLD_QN), _SECOND),
    "potential": ((from_catalogs.OBSERVED_ONLY,),),
}
"""What SQL files are asked for beside columns, the first that shows in the comments counts."""


def _is_wide(name: str, found: Schema) -> bool:
    there = {column.name: column.type for column in found.tables[name].columns}
    usual = specprod_catalogue().definition.tables[name].columns
    return all(there.get(column.name) == "float8" for column in usual if column.type == "float4")


def _names(table: Table) -> set[str]:
    return {column.name for column in table.columns}


def _defined_comments(name: str, optional: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    return _comments(define(_files(name), optional, phases=("table", "comments")).tables[name])


def _comments(table: Table) -> set[tuple[str, str]]:
    return {("", table.comment), *((column.name, column.comment) for column in table.columns)}


@cache
def offered_columns(name: str) -> frozenset[str]:
    """Return the columns that a table has in some productions only."""
    every, always = (
        define(_files(name), everything=everything, phases=("table",)).tables.values()
        for everything in (True, False)
    )
    names = {column.name for table in every for column in table.columns}
    return frozenset(names.difference(c.name for table in always for c in table.columns))


@cache
def finitized_columns(table: str) -> frozenset[str]:
    """Return the columns of a table in which -9999 stands for NaN and infinities.

    Those of all productions; reads no more than the SQL file of that table.
    """
    sources = (*SOURCES.values(), *redshift_v2.SOURCES.values(), *from_catalogs.SOURCES.values())
    if not any(source.table == table and source.finitize for source in sources):
        return frozenset()
    columns = define(_files(table), everything=True, phases=("table",)).tables[table].columns
    return frozenset(column.name for column in columns if column.type in ("float4", "float8"))


@cache
def is_of_productions(table: str) -> bool:
    """Say whether a production may have a table of this name."""
    return table in {file.stem for file in resource_folder("ddl").glob("*.sql")} - {"schema"}


def _files(only: str = "*") -> list[Path]:
    """Return the SQL files of one table, or of all that every production has."""
    files = resource_folder("ddl").glob(f"{only}.sql")
    others = ("schema", *HOUSE, light_curves.LIGHT_CURVES.table) if only == "*" else ()
    return sorted(file for file in files if file.stem not in others)


__all__ = [
    "SOURCES",
    "STAGES",
    "V1",
    "WIDE",
    "WIDE_TABLES",
    "Catalogue",
    "Check",
    "Inputs",
    "Layout",
    "TableSource",
    "as_made",
    "layout_of",
    "offered_columns",
    "partitions_of",
    "specprod_catalogue",
    "width_of",
    "with_light_curves",
]
