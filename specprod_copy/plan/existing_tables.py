"""The layout of a schema that has tables already: they stay as they were made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.production_catalogue import optional_photometry
from specprod_copy.postgres.schema import DISTRIBUTED, Schema
from specprod_copy.tables import (
    V1,
    WIDE,
    WIDE_TABLES,
    Inputs,
    Layout,
    layout_of,
    partitions_of,
    photometry,
    width_of,
)

_OF_TILES = frozenset({photometry.TRACTORPHOT.table, *WIDE_TABLES})
"""Tables with optional columns that files of single tiles can fill."""

_WITHOUT = (
    "table {schema}.photometry was made without {columns}, which the photometry of the production "
    "has; tile --overwrite makes the tables anew, with these columns"
)


def kept_partitions(
    found: Schema, replaced: Collection[str] = (), wanted: int | None = None
) -> int:
    """Return how many partitions the large tables of a schema are to have.

    All have the same number, because some refer to others by their keys.

    Parameters
    ----------
    found : Schema
        What the server has.
    replaced : collection of str
        Tables that are made anew.
    wanted : int, optional
        What was asked for; without it they stay as they were made, and new ones have none.

    Raises
    ------
    DatabaseError
        If another number is asked for than tables have that are not replaced, or tables would be
        replaced that an extension spreads over servers.
    """
    before, kept = partitions_of(found), partitions_of(found, replaced)
    if (
        before == DISTRIBUTED
        and partitions_of(found, found.tables.keys() - {*replaced}) is not None
    ):
        raise DatabaseError(
            f"tables of schema {found.name} have the keys of distributed ones, and new ones beside "
            "them would not be distributed: drop them, make them by 'specprod-copy render-ddl "
            "--citus', and load again"
        )
    if kept is None:
        there = 1 if before is None else before
        return there if wanted is None else wanted
    if wanted not in (None, kept):
        has = "are distributed" if kept == DISTRIBUTED else f"have {kept} partitions each"
        has = "are whole" if kept == 1 else has
        raise DatabaseError(
            f"tables of schema {found.name} {has}: partitions cannot become {wanted} for some of "
            "them; leave out --partitions, choose another --schema, or replace all tables with "
            f"load all --overwrite --partitions {wanted}"
        )
    return kept


def kept_layout(
    layout: Layout,
    found: Schema,
    replaced: Collection[str] = (),
    partitions: int | None = None,
) -> Layout:
    """Return a layout whose tables of exposures and frames are as wide as those that exist.

    They may have been made for catalogs of the first format, and do not depend on catalogs.

    Parameters
    ----------
    layout : Layout
        That of the files.
    found : Schema
        What the server has.
    replaced : collection of str
        Tables that are made anew.
    partitions : int, optional
        See `kept_partitions`.
    """
    kept = {*WIDE_TABLES}.intersection(found.tables).difference(replaced)
    own = {one for one in width_of(found) if one[0] in kept}
    others = {one for one in layout.optional if one[0] not in kept}
    return replace(
        layout,
        optional=frozenset(own | others),
        partitions=kept_partitions(found, replaced, partitions),
    )


def layout_there(
    layout: Layout, inputs: Inputs, found: Schema, by_tiles: Collection[str]
) -> Layout:
    """Return the layout that the tables of a schema are to have: as they were made, and filled.

    Parameters
    ----------
    layout : Layout
        That of the files.
    inputs : Inputs
    found : Schema
        What the server has.
    by_tiles : collection of str
        Tables that are filled tile by tile.
    """
    if by_tiles:
        return tiles_layout(inputs, found, by_tiles, layout)
    return kept_layout(layout, found)


def tiles_layout(
    inputs: Inputs,
    found: Schema,
    tables: Collection[str],
    beside: Layout = V1,
    *,
    overwrite: bool = False,
    partitions: int | None = None,
) -> Layout:
    """Return the layout of a schema of which some tables are filled tile by tile.

    These have the optional columns that they were made with; where they are yet to be made, those
    of the files. Redshifts come from the files of the tiles, so there the format of the catalogs
    does not matter.

    Parameters
    ----------
    inputs : Inputs
    found : Schema
        What the server has.
    tables : collection of str
        Those that are filled tile by tile.
    beside : Layout
        That of the other tables.
    overwrite : bool
        Whether the tables are made anew.
    partitions : int, optional
        See `kept_partitions`.
    """
    of_files = optional_photometry(inputs)
    if inputs.files.production.is_second_format:
        of_files |= {(table, WIDE) for table in WIDE_TABLES}
    there = {} if overwrite else found.tables
    own = {one for one in layout_of(found).optional if one[0] in _OF_TILES.intersection(there)}
    own |= {one for one in of_files if one[0] not in there}
    others = {one for one in beside.optional if one[0] not in tables}
    lacking = [name for table, name in sorted(of_files - own) if table == "photometry"]
    notes = beside.notes
    if lacking:
        notes += (_WITHOUT.format(schema=found.name, columns=", ".join(lacking).upper()),)
    return replace(
        beside,
        optional=frozenset(own | others),
        partitions=kept_partitions(found, tables if overwrite else (), partitions),
        notes=notes,
    )
