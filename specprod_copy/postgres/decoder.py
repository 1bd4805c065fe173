"""Bytes of PostgreSQL's binary COPY → Polars frames: what the encoder does, backwards.

Fields of fixed width are asked for first, so that each row begins with a block of the same layout:
Arrow gathers these blocks, NumPy reads them. What follows, text and anything that may be NULL, is
found by its lengths, for all rows at once.

Format: PostgreSQL documentation, COPY, "Binary Format". Nothing is taken from `pgcopy`, so that
its mistakes could not hide here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from psycopg import sql
from psycopg.abc import Buffer

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.columns import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What the data begin with: signature, flags, length of the header extension."""

TRAILER = b"\xff\xff"
"""What the data end with: a row of -1 fields."""

_US_1970_TO_2000 = 946_684_800_000_000

_FIXED: dict[str, np.dtype[Any]] = {
    "int2": np.dtype(">i2"),
    "int4": np.dtype(">i4"),
    "int8": np.dtype(">i8"),
    "float4": np.dtype(">f4"),
    "float8": np.dtype(">f8"),
    "bool": np.dtype("?"),
    "timestamptz": np.dtype(">i8"),
}


class Decoder:
    """Decodes rows of some columns.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the frames, in their order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = list(columns)
        self._fixed = [c for c in columns if c.not_null and c.type in _FIXED]
        self._varying = [c for c in columns if c not in self._fixed]
        fields: list[tuple[str, np.dtype[Any]]] = [("fields", np.dtype(">i2"))]
        for number, column in enumerate(self._fixed):
            fields += [(f"length {number}", np.dtype(">i4")), (f"{number}", _FIXED[column.type])]
        self._block = np.dtype(fields)

    def expressions(self) -> sql.Composed:
        """Return the select list whose rows `decode` takes."""
        return sql.SQL(", ").join(
            sql.SQL("{}::text" if column.type == "numeric" else "{}").format(
                sql.Identifier(column.name)
            )
            for column in (*self._fixed, *self._varying)
        )

    def decode(self, rows: Sequence[Buffer]) -> pl.DataFrame:
        """Return rows as a frame.

        Parameters
        ----------
        rows : sequence of bytes-like
            One row each, without header and trailer.

        Returns
        -------
        polars.DataFrame
            Each column of its `Column.polars_type`. A NUMERIC that is no integer of at most 38
            digits becomes null.

        Raises
        ------
        DatabaseError
            If the rows are not of the form that was asked for.
        """
        if not rows:
            return pl.DataFrame(schema={c.name: c.polars_type for c in self._columns})
        data = b"".join(rows)
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        bounds, lengths = self._cut(data, ends)
        pieces = _binary(pa.py_buffer(data), np.append(bounds, ends[-1]))

        def gather(number: int) -> pa.Array:
            return pieces.take(pa.array(np.arange(number, bounds.size, bounds.shape[1])))

        blocks = np.frombuffer(gather(0).buffers()[2], dtype=self._block)
        if (blocks["fields"] != len(self._columns)).any():
            raise _unexpected()
        series = [_numbers(c, blocks[f"{number}"]) for number, c in enumerate(self._fixed)]
        series += [
            _varying(column, gather(2 * number + 2), lengths[number] < 0)
            for number, column in enumerate(self._varying)
        ]
        return pl.DataFrame(series).select(column.name for column in self._columns)

    def _cut(self, data: bytes, ends: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Find where the pieces of each row begin: block, then length, value, length, value, …

        Returns
        -------
        bounds : numpy.ndarray of int64, shape (rows, 1 + 2 * varying)
        lengths : list of numpy.ndarray, each of shape (rows,)
            Of the values; -1 for NULL.
        """
        starts = np.concatenate([[0], ends[:-1]])
        anywhere = np.ndarray(max(len(data) - 3, 0), dtype=">i4", buffer=data, strides=(1,))
        bounds, lengths = [starts], []
        position = starts + self._block.itemsize
        for _ in self._varying:
            if (position + 4 > ends).any():
                raise _unexpected()
            length = anywhere[position].astype(np.int64)
            bounds += [position, position + 4]
            lengths.append(length)
            position = position + 4 + np.maximum(length, 0)
        if (position != ends).any():
            raise _unexpected()
        return np.stack(bounds, axis=1), lengths


def _unexpected() -> DatabaseError:
    return DatabaseError(
        "the server's COPY data are not rows of the columns asked for; does the table change?"
    )


def _binary(data: pa.Buffer, offsets: np.ndarray) -> pa.Array:
    """Return an Arrow array of the bytes between offsets."""
    return pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), data]
    )


def _numbers(column: Column, values: np.ndarray) -> pl.Series:
    """Return values of fixed width as a series."""
    native = values.astype(values.dtype.newbyteorder("="))
    if column.type == "timestamptz":
        native += _US_1970_TO_2000
    return pl.Series(column.name, native).cast(column.polars_type)


_REAL = 700
"""Object identifier of type real."""


def _arrays(column: Column, values: pa.Array) -> pl.Series:
    """Return arrays of reals, of one dimension and without NULLs; one that is NULL is empty."""
    begin = np.frombuffer(values.buffers()[1], dtype=np.int64)
    begin = begin[values.offset : values.offset + len(values) + 1]
    words = np.frombuffer(values.buffers()[2] or b"", dtype=">i4")
    if (begin % 4).any():
        raise _unexpected()
    starts, ends = begin[:-1] // 4, begin[1:] // 4
    some = ends - starts > 3
    filled = starts[ends > starts]
    if (words[starts[some]] != 1).any() or (words[filled + 1] != 0).any():
        raise DatabaseError(
            f"column {column.name} has arrays of several dimensions, or with NULL elements"
        )
    sizes = np.zeros(len(starts), dtype=np.int64)
    sizes[some] = words[starts[some] + 3]
    if (words[filled + 2] != _REAL).any() or (starts + 5 + 2 * sizes != ends)[some].any():
        raise _unexpected()
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    elements = np.repeat(starts + 5, sizes) + 2 * within
    reals = words[elements + 1].astype(np.int32).view(np.float32)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return pl.Series(column.name, pa.LargeListArray.from_arrays(offsets, reals))


def _varying(column: Column, values: pa.Array, null: np.ndarray) -> pl.Series:
    """Return values that vary in width as a series; a NULL has no bytes."""
    if column.type in _FIXED:
        present = np.frombuffer(values.buffers()[2] or b"", dtype=_FIXED[column.type])
        where = np.where(null, 0, np.cumsum(~null) - 1)
        series = _numbers(column, present).extend_constant(None, 1).gather(where)
    elif column.type == "_float4":
        series = _arrays(column, values)
    else:
        try:
            series = pl.Series(column.name, values.cast(pa.large_string()))
        except pa.ArrowInvalid as error:
            raise DatabaseError(f"column {column.name} holds text that is not UTF-8") from error
        series = series.cast(column.polars_type, strict=False)
    if null.any():
        absent = pl.Series(null)
        return pl.select(pl.when(~absent).then(series).alias(column.name)).to_series()
    return series
