"""Which rows are loaded when only the first one per value counts.

The decision depends on the files alone, not on what is in the database, so a load that was
interrupted decides as before. It reads one column of each file.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import EXACT_BITS
from specprod_copy.reader import read_table
from specprod_copy.tables import Inputs, TableSource


def first_rows(
    source: TableSource, column: str, inputs: Inputs, files: Sequence[Path]
) -> list[np.ndarray]:
    """Decide which rows of some files are the first of their value.

    One pass with one hash table: time grows with the rows, memory with 8 bytes per row and some
    tens of bytes per distinct value.

    Parameters
    ----------
    source : TableSource
    column : str
        Input column whose values are compared.
    inputs : Inputs
    files : sequence of pathlib.Path
        In the order in which rows count as first.

    Returns
    -------
    list of numpy.ndarray
        For each file the numbers of its rows that are to be loaded, ascending.
    """

    def keys_of(origin: TableSource, paths: Sequence[Path]) -> list[pl.Series]:
        return [_whole_numbers(path, read_table(path, origin.hdus, [column])) for path in paths]

    other = source.unless_in
    known = keys_of(other, other.files(inputs)) if other else []
    keys = keys_of(source, files)
    every = pl.concat([*known, *keys])
    # What is no number at all is refused when it is read, each row of it.
    first = (every.is_first_distinct() | every.is_null()).to_numpy()
    bounds = np.cumsum([sum(map(len, known)), *map(len, keys)])
    return [np.flatnonzero(first[a:b]) for a, b in pairwise(bounds)]


def _whole_numbers(path: Path, frame: pl.DataFrame) -> pl.Series:
    """Return the only column of a file as 64-bit integers, null where it is none for certain.

    Files may have it in several types.
    """
    [values] = frame
    if not values.dtype.is_numeric():
        message = f"is {values.dtype}, not a whole number"
        raise InputError(message, path=path, column=values.name)
    whole = values.cast(pl.Int64, strict=False)
    if not values.dtype.is_float():
        return whole
    exact = (whole.cast(values.dtype) == values) & (whole.abs() < 2 ** EXACT_BITS[values.dtype])
    return whole.set(~exact.fill_null(False), None)
