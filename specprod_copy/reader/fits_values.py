"""The stored values of a FITS column as a Polars series.

Floats keep every bit: NaN payloads, -0.0, subnormals. Arrow is imported where values of its kinds
are decoded: that takes 0.05 s, for which those who look at headers alone need not wait.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from specprod_copy.reader.fits_columns import FitsColumn


class BadCells(Exception):
    """Stored values of a column without meaning; the table makes an error with their rows of it.

    The positions among the values that were to be decoded ascend; values are as stored.
    """

    def __init__(self, reason: str, positions: list[int], values: Sequence[object]) -> None:
        super().__init__(f"{reason}: {values[0]!r}")
        self.reason = reason
        self.positions = positions
        self.values = values


def decode(column: FitsColumn, values: np.ndarray) -> pl.Series:
    """Turn stored values of a column into a Polars series of type `column.dtype`.

    The values have shape (rows, *column.shape), lie contiguously and are in this machine's byte
    order. Text is without trailing blanks and NULs, blank text is ''.
    """
    if column.inner == pl.String:
        return decode_text(column, values)
    nulls = None if column.null is None else values == column.null
    if column.inner == pl.Boolean:
        values = decode_logical(values)
    elif column.flipped:
        values = flip_top_bit(values)
    elif column.scaling:
        values = scaled(values, *column.scaling)
    series = pl.Series(column.name, values)
    if nulls is None or not nulls.any():
        return series
    flat = pl.Series(column.name, values.reshape(-1))
    nothing = pl.Series([None], dtype=column.inner)
    flat = flat.zip_with(pl.Series(~nulls.reshape(-1)), nothing)
    return flat.reshape((len(values), *column.vector))


def decode_lists(column: FitsColumn, data: np.ndarray, sizes: np.ndarray) -> pl.Series:
    """Turn arrays of the heap, their bytes one after the other, into a series of `column.dtype`.

    The numbers of elements have shape (rows,).
    """
    ends = np.cumsum(sizes)
    if column.inner == pl.String:
        return _decode_texts(column, data, ends)
    stored = np.dtype(column.stored)
    elements = replace(column, descriptor="", shape=())
    try:
        flat = decode(elements, data.view(stored).astype(stored.newbyteorder("="), copy=False))
    except BadCells as bad:
        rows = np.searchsorted(ends, bad.positions, side="right").tolist()
        found = dict(zip(reversed(rows), reversed(bad.values), strict=True))
        raise BadCells(bad.reason, [*reversed(found)], [*reversed(found.values())]) from bad
    import pyarrow as pa

    offsets = pa.array(np.concatenate([[0], ends]), pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, flat.to_arrow())
    return pl.Series(column.name, lists, dtype=column.dtype)


def _decode_texts(column: FitsColumn, data: np.ndarray, ends: np.ndarray) -> pl.Series:
    """Turn texts of the heap into a series."""
    raw, texts, bad = data.tobytes(), [], dict[int, bytes]()
    for row, (start, end) in enumerate(itertools.pairwise([0, *ends.tolist()])):
        text = raw[start:end].partition(b"\0")[0]
        try:
            texts.append(text.decode().rstrip(" "))
        except UnicodeDecodeError:
            bad[row] = text
    if bad:
        raise BadCells("text that is not UTF-8", [*bad], [*bad.values()])
    return pl.Series(column.name, texts, dtype=pl.String)


def scaled(values: np.ndarray, scale: float, zero: float) -> np.ndarray:
    """Return scaled values as floats.

    Whole numbers that are made of whole numbers are those that the file means, or refused: floats
    on the way round them beyond 2**53. A result beyond that is a float like any other.
    """
    result = values.astype(np.float64) * scale + zero
    if values.dtype.kind == "f" or not (scale.is_integer() and zero.is_integer()):
        return result
    # Modulo 2**64 this is exact, and so is a result of that size.
    factor, offset = (np.uint64(int(number) % 2**64) for number in (scale, zero))
    exact = (values.astype(np.int64).view(np.uint64) * factor + offset).view(np.int64)
    small = np.abs(result) < 2**53
    wrong = small & (np.where(small, result, 0).astype(np.int64) != exact)
    if wrong.any():
        rows = np.unique(np.argwhere(wrong)[:, 0])
        found = [values[row].tobytes() for row in rows]
        raise BadCells("a whole number that its scaling rounds", rows.tolist(), found)
    return result


def decode_text(column: FitsColumn, values: np.ndarray) -> pl.Series:
    """Turn bytes, shape (rows, width) or (rows, n, width), into text.

    Arrow does it, two to three times as fast as Polars.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values = end_at_nul(values)
    width = values.shape[-1]
    count = math.prod(values.shape[:-1])
    fixed = pa.Array.from_buffers(pa.binary(width), count, [None, pa.py_buffer(values)])
    try:
        text = fixed.cast(pa.large_string())
    except pa.ArrowInvalid:
        raise bad_text(values.reshape(count, width), count // max(len(values), 1)) from None
    series = pl.Series(column.name, pc.ascii_rtrim(text, " \0"))
    return series.reshape((len(values), *column.vector)) if column.vector else series


def end_at_nul(values: np.ndarray) -> np.ndarray:
    """Blank what follows a NUL: it ends a text (FITS standard 7.3.3.1)."""
    # Nearly always there is no NUL at all, or none but those that fill a text up.
    if values.size == 0 or values.min() > 0:
        return values
    ended = values == 0
    if not (ended[..., :-1] & ~ended[..., 1:]).any():
        return values
    return np.where(np.logical_or.accumulate(ended, axis=-1), np.uint8(0), values)


def bad_text(cells: np.ndarray, per_row: int) -> BadCells:
    """Find those of the cells, shape (n, width), that are not UTF-8; in each row the first one."""
    found: dict[int, bytes] = {}
    for i, cell in enumerate(cells):
        try:
            cell.tobytes().decode()
        except UnicodeDecodeError:
            found.setdefault(i // per_row, cell.tobytes())
    assert found, "Arrow refused text that Python takes for UTF-8"
    return BadCells("text that is not UTF-8", [*found], [*found.values()])


def decode_logical(values: np.ndarray) -> np.ndarray:
    """Turn logical bytes into booleans. NUL (undefined) is false, as astropy reads it.

    Other bytes are refused, for readers disagree: astropy says false, CFITSIO the byte's value.
    """
    true = values == ord("T")
    strange = ~true & (values != ord("F")) & (values != 0)
    if strange.any():
        found: dict[int, bytes] = {}
        for position, byte in zip(np.argwhere(strange)[:, 0], values[strange], strict=True):
            found.setdefault(int(position), bytes([byte]))
        reason = "a logical value that is neither T, F nor NUL"
        raise BadCells(reason, [*found], [*found.values()])
    return true


def flip_top_bit(values: np.ndarray) -> np.ndarray:
    """Turn signed integers into unsigned ones and unsigned bytes into signed ones."""
    bits = values.view(f"u{values.itemsize}")
    flipped = bits ^ bits.dtype.type(1 << (8 * values.itemsize - 1))
    return flipped if values.dtype.kind == "i" else flipped.view("i1")
