"""Polars frames as the bytes of PostgreSQL's binary COPY.

A row of binary COPY is the number of its fields and then, for every field, its length and its
value. Between two fields of varying length everything has a fixed width. So the rows of a frame
are *fixed block, text, fixed block, text, …*: each fixed block is filled for some thousand rows at
once as an array of bytes, and one Arrow kernel joins blocks and texts. The data buffer of its
result is what goes over the wire.

Two things make that fast. The blocks stay in the processor's cache while one column after the
other is written into them. And they are used again and again: the lengths of fields of fixed width
are there since the first time.

Format: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.postgres.columns import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
"""What the data begin with: signature, flags, length of the header extension."""

TRAILER = struct.pack("!h", -1)
"""What the data end with."""

CHUNK_ROWS = 16384
"""Rows of a frame to encode: enough to make the cost of calling Polars and NumPy small."""

BLOCK_BYTES = 1 << 20
"""Size of the blocks of fixed width taken together: they fit into a core's second-level cache."""

_DIGITS = 10
"""Base-10000 digits sent for a NUMERIC: enough for 128 bits. The server drops leading zeros."""

_UNIX_TO_POSTGRES_US = 946_684_800_000_000
"""Microseconds from 1970-01-01 to 2000-01-01, the epoch of PostgreSQL's timestamps."""

_LENGTH = np.dtype(">i4")
"""Layout of a field's length."""

_FIXED: dict[str, np.dtype] = {
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
    return out.view(_FIXED["numeric"]).reshape(-1)


class _Varying(NamedTuple):
    """A field of varying width: Arrow binary, and the length of each value, -1 for null."""

    data: pa.Array
    lengths: np.ndarray


def _values(series: pl.Series, column: Column) -> np.ndarray:
    """Return the values of a series, native or already big-endian; there are no nulls."""
    if column.type == "numeric":
        return _numeric(series)
    if column.type == "timestamptz":
        return series.to_physical().to_numpy() - _UNIX_TO_POSTGRES_US
    return series.to_numpy()


def _nothing() -> pa.Scalar:
    """Return what stands between parts that are joined (pyarrow.scalar would import pandas)."""
    return _binary(pa.py_buffer(b""), np.zeros(2, dtype=np.int64))[0]


def _binary(data: pa.Buffer, offsets: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


def _text(series: pl.Series) -> _Varying:
    """Return text as Arrow binary without gaps, null as empty."""
    filled = series.fill_null("") if series.null_count() else series
    array = filled.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_binary())
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)
    return _varying(series, array, offsets[array.offset : array.offset + len(array) + 1])


_ELEMENT = 700
"""Object identifier of type real: it is the same in all servers."""


def _array(series: pl.Series) -> _Varying:
    """Return arrays of reals as Arrow binary: dimensions, then each element with its length."""
    lists = (series.fill_null([]) if series.null_count() else series).rechunk().to_arrow()
    offsets = np.frombuffer(lists.buffers()[1], dtype=np.int64)
    offsets = offsets[lists.offset : lists.offset + len(lists) + 1]
    sizes = np.diff(offsets)
    # In words of 4 bytes; an empty array has no dimension, and so neither size nor lower bound.
    there = series.is_not_null().to_numpy()
    words = np.where(sizes > 0, 5 + 2 * sizes, np.where(there, 3, 0))
    ends = np.cumsum(words)
    starts = ends - words
    data = np.zeros(int(words.sum()), dtype=">i4")
    data[starts[there] + 2] = _ELEMENT
    some = sizes > 0
    data[starts[some]] = 1
    data[starts[some] + 3] = sizes[some]
    data[starts[some] + 4] = 1
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    places = np.repeat(starts + 5, sizes) + 2 * within
    data[places] = 4
    elements = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    data[places + 1] = elements.astype(np.float32).view(np.int32)
    positions = np.concatenate([[0], 4 * ends]).astype(np.int64)
    return _varying(series, _binary(pa.py_buffer(data.view(np.uint8)), positions), positions)


def _nullable(series: pl.Series, column: Column) -> _Varying:
    """Return fixed-width values as Arrow binary of which nulls take no bytes."""
    fixed = _FIXED[column.type]
    values = np.ascontiguousarray(_values(series.drop_nulls(), column), dtype=fixed)
    widths = np.where(series.is_null().to_numpy(), 0, fixed.itemsize)
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    return _varying(series, _binary(pa.py_buffer(values.view(np.uint8)), offsets), offsets)


def _varying(series: pl.Series, data: pa.Array, offsets: np.ndarray) -> _Varying:
    lengths = np.diff(offsets)
    if series.null_count():
        lengths = np.where(series.is_null().to_numpy(), -1, lengths)
    return _Varying(data, lengths)


