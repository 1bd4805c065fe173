"""Results as a FITS binary table of fixed width.

Units and descriptions go into TUNITn and TCOMMn as they are: astropy would leave out units that are
not of the standard, such as nanomaggy. The number of rows is written in the end. Text is as wide as
the column of the database allows. Where that has no limit, and for arrays, the rows wait in a file
of Arrow's beside until the widths are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.errors import DatabaseError
from specprod_copy.results.column import ID_CHARACTERS, ResultColumn
from specprod_copy.results.formats.times import WIDTH, time_texts
from specprod_copy.results.formats.writer import Contents, Format
from specprod_copy.words import escaped

_BLOCK: Final = 2880

_MOST_COLUMNS: Final = 999

_CODES: Final = {"b": "L", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
"""NumPy's codes of types to those of FITS."""

_ROWS: Final = 16_384
"""Rows that are made at a time, at most."""

_BYTES: Final = 8 << 20
"""About so much is made at a time: one long text makes all rows wide."""


class FitsWriter:
    """Writes a table in the first extension."""

    def __init__(self, path: Path, contents: Contents) -> None:
        self._contents = contents
        self._rows = 0
        if len(contents.columns) > _MOST_COLUMNS:
            raise DatabaseError(
                f"{len(contents.columns)} columns, and a table of FITS has {_MOST_COLUMNS} at most"
            )
        for column in contents.columns:
            if not column.name.isascii() or not column.name.isprintable():
                raise DatabaseError(
                    f"column {column.name!r}: FITS holds no such name; name it in ASCII by AS"
                )
        known = [_width(column) for column in contents.columns]
        self._widths = [width or 0 for width in known]
        self._file = path.open("wb")
        self._spool: Any = None
        if None in known:
            self._beside = path.with_name(f"{path.name}.arrow")
            # Opened by itself: the spool leaves its file open when it is closed.
            self._spool_file = pa.OSFile(str(self._beside), "wb")
            self._spool = pa.ipc.new_file(self._spool_file, contents.schema)
        else:
            self._begin()

    def _begin(self) -> None:
        fields = zip(self._contents.columns, self._widths, self._contents.schema, strict=True)
        layout: list[Any] = [
            (f"f{n}", *_layout(column, width, field.type))
            for n, (column, width, field) in enumerate(fields)
        ]
        self._dtype = np.dtype(layout)
        self._file.write(self._header(0))

    def _header(self, rows: int) -> bytes:
        """Return the headers of the empty primary HDU and of the table."""
        from astropy.io import fits

        primary = fits.PrimaryHDU()
        for name, text in self._contents.infos.items():
            primary.header.add_history(f"{name}: {_plain(text)}")
        header = fits.Header()
        header["XTENSION"] = "BINTABLE"
        header["BITPIX"] = 8
        header["NAXIS"] = 2
        header["NAXIS1"] = self._dtype.itemsize
        header["NAXIS2"] = rows
        header["PCOUNT"] = 0
        header["GCOUNT"] = 1
        header["TFIELDS"] = len(self._contents.columns)
        header["EXTNAME"] = "RESULT"
        for n, column in enumerate(self._contents.columns, 1):
            for keyword, value in _cards(column, self._dtype[n - 1]).items():
                header[f"{keyword}{n}"] = value
        return primary.header.tostring().encode() + header.tostring().encode()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        if self._spool is None:
            self._write_rows(batch)
            return
        for n, array in enumerate(batch.columns):
            kind = array.type
            if pa.types.is_list(kind):
                self._widths[n] = max(
                    self._widths[n], pc.max(pc.list_value_length(array)).as_py() or 0
                )
            elif pa.types.is_string(kind):
                self._widths[n] = max(self._widths[n], pc.max(pc.binary_length(array)).as_py() or 0)
        self._spool.write(batch)

    def _write_rows(self, batch: pa.RecordBatch) -> None:
        at_once = max(1, min(_ROWS, _BYTES // max(1, self._dtype.itemsize)))
        for start in range(0, batch.num_rows, at_once):
            part = batch.slice(start, at_once)
            rows = np.zeros(part.num_rows, self._dtype)
            for n, (column, array) in enumerate(
                zip(self._contents.columns, part.columns, strict=True)
            ):
                rows[f"f{n}"] = _values(column, array, self._dtype[n], self._rows)
            self._rows += len(rows)
            self._file.write(rows.data)  # NumPy's tofile tells nothing of a full disk at its end

    def finish(self) -> None:
        """Write the rows that waited, the padding, and the number of rows; close the file."""
        if self._spool is not None:
            self._close_spool()
            self._begin()
            for batch in _read(self._beside):
                self._write_rows(batch)
            self._beside.unlink()
        self._file.write(bytes(-self._rows * self._dtype.itemsize % _BLOCK))
        self._file.seek(0)
        self._file.write(self._header(self._rows))
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._spool is not None:
            self._close_spool()

    def _close_spool(self) -> None:
        with self._spool_file:
            self._spool.close()


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as spool:
        for n in range(spool.num_record_batches):
            yield spool.get_batch(n)


def _width(column: ResultColumn) -> int | None:
    """Return the characters of a text, 0 for a number, None for what has to be seen first."""
    if column.is_array:
        return None
    if column.is_exact:
        digits, behind = column.digits or (0, 0)
        return max(ID_CHARACTERS, digits + abs(behind) + 3)
    if column.arrow is not None and pa.types.is_temporal(column.arrow):
        return WIDTH
    return column.max_length if column.is_text else 0


def _layout(column: ResultColumn, width: int, kind: pa.DataType) -> tuple[Any, ...]:
    """Return NumPy's type of a field, and its shape if it is an array."""
    if pa.types.is_string(kind) or pa.types.is_temporal(kind):
        return (f"S{max(width, 1)}",)
    element = kind.value_type if pa.types.is_list(kind) else kind
    code = "u1" if pa.types.is_boolean(element) else np.dtype(element.to_pandas_dtype()).str[1:]
    shape = ((width,),) if pa.types.is_list(kind) else ()
    return (f">{code}" if code != "u1" else "u1", *shape)


def _cards(column: ResultColumn, field: np.dtype) -> dict[str, object]:
    """Return the keywords of a column."""
    base, shape = field.subdtype or (field, ())
    code = _CODES.get(base.str[1:], "L")
    count = base.itemsize if base.kind == "S" else shape[0] if shape else 1
    meaning = column.meaning
    cards: dict[str, object] = {"TTYPE": column.name}
    cards["TFORM"] = f"{count}A" if base.kind == "S" else f"{count if shape else ''}{code}"
    if base.kind == "i":
        cards["TNULL"] = int(np.iinfo(base).min)
    told = {"TUNIT": meaning.unit, "TCOMM": meaning.description, "TUCD": meaning.ucd}
    return cards | {keyword: _plain(text) for keyword, text in told.items() if text}


def _plain(text: str) -> str:
    """Return a text as a header holds it."""
    return escaped(text).encode("ascii", "backslashreplace").decode()


def _values(column: ResultColumn, array: pa.Array, field: np.dtype, first: int) -> np.ndarray:
    """Return the values of some rows as FITS has them."""
    kind = array.type
    if pa.types.is_list(kind):
        return _vectors(column, array, field, first)
    if pa.types.is_temporal(kind):
        array = time_texts(array)
    if pa.types.is_string(array.type):
        return _texts(column, array, field.itemsize, first)
    return _numbers(column, array, first)


def _texts(column: ResultColumn, array: pa.Array, width: int, first: int) -> np.ndarray:
    texts = pc.fill_null(array, "")
    plain = pc.string_is_ascii(texts)
    if not pc.all(plain).as_py():
        row = pc.index(plain, False).as_py()
        raise DatabaseError(
            f"column {column.name}, row {first + row} of the result: {texts[row].as_py()!r} is not "
            "ASCII, which FITS does not hold; write Parquet or VOTable"
        )
    long = pc.greater(pc.binary_length(texts), width)
    if pc.any(long).as_py():  # NumPy would cut it
        row = pc.index(long, True).as_py()
        raise DatabaseError(
            f"column {column.name}, row {first + row} of the result: longer than {column.written} "
            "allows, as its table was changed meanwhile; run the query again"
        )
    return np.array(texts.to_numpy(zero_copy_only=False), "S")


def _numbers(column: ResultColumn, array: pa.Array, first: int) -> np.ndarray:
    kind = array.type
    if pa.types.is_boolean(kind):
        letters = np.where(
            pc.fill_null(array, False).to_numpy(zero_copy_only=False), ord("T"), ord("F")
        )
        letters[array.is_null().to_numpy(zero_copy_only=False)] = 0
        return letters
    if pa.types.is_floating(kind):
        return pc.fill_null(array, np.nan).to_numpy()
    least = int(np.iinfo(kind.to_pandas_dtype()).min)
    taken = pc.index(array, pa.scalar(least, kind)).as_py()
    if taken >= 0:
        raise DatabaseError(
            f"column {column.name}, row {first + taken} of the result: {least} stands for null in "
            "FITS; write another format"
        )
    return pc.fill_null(array, least).to_numpy()


def _vectors(column: ResultColumn, array: pa.Array, field: np.dtype, first: int) -> np.ndarray:
    width = field.shape[0]
    # Null is an array of nothing but nulls.
    array = pc.fill_null(array, pa.scalar([None] * width, array.type))
    lengths = pc.list_value_length(array).to_numpy()
    if (lengths != width).any():
        row = int(np.argmax(lengths != width))
        raise DatabaseError(
            f"column {column.name}, row {first + row} of the result: {lengths[row]} elements, and "
            f"{width} in another row; a column of FITS has arrays of one length: write Parquet or "
            "VOTable"
        )
    return _numbers(column, array.flatten(), first).reshape(len(array), width)


FITS = Format("fits", ".fits", FitsWriter, has_arrays=True, ignores_case=True)
