"""What is verified of one table, as both sides need to know it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from specprod_copy.postgres.columns import Column

FILE, ROW = " file", " row"
"""Columns that say where a row of a file comes from; no column of a table is called so."""


@dataclass(frozen=True)
class TableJob:
    """A table and what is asked about it.

    Parameters
    ----------
    schema, table : str
    key : str
        Column of the primary key.
    columns : tuple of Column
        Columns to compare, the key among them.
    sample : int
        Number of rows to draw.
    seed : int
        Seed of the drawing.
    """

    schema: str
    table: str
    key: str
    columns: tuple[Column, ...]
    sample: int = 0
    seed: int = 0

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def narrowed(self, names: Set[str]) -> Self:
        """Return the same with only these columns, and the key."""
        wanted = names | {self.key}
        return replace(self, columns=tuple(c for c in self.columns if c.name in wanted))

    def no_rows(self, *, located: bool) -> pl.DataFrame:
        """Return a frame without rows of all columns; `located`: with those of the place too."""
        schema: dict[str, pl.DataType] = {c.name: c.polars_type for c in self.columns}
        if located:
            schema |= {FILE: pl.String(), ROW: pl.Int64()}
        return pl.DataFrame(schema=schema)
