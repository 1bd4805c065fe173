"""Which columns and rows of an input table are asked for: the same rules for every file format."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from specprod_copy.errors import InputError

Fault = Callable[..., InputError]
"""Makes an InputError from a message (and `column`) that names the file and HDU by itself."""

CHUNK_ROWS = 16384
"""Most rows of a frame: enough to make the cost of calling Polars and NumPy small."""

RowNumbers = range | np.ndarray
"""Row numbers, counted from 0 and ascending: a range, or an int64 array of picked rows."""


def choose_columns(asked: Sequence[str] | None, existing: Iterable[str], fault: Fault) -> list[str]:
    """Return the columns asked for (None: all) in upper case: each must exist and come once."""
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
    """Return the row numbers [`first`, `last`), or which of the ascending `rows` lie there."""
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
    """Cut ascending `rows` into runs of neighbours: place in `rows`, first row number, length."""
    if isinstance(rows, range):
        if len(rows):
            yield 0, rows.start, len(rows)
        return
    edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            yield start, int(rows[start]), stop - start
