"""Results as VOTable 1.4, its rows in the serialization BINARY2.

A row is a bit for each column, set where the value is null, and then the values: numbers
big-endian, texts and arrays after their length.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.errors import DatabaseError
from specprod_copy.results.column import ResultColumn
from specprod_copy.results.formats.times import time_texts
from specprod_copy.results.formats.writer import Contents, Format
from specprod_copy.results.votable_header import FOOTER, header

_ROWS: Final = 16_384
"""Encoded at a time."""

_LINE: Final = 57 * 1024
"""Bytes that are encoded in base64 at a time, a multiple of 3."""


class VotableWriter:
    """Writes a VOTable."""

    def __init__(self, path: Path, contents: Contents) -> None:
        self._columns = contents.columns
        self._rows = 0
        self._rest = b""
        self._file = path.open("wb")
        self._file.write(header(contents.columns, contents.schema, contents.infos).encode())
        self._file.write(b'<DATA>\n<BINARY2>\n<STREAM encoding="base64">\n')

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        for start in range(0, batch.num_rows, _ROWS):
            part = batch.slice(start, _ROWS)
            self._encode(self._rest + _binary2(self._columns, part, self._rows))
            self._rows += part.num_rows

    def _encode(self, data: bytes, *, last: bool = False) -> None:
        whole = len(data) if last else len(data) - len(data) % _LINE
        for start in range(0, whole, _LINE):
            self._file.write(base64.b64encode(data[start : min(start + _LINE, whole)]) + b"\n")
        self._rest = data[whole:]

    def finish(self) -> None:
        """Write what comes after the rows, and close the file."""
        self._encode(self._rest, last=True)
        self._file.write(b"</STREAM>\n</BINARY2>\n</DATA>\n" + FOOTER.encode())
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _binary2(columns: Sequence[ResultColumn], batch: pa.RecordBatch, first: int) -> bytes:
    """Return rows as BINARY2 has them."""
    nulls = [array.is_null().to_numpy(zero_copy_only=False) for array in batch.columns]
    parts = [_bytes_of(np.packbits(np.column_stack(nulls), axis=1))]
    for column, array in zip(columns, batch.columns, strict=True):
        parts += _parts(column, array, first)
    # Joining bytes is one loop over the rows in C, whatever their lengths.
    rows = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))
    begin, end = _offsets(rows)[[0, -1]]
    return bytes(rows.buffers()[2][begin:end])


def _parts(column: ResultColumn, array: pa.Array, first: int) -> Iterator[pa.Array]:
    """Yield what a column adds to each row: its values, or their lengths and then the values."""
    kind = array.type
    if pa.types.is_list(kind):
        yield from _of_arrays(column, array, first)
    elif pa.types.is_temporal(kind):
        texts = pc.fill_null(time_texts(array), "").cast(pa.large_binary())
        yield from (_lengths(pc.binary_length(texts).to_numpy()), texts)
    elif column.is_exact:
        texts = pc.fill_null(array, "").cast(pa.large_binary())
        yield from (_lengths(pc.binary_length(texts).to_numpy()), texts)
    elif pa.types.is_string(kind):
        texts = _utf16(pc.fill_null(array, ""))
        yield from (_lengths(pc.binary_length(texts).to_numpy() // 2), texts)
    elif pa.types.is_boolean(kind):
        chosen = pc.if_else(array, pa.scalar(b"T"), pa.scalar(b"F"))
        yield pc.fill_null(chosen, b"?").cast(pa.large_binary())
    else:
        yield _bytes_of(_big_endian(array))


def _utf16(texts: pa.Array) -> pa.Array:
    """Return texts as big-endian UTF-16."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        encoded = [text.encode("utf-16-be") for text in texts.to_pylist()]
        return pa.array(encoded, pa.large_binary())
    plain = texts.cast(pa.large_binary())
    offsets = _offsets(plain)
    letters = np.frombuffer(plain.buffers()[2] or b"", "u1")[offsets[0] : offsets[-1]]
    wide = pa.py_buffer(letters.astype(">u2"))
    new = pa.py_buffer((offsets - offsets[0]) * 2)
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(plain), [None, new, wide])


def _of_arrays(column: ResultColumn, array: pa.Array, first: int) -> Iterator[pa.Array]:
    filled = pc.fill_null(array, pa.scalar([], array.type))
    lengths = pc.list_value_length(filled).to_numpy()
    elements = filled.flatten()
    if pa.types.is_boolean(elements.type):
        chosen = pc.if_else(elements, pa.scalar(b"T"), pa.scalar(b"F"))
        values = np.array(pc.fill_null(chosen, b"?").to_pylist(), "S1")
    elif elements.null_count and pa.types.is_integer(elements.type):
        row = pc.list_parent_indices(filled)[pc.index(elements.is_null(), True).as_py()].as_py()
        raise DatabaseError(
            f"column {column.name}, row {first + row} of the result: "
            f"{filled[row].as_py()} has a null, which VOTable does not hold in an array of whole "
            "numbers; write Parquet or FITS"
        )
    else:
        values = _big_endian(elements)
    ends = np.concatenate([[0], np.cumsum(lengths)]) * values.itemsize
    yield _lengths(lengths)
    buffers = [None, pa.py_buffer(ends.astype("i8")), pa.py_buffer(values)]
    yield pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(array), buffers)


def _big_endian(array: pa.Array) -> np.ndarray:
    filled = pc.fill_null(array, np.nan if pa.types.is_floating(array.type) else 0)
    values = filled.to_numpy()
    return values.astype(values.dtype.newbyteorder(">"))


def _bytes_of(values: np.ndarray) -> pa.Array:
    """Return the bytes of each of some values, or of each row of them."""
    values = np.ascontiguousarray(values)
    width = values.dtype.itemsize * (values.shape[1] if values.ndim > 1 else 1)
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [None, pa.py_buffer(values)]
    )
    return fixed.cast(pa.large_binary())


def _lengths(lengths: np.ndarray) -> pa.Array:
    return _bytes_of(lengths.astype(">i4"))


def _offsets(texts: pa.Array) -> np.ndarray:
    return np.frombuffer(texts.buffers()[1], "i8")[texts.offset : texts.offset + len(texts) + 1]


VOTABLE = Format("votable", ".vot", VotableWriter, has_arrays=True)
