"""Rows of many tables with the same columns, one after the other, as one frame.

To make a frame takes as long for ten rows as for thousands, so the stored values of small tables
are put together before they are decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from specprod_copy.reader import InputTable
from specprod_copy.reader.fits_columns import FitsColumn
from specprod_copy.reader.fits_table import FitsTable
from specprod_copy.reader.fits_values import BadCells, decode


class NotAlike(Exception):
    """Tables have to be read one by one: they differ, or have values without meaning."""


class Stack:
    """Rows of tables with the same columns.

    Parameters
    ----------
    first : InputTable
        The tables are like this one.
    names : sequence of str
        Columns that are read.
    """

    def __init__(self, first: InputTable, names: Sequence[str]) -> None:
        if not isinstance(first, FitsTable):
            raise NotAlike
        self._layout = first.columns
        self._columns: list[FitsColumn] = first.choose(names)
        if any(column.descriptor for column in self._columns):
            raise NotAlike  # Their arrays lie in heaps.
        self._arrays: list[list[np.ndarray]] = [[] for _ in names]

    def add(self, table: InputTable, first: int, last: int, rows: np.ndarray | None) -> None:
        """Read rows, as for `InputTable.frames`.

        Raises
        ------
        NotAlike
            If the table has other columns.
        InputError
            If it cannot be read.
        """
        # Equal descriptions of columns are parsed once.
        if not isinstance(table, FitsTable) or table.columns is not self._layout:
            raise NotAlike
        stored = table.stored(self._columns, first, last, rows)
        for arrays, array in zip(self._arrays, stored, strict=True):
            arrays.append(array)

    def frame(self) -> pl.DataFrame:
        """Return all rows.

        Raises
        ------
        NotAlike
            If values have no meaning: which file has them is not known here.
        """
        columns = zip(self._columns, self._arrays, strict=True)
        try:
            return pl.DataFrame([decode(c, np.concatenate(arrays)) for c, arrays in columns])
        except BadCells as bad:
            raise NotAlike from bad
