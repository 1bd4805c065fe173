"""The columns that tables can have, in any production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specprod_copy.metadata.described import DescribedColumn, DescribedTable, describe
from specprod_copy.tables import SOURCES, Layout, offered_columns, specprod_catalogue


@dataclass(frozen=True)
class Columns:
    """A table, and columns that it has in some productions only."""

    always: DescribedTable
    sometimes: tuple[DescribedColumn, ...]


def all_tables() -> Mapping[str, Columns]:
    """Return the tables by name: those of a load in its order, then the others."""
    offered = {name: offered_columns(name) for name in specprod_catalogue().definition.tables}
    everything = Layout(
        zcatalog=2,
        optional=frozenset((table, column) for table in offered for column in offered[table]),
    )
    every = {table.name: table for table in describe(specprod_catalogue(everything))}
    always = {table.name: table for table in describe(specprod_catalogue())}
    return {
        name: Columns(
            always[name], tuple(c for c in every[name].columns if c.name in offered[name])
        )
        for name in dict.fromkeys([*(source.table for source in SOURCES.values()), *always])
    }
