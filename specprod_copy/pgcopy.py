"""Polars frames as the bytes of PostgreSQL's binary COPY.

A row of binary COPY is the number of its fields and then, for every field, its length and its
value. Between two fields of varying length everything has a fixed width. So the rows of a frame
are *fixed block, text, fixed block, text, …*: each fixed block is filled for all rows at once as
an array of bytes, and one Arrow kernel joins blocks and texts. The data buffer of its result is
what goes over the wire.

Format: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.columns import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
"""What the data begin with: signature, flags, length of the header extension."""

TRAILER = struct.pack("!h", -1)
"""What the data end with."""

CHUNK_ROWS = 16384
"""Rows to encode at a time: few enough for the blocks to stay in the processor's cache."""

_DIGITS = 10
"""Base-10000 digits sent for a NUMERIC: enough for 128 bits. The server drops leading zeros."""

_UNIX_TO_POSTGRES_US = 946_684_800_000_000
"""Microseconds from 1970-01-01 to 2000-01-01, the epoch of PostgreSQL's timestamps."""

_FIXED: dict[str, np.dtype] = {
    "int2": np.dtype(">i2"),
    "int4": np.dtype(">i4"),
    "int8": np.dtype(">i8"),
    "float4": np.dtype(">f4"),
    "float8": np.dtype(">f8"),
    "bool": np.dtype("u1"),
    "timestamptz": np.dtype(">i8"),
    # ndigits, weight, sign, display scale, digits
    "numeric": np.dtype((">i2", 4 + _DIGITS)),
}
"""Type name to the layout of its value, for types of fixed width."""


def _numeric(series: pl.Series) -> np.ndarray:
    """Return NUMERIC values, shape (n, 4 + `_DIGITS`), for a series of Decimal(38, 0)."""
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
    mask, shift, base = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(10**8)
    limbs = [high >> shift, high & mask, low >> shift, low & mask]
    out = np.empty((len(low), 4 + _DIGITS), dtype=">i2")
    out[:, 0], out[:, 1], out[:, 3] = _DIGITS, _DIGITS - 1, 0
    out[:, 2] = np.where(negative, 0x4000, 0)
    for pair in range(_DIGITS // 2 - 1, -1, -1):
        remainder = np.zeros(len(low), dtype=np.uint64)
        for n, limb in enumerate(limbs):
            remainder = (remainder << shift) | limb
            limbs[n] = remainder // base
            remainder = remainder - limbs[n] * base
        upper = remainder // np.uint64(10**4)
        out[:, 4 + 2 * pair] = upper
        out[:, 5 + 2 * pair] = remainder - upper * np.uint64(10**4)
    return out


def _values(series: pl.Series, column: Column) -> np.ndarray:
    """Return the values of a series, native or already big-endian; nulls are anything."""
    if column.type == "numeric":
        return _numeric(series)
    if column.type == "timestamptz":
        return series.to_physical().to_numpy() - _UNIX_TO_POSTGRES_US
    return series.to_numpy()


def _binary(data: pa.Buffer, offsets: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


class Encoder:
    """Encodes frames for the columns of one table.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the COPY statement, in its order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)

    def encode(self, frame: pl.DataFrame) -> pa.Buffer:
        """Return the rows of a frame as COPY data, without header and trailer.

        Parameters
        ----------
        frame : polars.DataFrame
            As `specprod_copy.columns.conform` returns it.

        Returns
        -------
        pyarrow.Buffer
        """
        n = frame.height
        if n == 0:
            return pa.py_buffer(b"")
        parts: list[pa.Array] = []
        block: list[tuple[str, np.dtype, np.ndarray | int]] = [
            ("fields", np.dtype(">i2"), len(self.columns))
        ]
        for number, column in enumerate(self.columns):
            series = frame[column.name]
            fixed = _FIXED.get(column.type)
            if fixed is not None and not series.null_count():
                block.append((f"{number}n", np.dtype(">i4"), fixed.itemsize))
                block.append((f"{number}", fixed, _values(series, column)))
                continue
            varying = self._text(series) if fixed is None else self._nullable(series, column)
            lengths = np.diff(np.frombuffer(varying.buffers()[1], dtype=np.int64))
            if series.null_count():
                lengths = np.where(series.is_null().to_numpy(), -1, lengths)
            block.append((f"{number}n", np.dtype(">i4"), lengths))
            parts += [self._block(block, n), varying]
            block = []
        if block:
            parts.append(self._block(block, n))
        joined = parts[0]
        if len(parts) > 1:
            joined = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))
        return joined.buffers()[2]

    @staticmethod
    def _block(fields: list[tuple[str, np.dtype, np.ndarray | int]], n: int) -> pa.Array:
        records = np.empty(n, dtype=[(name, dtype) for name, dtype, _ in fields])
        for name, _, values in fields:
            records[name] = values
        width = records.dtype.itemsize
        offsets = np.arange(0, (n + 1) * width, width, dtype=np.int64)
        return _binary(pa.py_buffer(records.view(np.uint8)), offsets)

    @staticmethod
    def _text(series: pl.Series) -> pa.Array:
        """Return text as Arrow binary without gaps, null as empty."""
        if series.null_count():
            series = series.fill_null("")
        array = series.to_arrow(compat_level=pl.CompatLevel.oldest())
        array = array.cast(pa.large_binary())
        offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)
        offsets = offsets[array.offset : array.offset + len(array) + 1]
        data = array.buffers()[2]
        return _binary(
            (data if data is not None else pa.py_buffer(b""))[int(offsets[0]) : int(offsets[-1])],
            np.ascontiguousarray(offsets - offsets[0]),
        )

    @staticmethod
    def _nullable(series: pl.Series, column: Column) -> pa.Array:
        """Return fixed-width values as Arrow binary of which nulls take no bytes."""
        fixed = _FIXED[column.type]
        present = series.drop_nulls()
        values = np.ascontiguousarray(_values(present, column), dtype=fixed.base)
        widths = np.where(series.is_null().to_numpy(), 0, fixed.itemsize)
        offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        return _binary(pa.py_buffer(values.view(np.uint8).ravel()), offsets)
