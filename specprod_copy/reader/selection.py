"""Which columns and rows of an input table are asked for: the same rules for every file format."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from specprod_copy.errors import InputError

Fault = Callable[..., InputError]
"""Makes an InputError from a message (and `column`) that names the file and HDU by itself."""

RowNumbers = range | np.ndarray
"""Row numbers, counted from 0 and ascending: a range, or an int64 array of picked rows."""


def choose_columns(asked: Sequence[str] | None, existing: Iterable[str], fault: Fault) -> list[str]:
    """Check the names of the columns asked for.

    Parameters
    ----------
    asked : sequence of str, optional
        Names in any case; all existing columns when None.
    existing : iterable of str
        The table's columns, in upper case.
    fault : callable
        Makes the error.

    Returns
    -------
    list of str
        Upper-case names in the order asked for.

    Raises
    ------
    InputError
        If a column does not exist (with the names that look like it), is asked for twice, or
        none is asked for.
    """
    existing = list(existing)
    names = existing if asked is None else [name.upper() for name in asked]
    if not names:
        raise fault("no columns are asked for, or there are none")
    if missing := [name for name in names if name not in existing]:
        first, *others = missing
        close = difflib.get_close_matches(first, existing, n=3)
        hint = f"similar: {', '.join(close)}" if close else "and none with a similar name"
        rest = f"; also missing: {', '.join(others)}" if others else ""
        raise fault(f"no such column ({hint}){rest}", column=first)
    for i, name in enumerate(names):
        if name in names[:i]:
            raise fault("asked for twice", column=name)
    return names


def choose_rows(
    n_rows: int,
    first: int = 0,
    last: int | None = None,
    rows: np.ndarray | None = None,
    *,
    fault: Fault,
) -> RowNumbers:
    """Check the rows asked for.

    Parameters
    ----------
    n_rows : int
        Number of rows in the table.
    first, last : int, optional
        The rows from `first` up to, not including, `last` (the end when None).
    rows : array of int, shape (n,), optional
        Ascending row numbers within the whole table; those in [`first`, `last`) are taken.
    fault : callable
        Makes the error.

    Returns
    -------
    range or array of int64
        The row numbers to read.

    Raises
    ------
    InputError
        If the table has no such rows, or `rows` does not ascend.
    """
    last = n_rows if last is None else last
    if not 0 <= first <= last <= n_rows:
        raise fault(f"rows {first} to {last} are asked for, but the table has {n_rows}")
    if rows is None:
        return range(first, last)
    picked = np.asarray(rows, dtype=np.int64)
    if np.any(picked[1:] <= picked[:-1]):
        raise fault("the row numbers asked for do not ascend")
    if len(picked) and not 0 <= picked[0] <= picked[-1] < n_rows:
        raise fault(
            f"rows {picked[0]} to {picked[-1]} are asked for, but the table has {n_rows}",
        )
    return picked[np.searchsorted(picked, first) : np.searchsorted(picked, last)]


def chunks(rows: RowNumbers, size: int) -> Iterator[RowNumbers]:
    """Cut `rows` into pieces of at most `size` row numbers; no pieces when there are no rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def runs(rows: RowNumbers) -> Iterator[tuple[int, int, int]]:
    """Cut ascending `rows` into runs of neighbours.

    Yields
    ------
    tuple of int
        Position of the run within `rows`, its first row number, its length.
    """
    if isinstance(rows, range):
        if len(rows):
            yield 0, rows.start, len(rows)
        return
    edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            yield start, int(rows[start]), stop - start
