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

from specprod_copy.reader import open_table
from specprod_copy.tables import Inputs, TableSource

_CHUNK_ROWS = 262_144


def read_key(path: Path, hdus: tuple[str, ...], column: str) -> pl.Series:
    """Return one column of a file.

    Parameters
    ----------
    path : pathlib.Path
    hdus : tuple of str
        Accepted names of the HDU.
    column : str
        Name of the column.
    """
    with open_table(path, hdus) as table:
        frames = list(table.frames([column], chunk_rows=_CHUNK_ROWS))
    return pl.concat(frames)[column] if frames else pl.Series(column, [], pl.Int64)


def first_rows(source: TableSource, inputs: Inputs, files: Sequence[Path]) -> list[np.ndarray]:
    """Decide which rows of some files are the first of their value.

    One pass with one hash table: time grows with the rows, memory with 8 bytes per row and some
    tens of bytes per distinct value.

    Parameters
    ----------
    source : TableSource
        With `TableSource.first_per`.
    inputs : Inputs
    files : sequence of pathlib.Path
        In the order in which rows count as first.

    Returns
    -------
    list of numpy.ndarray
        For each file the numbers of its rows that are to be loaded, ascending.
    """
    if source.first_per is None:
        raise ValueError(f"{source.name} takes all rows")
    other = source.unless_in
    column = source.first_per
    known = [read_key(path, other.hdus, column) for path in other.files(inputs)] if other else []
    keys = [read_key(path, source.hdus, column) for path in files]
    first = pl.concat([*known, *keys], how="vertical").is_first_distinct().to_numpy()
    bounds = np.cumsum([sum(map(len, known)), *map(len, keys)])
    return [np.flatnonzero(first[a:b]) for a, b in pairwise(bounds)]
