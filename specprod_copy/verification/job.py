"""What is verified of one table, as both sides need to know it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.tables import TableSource
from specprod_copy.tables.catalogue import Decoder

FILE, ROW = " file", " row"
"""Columns that say where a row of a file comes from; no column of a table is called so."""


@dataclass(frozen=True)
class TableJob:
    """A table and what is asked about it.

    Parameters
    ----------
    schema, table : str
    key : tuple of str
        Columns of the primary key.
    columns : tuple of Column
        Columns to compare, the key among them.
    sources : mapping of str to TableSource
        Those of the table, by name.
    decoders : mapping of str to callable
        See `Catalogue.decoders`, for the columns of the table.
    sample : int
        Number of rows to draw.
    seed : int
        Seed of the drawing.
    """

    schema: str
    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    sources: Mapping[str, TableSource] = field(default_factory=dict, repr=False)
    decoders: Mapping[str, Decoder] = field(default_factory=dict, repr=False)
    sample: int = 0
    seed: int = 0
    has_tileid: bool = False
    """Whether the table has a column TILEID, compared or not."""
    also: tuple[Column, ...] = ()
    """Columns of the files that are read, so that what the ledger counts is counted again, and not
    compared."""

    nullable: frozenset[str] = frozenset()
    """Columns that may have NULL, by the definition."""

    @property
    def key_columns(self) -> list[Column]:
        """The columns of the key, in its order."""
        return [self.columns[self.names.index(name)] for name in self.key]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def narrowed(self, names: Set[str]) -> Self:
        """Return the same with only these columns, and the key."""
        wanted = names | {*self.key}
        columns = tuple(column for column in self.columns if column.name in wanted)
        return replace(self, columns=columns, also=())

    @cached_property
    def no_rows(self) -> pl.DataFrame:
        """A frame without rows of all columns."""
        return pl.DataFrame(schema={c.name: c.polars_type for c in self.columns})

    @cached_property
    def no_located_rows(self) -> pl.DataFrame:
        """The same with the columns of the place."""
        place = pl.DataFrame(schema={FILE: pl.String(), ROW: pl.Int64()})
        return pl.concat([self.no_rows, place], how="horizontal")
