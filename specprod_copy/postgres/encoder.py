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
from specprod_copy.postgres.encoded_values import (
    FIXED,
    LENGTH,
    Elements,
    array_layout,
    binary,
    fixed_values,
    nothing,
    varying_values,
)

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
"""What the data begin with: signature, flags, length of the header extension."""

TRAILER = struct.pack("!h", -1)
"""What the data end with."""

BLOCK_BYTES = 1 << 20
"""Size of the blocks of fixed width taken together: they fit into a core's second-level cache."""

_ARRAY_BYTES = 1 << 13
"""Longer arrays are not made in blocks: these have room for rows of one size only."""

_ELEMENTS = 1 << 20
"""So many elements of arrays are encoded at a time."""

_LAYOUTS = 8
"""So many are kept."""

_Field = tuple[str, np.dtype, "int | tuple[int, ...] | None"]


class _Block:
    """Fields of fixed width that lie side by side, and the length of the varying one after them.

    Parameters
    ----------
    fields : sequence of (str, numpy.dtype, int, tuple of int or None)
        Key, layout and constant value, in order; those with None are filled for each row.
    rows : int
        How many rows there is room for.
    """

    def __init__(self, fields: Sequence[_Field], rows: int) -> None:
        records = np.empty(rows, [(name, dtype) for name, dtype, _ in fields])
        self._filled = {name: records[name] for name, _, constant in fields if constant is None}
        for name, _, constant in fields:
            if constant is not None:
                records[name] = constant
            elif (names := records[name].dtype.names) is not None:  # Elements of arrays.
                records[name]["length"] = records[name].dtype["value"].itemsize
                self._filled[name] = records[name][names[-1]]
        width = records.itemsize
        offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int64)
        self._array = binary(pa.py_buffer(records.view(np.uint8)), offsets)

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
    sizes : sequence of int or None
        For each column the number of elements in every array, 0 where it has no arrays; None where
        values vary in width.
    """

    def __init__(self, columns: Sequence[Column], sizes: Sequence[int | None]) -> None:
        blocks: list[list[_Field]] = [[("fields", np.dtype(">i2"), len(columns))]]
        for number, (column, size) in enumerate(zip(columns, sizes, strict=True)):
            if size is None:
                blocks[-1].append((f"{number} length", LENGTH, None))
                blocks.append([])
            elif column.element is not None:
                head, elements, in_head = array_layout(column.element, size)
                blocks[-1] += [
                    (f"{number} length", LENGTH, head.itemsize + elements.itemsize),
                    (f"{number} head", head, in_head),
                    (f"{number}", elements, None),
                ]
            else:
                fixed = FIXED[column.type]
                blocks[-1].append((f"{number} length", LENGTH, fixed.itemsize))
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
            yield pc.binary_join_element_wise(*parts, nothing()).buffers()[2]


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
        self._layouts: dict[tuple[int | None, ...], _Layout] = {}

    def row_sizes(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the size of each row as COPY data, shape (frame.height,) [byte]."""
        sizes = np.full(frame.height, 2 + len(self.columns) * LENGTH.itemsize)
        for column in self.columns:
            series = frame[column.name]
            if column.element is not None:
                sizes += varying_values(series, column).lengths.clip(0)
            elif column.type not in FIXED:
                sizes += series.str.len_bytes().fill_null(0).to_numpy()
            elif series.null_count():
                sizes += series.is_not_null().to_numpy() * FIXED[column.type].itemsize
            else:
                sizes += FIXED[column.type].itemsize
        return sizes

    def encode(self, frame: pl.DataFrame) -> Iterator[pa.Buffer]:
        """Yield the rows of a frame as COPY data, without header and trailer.

        Parameters
        ----------
        frame : polars.DataFrame
            As `specprod_copy.postgres.conforming.conform` returns it.

        Yields
        ------
        pyarrow.Buffer
            Whole rows, about `BLOCK_BYTES` of them.
        """
        arrays = [column.name for column in self.columns if column.element is not None]
        n_elements = max((int(frame[name].list.len().sum()) for name in arrays), default=0)
        for part in frame.iter_slices(max(frame.height * _ELEMENTS // max(n_elements, 1), 1)):
            yield from self._encode(part)

    def _encode(self, frame: pl.DataFrame) -> Iterator[pa.Buffer]:
        values: dict[str, np.ndarray] = {}
        texts: list[pa.Array] = []
        sizes: list[int | None] = []
        for number, column in enumerate(self.columns):
            series = frame[column.name]
            size, fixed = _fixed(series, column)
            sizes.append(size)
            if fixed is None:
                field = varying_values(series, column)
                texts.append(field.data)
                values[f"{number} length"] = field.lengths
            else:
                values[f"{number}"] = fixed
        if (layout := self._layouts.get(tuple(sizes))) is None:
            if len(self._layouts) == _LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[tuple(sizes)] = _Layout(self.columns, sizes)
        return layout.encode(values, texts, frame.height)


def _fixed(series: pl.Series, column: Column) -> tuple[int | None, np.ndarray | None]:
    """Return values of one width, and how many elements they have as arrays; else nothing."""
    if series.null_count() or (column.element or column).type not in FIXED:
        return None, None
    if column.element is None:
        return 0, fixed_values(series, column)
    elements = Elements.of(series)
    size = elements.size()
    if not 0 < size <= _ARRAY_BYTES // FIXED[column.element.type].itemsize:
        return None, None
    values = fixed_values(elements.values, column.element)
    return size, values.reshape(len(series), size)
