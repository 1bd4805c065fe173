"""Small units of one source, read one after the other and transformed as one.

What is called for a frame takes as long for ten rows as for thousands. So the rows of small files
go through transform and encoder together. Whatever is wrong with one of them, they are read one by
one instead: then errors name the file, and bad rows can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.reader import InputTable
from specprod_copy.reader.joined import digests_of
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.reader.stacked import NotAlike, Stack
from specprod_copy.rows.read import open_unit
from specprod_copy.rows.transform import Transform, Transformed
from specprod_copy.rows.units import Findings, Unit
from specprod_copy.tables import TableSource

_MOST_BYTES = 1 << 23
"""Of rows as they are in the files: what is read together is no more than a chunk."""


class Stacked(NamedTuple):
    """Rows of several units as the table wants them."""

    rows: Transformed
    """Rows are numbered through all units."""
    bounds: np.ndarray
    """Number of each unit's first row, and of the row after the last one; shape (units + 1,)."""

    def of_each(self, counts: np.ndarray) -> list[int]:
        """Return the sum for each unit of what was counted for each row."""
        units = np.searchsorted(self.bounds, self.rows.row_numbers, side="right") - 1
        return np.bincount(units, counts, len(self.bounds) - 1).astype(int).tolist()


def stacks(units: Sequence[Unit]) -> Iterator[range]:
    """Cut units into those that are handled as one, in order; a large one is alone."""
    start = rows = size = 0
    for number, unit in enumerate(units):
        rows, size = rows + unit.n_rows, size + unit.n_rows * unit.row_bytes
        before = units[start]
        alike = unit.source == before.source and not unit.beside and not before.beside
        if number > start and not (alike and rows <= CHUNK_ROWS and size <= _MOST_BYTES):
            yield range(start, number)
            start, rows, size = number, unit.n_rows, unit.n_rows * unit.row_bytes
    if units:
        yield range(start, len(units))


def stacked_rows(
    units: Sequence[Unit],
    source: TableSource,
    columns: Sequence[Column],
    found: Sequence[Findings],
) -> Stacked:
    """Read units together.

    Parameters
    ----------
    units : sequence of Unit
        As `stacks` puts them together.
    source : TableSource
    columns : sequence of Column
        Columns of the table, or some of them.
    found : sequence of Findings
        Of each unit; receives its digest.

    Raises
    ------
    NotAlike, InputError
        If they have to be read one by one.
    """
    with open_unit(units[0], source) as table:
        transform = Transform(source, table, columns)
        stack = Stack(table, transform.inputs)
        constants = [_constants(source, table)]
        _add(stack, table, units[0], found[0])
    for unit, findings in zip(units[1:], found[1:], strict=True):
        with open_unit(unit, source) as table:
            constants.append(_constants(source, table))
            _add(stack, table, unit, findings)
    heights = [unit.n_rows for unit in units]
    if any(own.keys() != constants[0].keys() for own in constants):
        raise NotAlike
    values = [
        _each_row(name, [own[name] for own in constants], heights) for name in transform.constants
    ]
    bounds = np.concatenate([[0], np.cumsum(heights)])
    return Stacked(transform(stack.frame(), np.arange(bounds[-1]), values), bounds)


def _constants(source: TableSource, table: InputTable) -> Mapping[str, object]:
    return source.constants(table) if source.constants else {}


def _add(stack: Stack, table: InputTable, unit: Unit, found: Findings) -> None:
    digests = () if found.digests is None else digests_of(table, unit.first, unit.last)
    stack.add(table, unit.first, unit.last, unit.rows)
    if found.digests is not None:
        found.digests = tuple(digest.hexdigest() for digest in digests)


def _each_row(name: str, values: Sequence[object], heights: Sequence[int]) -> pl.Series:
    """Return the constants of units for each row, of the type that a literal has."""
    literals = pl.select(pl.lit(value).alias(str(n)) for n, value in enumerate(values))
    if len({*literals.dtypes}) > 1:
        raise NotAlike
    return pl.Series(name, literals.row(0), dtype=literals.dtypes[0]).gather(
        np.repeat(np.arange(len(values)), heights)
    )
