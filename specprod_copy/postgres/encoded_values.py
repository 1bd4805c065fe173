"""Values of Polars series as the fields of PostgreSQL's binary COPY: fixed, and varying in width.

Format: the functions of the server that receive the types, ``numeric_recv``, ``array_recv``, ….
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.postgres.columns import Column

LENGTH = np.dtype(">i4")
"""Layout of a field's length."""

_DIGITS = 10
"""Base-10000 digits sent for a NUMERIC: enough for 128 bits. The server drops leading zeros."""

_UNIX_TO_POSTGRES_US = 946_684_800_000_000
"""Microseconds from 1970-01-01 to 2000-01-01, the epoch of PostgreSQL's timestamps."""

FIXED: dict[str, np.dtype] = {
    "int2": np.dtype(">i2"),
    "int4": np.dtype(">i4"),
    "int8": np.dtype(">i8"),
    "float4": np.dtype(">f4"),
    "float8": np.dtype(">f8"),
    "bool": np.dtype("u1"),
    "timestamptz": np.dtype(">i8"),
    # ndigits, weight, sign, display scale, digits: made by `_numeric`
    "numeric": np.dtype((np.void, 2 * (4 + _DIGITS))),
}
"""Type name to the layout of its value, for types of fixed width."""


def _numeric(series: pl.Series) -> np.ndarray:
    """Return NUMERIC values, shape (n,), for a series of Decimal(38, 0)."""
    array = series.to_arrow()
    words = np.frombuffer(array.buffers()[1], dtype="<u8").reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)]
    low, high = words[:, 0], words[:, 1]
    negative = high >> np.uint64(63) == 1
    if negative.any():
        low, high = (
            np.where(negative, ~low + np.uint64(1), low),
            np.where(negative, ~high + (low == 0).astype(np.uint64), high),
        )
    # Long division by 10^8 over 32-bit limbs, most significant first: a remainder below 10^8
    # (27 bits) shifted by a limb stays within 64 bits.
    mask, shift, base, half = map(np.uint64, (0xFFFFFFFF, 32, 10**8, 10**4))
    limbs = [high >> shift, high & mask, low >> shift, low & mask]
    # Numbers of 16 bits, two at a time: digits and weight, sign and scale, then the digits.
    out = np.empty((len(low), 2 + _DIGITS // 2), dtype=">u4")
    out[:, 0] = _DIGITS << 16 | _DIGITS - 1
    out[:, 1] = np.where(negative, 0x4000 << 16, 0)
    for divisions in range(_DIGITS // 2):
        # Each division takes 26 bits and more away: limbs in front become zero.
        limbs = limbs[-(128 - 26 * divisions) // 32 :]
        remainder = np.zeros_like(low)
        for limb in limbs:
            remainder <<= shift
            remainder |= limb
            np.floor_divide(remainder, base, out=limb)
            remainder -= limb * base
        upper = remainder // half
        out[:, -1 - divisions] = upper << np.uint64(16) | remainder - upper * half
    return out.view(FIXED["numeric"]).reshape(-1)


class Varying(NamedTuple):
    """A field of varying width: Arrow binary, and the length of each value, -1 for null."""

    data: pa.Array
    lengths: np.ndarray


def fixed_values(series: pl.Series, column: Column) -> np.ndarray:
    """Return the values of a series, native or already big-endian; there are no nulls."""
    if column.type == "numeric":
        return _numeric(series)
    if column.type == "timestamptz":
        return series.to_physical().to_numpy() - _UNIX_TO_POSTGRES_US
    return series.to_numpy()


def nothing() -> pa.Scalar:
    """Return what stands between parts that are joined (pyarrow.scalar would import pandas)."""
    return binary(pa.py_buffer(b""), np.zeros(2, dtype=np.int64))[0]


def binary(data: pa.Buffer, offsets: np.ndarray) -> pa.Array:
    """Return an Arrow array of the bytes between offsets."""
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


def _text(series: pl.Series) -> Varying:
    """Return text as Arrow binary without gaps, null as empty."""
    filled = series.fill_null("") if series.null_count() else series
    array = filled.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_binary())
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)
    return _varying(series, array, offsets[array.offset : array.offset + len(array) + 1])


def _nullable(series: pl.Series, column: Column) -> Varying:
    """Return fixed-width values as Arrow binary of which nulls take no bytes."""
    fixed = FIXED[column.type]
    values = np.ascontiguousarray(fixed_values(series.drop_nulls(), column), dtype=fixed)
    widths = np.where(series.is_null().to_numpy(), 0, fixed.itemsize)
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    return _varying(series, binary(pa.py_buffer(values.view(np.uint8)), offsets), offsets)


def varying_values(series: pl.Series, column: Column) -> Varying:
    """Return values of which some are null, or which are not of fixed width."""
    if column.element is not None:
        return _arrays(series, column.element)
    return _nullable(series, column) if column.type in FIXED else _text(series)


def _varying(series: pl.Series, data: pa.Array, offsets: np.ndarray) -> Varying:
    lengths = np.diff(offsets)
    if series.null_count():
        lengths = np.where(series.is_null().to_numpy(), -1, lengths)
    return Varying(data, lengths)


OIDS: dict[str, int] = {
    **{"bool": 16, "int2": 21, "int4": 23, "int8": 20, "float4": 700, "float8": 701},
    **{"numeric": 1700, "text": 25, "varchar": 1043, "bpchar": 1042, "timestamptz": 1184},
}
"""Object identifiers of types of elements: they are the same in all servers."""

_HEAD = 5
"""Numbers before the elements of an array: those of dimensions and of NULLs (0 or 1), the type, the
size, the lowest index. An array without elements has no dimension, and so only the first three."""


class Elements(NamedTuple):
    """The elements of the arrays of a column."""

    values: pl.Series
    """One after the other."""
    bounds: np.ndarray
    """Where those of each array begin, and the last ones end; shape (rows + 1,)."""

    @classmethod
    def of(cls, series: pl.Series) -> Elements:
        """Return the elements of a series of lists; a null has none."""
        lists = (series.fill_null([]) if series.null_count() else series).rechunk().to_arrow()
        bounds = np.frombuffer(lists.buffers()[1], dtype=np.int64)
        bounds = bounds[lists.offset : lists.offset + len(lists) + 1]
        values = lists.values.slice(bounds[0], bounds[-1] - bounds[0])
        return cls(pl.Series(values, dtype=series.dtype.inner), bounds - bounds[0])  # type: ignore[attr-defined]

    def size(self) -> int:
        """Return the number of elements of every array, if there are no NULLs in them; else 0."""
        sizes = np.diff(self.bounds)
        same = len(sizes) > 0 and (sizes == sizes[0]).all() and not self.values.null_count()
        return int(sizes[0]) if same else 0


def array_layout(element: Column, size: int) -> tuple[np.dtype, np.dtype, tuple[int, ...]]:
    """Return the layout of head and elements of arrays of one size, and what is in the heads."""
    fields: list[tuple[str, np.dtype]] = [("length", LENGTH), ("value", FIXED[element.type])]
    head = (1, 0, OIDS[element.type], size, 1)
    return np.dtype((LENGTH, (_HEAD,))), np.dtype((np.dtype(fields), (size,))), head


def _arrays(series: pl.Series, element: Column) -> Varying:
    """Return arrays as Arrow binary: a head, then each element after its length."""
    flat, bounds = Elements.of(series)
    sizes = np.diff(bounds)
    absent = flat.is_null().to_numpy()
    nulls = np.diff(np.concatenate([[0], np.cumsum(absent)])[bounds]) > 0
    heads = np.empty((len(sizes), _HEAD), LENGTH)
    heads[:] = np.stack(
        [
            np.minimum(sizes, 1),
            nulls,
            np.full(len(sizes), OIDS[element.type]),
            sizes,
            np.ones(len(sizes), int),
        ],
        axis=1,
    )
    words = np.where(sizes > 0, _HEAD, np.where(series.is_not_null().to_numpy(), 3, 0))
    filled = np.arange(_HEAD) < words[:, None]
    parts = [
        binary(pa.py_buffer(heads[filled].view(np.uint8)), _bounds(words * LENGTH.itemsize)),
        _with_lengths(flat, element, bounds),
    ]
    data = pc.binary_join_element_wise(*parts, nothing())
    offsets = np.frombuffer(data.buffers()[1], dtype=np.int64)[: len(sizes) + 1]
    return _varying(series, data, offsets)


def _with_lengths(flat: pl.Series, element: Column, bounds: np.ndarray) -> pa.Array:
    """Return the elements of arrays, each after its length, as Arrow binary; a value an array."""
    if element.type in FIXED and not flat.null_count():
        fixed = FIXED[element.type]
        records = np.empty(len(flat), [("length", LENGTH), ("value", fixed)])
        records["length"], records["value"] = fixed.itemsize, fixed_values(flat, element)
        return binary(pa.py_buffer(records.view(np.uint8)), bounds * records.itemsize)
    values = varying_values(flat, element)
    lengths = np.asarray(values.lengths, dtype=LENGTH)
    starts = np.arange(0, (len(flat) + 1) * LENGTH.itemsize, LENGTH.itemsize)
    words = binary(pa.py_buffer(lengths.view(np.uint8)), starts)
    joined = pc.binary_join_element_wise(words, values.data, nothing())
    ends = np.frombuffer(joined.buffers()[1], dtype=np.int64)
    return binary(joined.buffers()[2] or pa.py_buffer(b""), ends[bounds])


def _bounds(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
