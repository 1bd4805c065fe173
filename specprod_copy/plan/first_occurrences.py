"""Which rows are loaded when only the first one per value counts.

The decision depends on the files alone, not on what is in the database, so a load that was
interrupted decides as before. It reads one column of each file.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import EXACT_BITS
from specprod_copy.reader import open_table
from specprod_copy.reader.look import Stamp
from specprod_copy.tables import Inputs, TableSource

_RANK = "rank?"

Choices = dict[Hashable, Sequence[bytes]]
"""What was decided, and which files decided it, to a bit for each row of each file."""


def chosen_rows(
    choices: Choices, source: TableSource, column: str, inputs: Inputs, files: Sequence[Path]
) -> list[np.ndarray]:
    """Return what `first_rows` does, and decide it only once for the files as they are.

    Parameters
    ----------
    choices : dict
        What was decided before; what is decided now is added.
    source, column, inputs, files
        As for `first_rows`.
    """
    others = source.unless_in.files(inputs) if source.unless_in else []
    stamps = [(path, Stamp.of(path)) for path in (*others, *files)]
    key = source.name, column, str(source.first_rank), len(files), *stamps
    if key not in choices:
        choices[key] = [_as_bits(rows) for rows in first_rows(source, column, inputs, files)]
    return [np.flatnonzero(np.unpackbits(np.frombuffer(b, np.uint8))) for b in choices[key]]


def _as_bits(rows: np.ndarray) -> bytes:
    chosen = np.zeros(rows[-1] + 1 if len(rows) else 0, bool)
    chosen[rows] = True
    return np.packbits(chosen).tobytes()


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
    other = source.unless_in
    known = [_keys(other, path, column)[0] for path in other.files(inputs)] if other else []
    ranked = [_keys(source, path, column) for path in files]
    keys = [values for values, _ in ranked]
    every = pl.concat([*known, *keys])
    # What is no number at all is refused when it is read, each row of it.
    first = (every.is_first_distinct() | every.is_null()).to_numpy()
    bounds = np.cumsum([sum(map(len, known)), *map(len, keys)])
    chosen = [np.flatnonzero(first[a:b]) for a, b in pairwise(bounds)]
    return [
        rows if order is None else np.sort(order[rows])
        for rows, (_, order) in zip(chosen, ranked, strict=True)
    ]


def _keys(source: TableSource, path: Path, column: str) -> tuple[pl.Series, np.ndarray | None]:
    """Return the values of a file in the order in which its rows count, and the row of each.

    There are no row numbers where the order is that of the file.
    """
    rank = source.first_rank
    with open_table(path, source.hdus) as table:
        by = rank.meta.root_names() if rank is not None else []
        ranked = rank is not None and table.schema.keys() >= {*by}
        wanted = [pl.col(column), *([rank.alias(_RANK)] if rank is not None and ranked else [])]
        frames = [f.select(wanted) for f in table.frames([column, *(by if ranked else [])])]
        empty = pl.DataFrame(schema={column: table.schema[column]})
    rows = pl.concat([empty, *frames], how="diagonal")
    values = _whole_numbers(path, rows[column])
    if _RANK not in rows.columns:
        return values, None
    order = np.argsort(rows[_RANK].to_numpy(), kind="stable")
    return values.gather(order), order


def _whole_numbers(path: Path, values: pl.Series) -> pl.Series:
    """Return a column of a file as 64-bit integers, null where it is none for certain.

    Files may have it in several types.
    """
    if not values.dtype.is_numeric():
        message = f"is {values.dtype}, not a whole number"
        raise InputError(message, path=path, column=values.name)
    whole = values.cast(pl.Int64, strict=False)
    if not values.dtype.is_float():
        return whole
    exact = (whole.cast(values.dtype) == values) & (whole.abs() < 2 ** EXACT_BITS[values.dtype])
    return whole.set(~exact.fill_null(False), None)
