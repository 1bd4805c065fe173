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

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.decoded_values import FIXED, binary, numbers, unexpected, varying

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What the data begin with: signature, flags, length of the header extension."""

TRAILER = b"\xff\xff"
"""What the data end with: a row of -1 fields."""

_AS_TEXT = {
    **{"numeric": "{}::text", "_numeric": "{}::text[]"},
    **{"bpchar": "{}::text", "_bpchar": "{}::text[]"},
}
"""Types that come as text, which has none of the blanks that fill up char(n)."""


class Decoder:
    """Decodes rows of some columns.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the frames, in their order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = list(columns)
        self._fixed = [c for c in columns if c.not_null and c.type in FIXED]
        self._varying = [c for c in columns if c not in self._fixed]
        fields: list[tuple[str, np.dtype[Any]]] = [("fields", np.dtype(">i2"))]
        for number, column in enumerate(self._fixed):
            fields += [(f"length {number}", np.dtype(">i4")), (f"{number}", FIXED[column.type])]
        self._block = np.dtype(fields)

    def expressions(self) -> sql.Composed:
        """Return the select list whose rows `decode` takes."""
        return sql.SQL(", ").join(
            sql.SQL(_AS_TEXT.get(column.type, "{}")).format(sql.Identifier(column.name))
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
            Each column of its `Column.polars_type`. A NUMERIC that is no whole number of at most
            38 digits becomes `decoded_values.NO_WHOLE_NUMBER`.

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
        pieces = binary(pa.py_buffer(data), np.append(bounds, ends[-1]))

        def gather(number: int) -> pa.Array:
            return pieces.take(pa.array(np.arange(number, bounds.size, bounds.shape[1])))

        blocks = np.frombuffer(gather(0).buffers()[2], dtype=self._block)
        if (blocks["fields"] != len(self._columns)).any():
            raise unexpected()
        series = [numbers(c, blocks[f"{number}"]) for number, c in enumerate(self._fixed)]
        series += [
            varying(column, gather(2 * number + 2), lengths[number] < 0)
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
                raise unexpected()
            length = anywhere[position].astype(np.int64)
            bounds += [position, position + 4]
            lengths.append(length)
            position = position + 4 + np.maximum(length, 0)
        if (position != ends).any():
            raise unexpected()
        return np.stack(bounds, axis=1), lengths