class _Block:
    """Fields of fixed width that lie side by side, and the length of the varying one after them.

    Parameters
    ----------
    fields : sequence of (str, numpy.dtype, int or None)
        Key, layout and constant value, in order; those with None are filled for each row.
    rows : int
        How many rows there is room for.
    """

    def __init__(self, fields: Sequence[tuple[str, np.dtype, int | None]], rows: int) -> None:
        records = np.empty(rows, [(name, dtype) for name, dtype, _ in fields])
        self._filled = {name: records[name] for name, _, constant in fields if constant is None}
        for name, _, constant in fields:
            if constant is not None:
                records[name] = constant
        width = records.itemsize
        offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int64)
        self._array = _binary(pa.py_buffer(records.view(np.uint8)), offsets)

    def fill(self, values: Mapping[str, np.ndarray], rows: slice) -> pa.Array:
        """Return the block for some rows; it is good until the next call."""
        n = rows.stop - rows.start
        for name, field in self._filled.items():
            field[:n] = values[name][rows]
        return self._array[:n]


class _Layout:
    """The blocks of a table's rows, given which columns vary in width.

    Parameters
    ----------
    columns : sequence of Column
    varying : sequence of bool
        For each column.
    """

    def __init__(self, columns: Sequence[Column], varying: Sequence[bool]) -> None:
        blocks: list[list[tuple[str, np.dtype, int | None]]]
        blocks = [[("fields", np.dtype(">i2"), len(columns))]]
        for number, (column, varies) in enumerate(zip(columns, varying, strict=True)):
            if varies:
                blocks[-1].append((f"{number} length", _LENGTH, None))
                blocks.append([])
            else:
                fixed = _FIXED[column.type]
                blocks[-1].append((f"{number} length", _LENGTH, fixed.itemsize))
                blocks[-1].append((f"{number}", fixed, None))
        width = sum(dtype.itemsize for block in blocks for _, dtype, _ in block)
        self._rows = max(BLOCK_BYTES // width, 1)
        self._blocks = [_Block(block, self._rows) for block in blocks if block]

    def encode(
        self, values: Mapping[str, np.ndarray], texts: Sequence[pa.Array], n: int
    ) -> Iterator[pa.Buffer]:
        """Yield COPY data of `n` rows, given what varies by key, and the texts between blocks."""
        for start in range(0, n, self._rows):
            rows = slice(start, min(start + self._rows, n))
            blocks = [block.fill(values, rows) for block in self._blocks]
            pieces = [text[rows] for text in texts]
            parts = [*blocks, *pieces]
            parts[::2], parts[1::2] = blocks, pieces
            yield pc.binary_join_element_wise(*parts, _nothing()).buffers()[2]


class Encoded(NamedTuple):
    """Rows as COPY data without header and trailer, in pieces."""

    data: Sequence[pa.Buffer | bytes]
    rows: int


class Encoder:
    """Encodes frames for the columns of one table; for one thread at a time.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the COPY statement, in its order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._layouts: dict[tuple[bool, ...], _Layout] = {}

    def row_sizes(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the size of each row as COPY data, shape (frame.height,) [byte]."""
        sizes = np.full(frame.height, 2 + len(self.columns) * _LENGTH.itemsize)
        for column in self.columns:
            series = frame[column.name]
            if isinstance(series.dtype, pl.List):
                sizes += _array(series).lengths.clip(0)
            elif column.type not in _FIXED:
                sizes += series.str.len_bytes().fill_null(0).to_numpy()
            elif series.null_count():
                sizes += series.is_not_null().to_numpy() * _FIXED[column.type].itemsize
            else:
                sizes += _FIXED[column.type].itemsize
        return sizes

    def encode(self, frame: pl.DataFrame) -> Iterator[pa.Buffer]:
        """Yield the rows of a frame as COPY data, without header and trailer.

        Parameters
        ----------
        frame : polars.DataFrame
            As `specprod_copy.postgres.columns.conform` returns it.

        Yields
        ------
        pyarrow.Buffer
            Whole rows, about `BLOCK_BYTES` of them.
        """
        values: dict[str, np.ndarray] = {}
        texts: list[pa.Array] = []
        varying = []
        for number, column in enumerate(self.columns):
            series = frame[column.name]
            varies = column.type not in _FIXED or series.null_count() > 0
            varying.append(varies)
            if varies:
                if isinstance(series.dtype, pl.List):
                    field = _array(series)
                else:
                    field = _nullable(series, column) if column.type in _FIXED else _text(series)
                texts.append(field.data)
                values[f"{number} length"] = field.lengths
            else:
                values[f"{number}"] = _values(series, column)
        layout = self._layouts.get(tuple(varying)) or _Layout(self.columns, varying)
        self._layouts[tuple(varying)] = layout
        return layout.encode(values, texts, frame.height)
