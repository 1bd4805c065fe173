"""Fields of PostgreSQL's binary COPY, of fixed width or varying, as Polars series.

Format: the functions of the server that send the types, ``array_send`` and others.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.columns import Column

_US_1970_TO_2000 = 946_684_800_000_000

INFINITE = {2**63 - 1: "infinity", -(2**63): "-infinity"}
"""What stands for moments that are no numbers, and their names."""

NO_WHOLE_NUMBER = Decimal(1 - 10**38)
"""What stands for a numeric that is no whole number of at most 38 digits. No file gives it."""

FIXED: dict[str, np.dtype[Any]] = {
    "int2": np.dtype(">i2"),
    "int4": np.dtype(">i4"),
    "int8": np.dtype(">i8"),
    "float4": np.dtype(">f4"),
    "float8": np.dtype(">f8"),
    "bool": np.dtype("?"),
    "timestamptz": np.dtype(">i8"),
}


def unexpected() -> DatabaseError:
    """Return the error for data that are not what was asked for."""
    return DatabaseError(
        "the server's COPY data are not rows of the columns asked for; does the table change?"
    )


def binary(data: pa.Buffer, offsets: np.ndarray) -> pa.Array:
    """Return an Arrow array of the bytes between offsets."""
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


def numbers(column: Column, values: np.ndarray) -> pl.Series:
    """Return values of fixed width as a series."""
    native = values.astype(values.dtype.newbyteorder("="))
    if column.type == "timestamptz":
        native[~np.isin(native, [*INFINITE])] += _US_1970_TO_2000
    return pl.Series(column.name, native).cast(column.polars_type)


def varying(column: Column, values: pa.Array, null: np.ndarray) -> pl.Series:
    """Return values that vary in width as a series; a NULL has no bytes."""
    if column.element is not None:
        series = _arrays(column, column.element, values)
    elif column.type in FIXED:
        series = _nullable(column, values, null)
    else:
        series = _texts(column, values, null)
    if null.any():
        absent = pl.Series(null)
        return pl.select(pl.when(~absent).then(series).alias(column.name)).to_series()
    return series


def _nullable(column: Column, values: pa.Array, null: np.ndarray) -> pl.Series:
    """Return values of fixed width of which some are NULL; there stands another one."""
    present = np.frombuffer(values.buffers()[2] or b"", dtype=FIXED[column.type])
    where = np.where(null, 0, np.cumsum(~null) - 1)
    return numbers(column, present).extend_constant(None, 1).gather(where)


def _texts(column: Column, values: pa.Array, null: np.ndarray) -> pl.Series:
    try:
        series = pl.Series(column.name, values.cast(pa.large_string()))
    except pa.ArrowInvalid as error:
        raise DatabaseError(f"column {column.name} holds text that is not UTF-8") from error
    return _whole_numbers(column, series, null) if column.type == "numeric" else series


def _whole_numbers(column: Column, texts: pl.Series, null: np.ndarray) -> pl.Series:
    """Return numerics, which come as text; a cast alone would cut off what is behind the point."""
    lost = pl.Series(np.zeros(len(null), bool))
    if column.digits is None or column.digits[1]:
        texts = texts.str.replace(r"\.0+$", "")
        lost = texts.str.contains(".", literal=True)
    numbers = texts.cast(column.polars_type, strict=False)
    if numbers.null_count() > np.count_nonzero(null):
        lost |= numbers.is_null() & ~pl.Series(null)
    if lost.any():
        stands = pl.lit(NO_WHOLE_NUMBER, column.polars_type)
        return pl.select(
            pl.when(lost).then(stands).otherwise(numbers).alias(column.name)
        ).to_series()
    return numbers


_TYPES: dict[str, int] = {
    **{"bool": 16, "int8": 20, "int2": 21, "int4": 23, "text": 25, "float4": 700, "float8": 701},
    **{"bpchar": 25, "varchar": 1043, "timestamptz": 1184, "numeric": 25},
}
"""Object identifiers of types of elements; some come as text."""

_HEAD = 20
"""Bytes before the first element of an array of one dimension."""


def _arrays(column: Column, element: Column, values: pa.Array) -> pl.Series:
    """Return arrays of one dimension; one that is NULL is empty."""
    data = values.buffers()[2]
    begin = np.frombuffer(values.buffers()[1], dtype=np.int64)
    begin = begin[values.offset : values.offset + len(values) + 1]
    starts, ends = begin[:-1], begin[1:]
    words = _Words(data or pa.py_buffer(b""))
    there = starts[ends > starts]
    if (ends - starts < 12)[ends > starts].any():
        raise unexpected()
    if (words[there] > 1).any():
        raise DatabaseError(f"column {column.name} has arrays of several dimensions")
    if (words[there + 8] != _TYPES[element.type]).any():
        raise unexpected()
    sizes = np.zeros(len(starts), dtype=np.int64)
    some = ends - starts >= _HEAD
    sizes[some] = words[starts[some] + 12]
    width = FIXED[element.type].itemsize if element.type in FIXED else 0
    if width and ((sizes * (4 + width) + _HEAD)[some] == (ends - starts)[some]).all():
        flat = _dense(element, words, starts, sizes, width)
    else:
        flat = _sparse(element, words, starts, sizes, ends)
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, flat.to_arrow())
    return pl.Series(column.name, lists, dtype=column.polars_type)


class _Words:
    """Numbers of 4 bytes that begin anywhere in some data."""

    def __init__(self, data: pa.Buffer) -> None:
        self.data = data

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        return self.of(">i4", places).astype(np.int64)

    def of(self, kind: str | np.dtype[Any], places: np.ndarray) -> np.ndarray:
        """Return numbers of another type."""
        n = max(self.data.size - np.dtype(kind).itemsize + 1, 0)
        return np.ndarray(n, kind, self.data, strides=(1,))[places]


def _within(sizes: np.ndarray) -> np.ndarray:
    """Return the place of each element in its array."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _dense(
    element: Column, words: _Words, starts: np.ndarray, sizes: np.ndarray, width: int
) -> pl.Series:
    """Return elements of fixed width, of which none is NULL."""
    places = np.repeat(starts + _HEAD, sizes) + (4 + width) * _within(sizes)
    if (words[places] != width).any():
        raise unexpected()
    return numbers(element, words.of(FIXED[element.type], places + 4))


def _sparse(
    element: Column, words: _Words, starts: np.ndarray, sizes: np.ndarray, ends: np.ndarray
) -> pl.Series:
    """Return elements of any width, or NULL: the first ones of all arrays, then the second ones."""
    first = np.cumsum(sizes) - sizes
    bounds = np.zeros((int(sizes.sum()), 2), dtype=np.int64)
    null = np.zeros(len(bounds), dtype=bool)
    rows = np.flatnonzero(sizes)
    positions, place = starts[rows] + _HEAD, 0
    while len(rows):
        if (positions + 4 > ends[rows]).any():
            raise unexpected()
        lengths, into = words[positions], first[rows] + place
        null[into] = lengths < 0
        bounds[into, 0] = positions + 4
        positions = positions + 4 + np.maximum(lengths, 0)
        bounds[into, 1] = positions
        place += 1
        more = sizes[rows] > place
        if (positions[~more] != ends[rows[~more]]).any():
            raise unexpected()
        rows, positions = rows[more], positions[more]
    # Cut at each bound: every other piece is a value.
    cuts = np.concatenate([[0], bounds.reshape(-1), [words.data.size]])
    pieces = binary(words.data, cuts).take(pa.array(np.arange(1, 2 * len(bounds), 2)))
    return varying(element, pieces, null)
