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
        return [read_table(path, origin.hdus, [column])[column] for path in paths]

    other = source.unless_in
    known = keys_of(other, other.files(inputs)) if other else []
    keys = keys_of(source, files)
    first = pl.concat([*known, *keys], how="vertical").is_first_distinct().to_numpy()
    bounds = np.cumsum([sum(map(len, known)), *map(len, keys)])
    return [np.flatnonzero(first[a:b]) for a, b in pairwise(bounds)]
