"""Text tables, CSV and ECSV, behind the same interface as FITS tables.

They are small (a row per tile or exposure), so they are held in memory as a whole.
"""

from __future__ import annotations

import csv
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from specprod_copy.errors import BadRows, BadRowsError, InputError
from specprod_copy.reader.content import digest_of
from specprod_copy.reader.files import RATHER_FITS, read_text_file
from specprod_copy.reader.fits_columns import MAX_COLUMNS
from specprod_copy.reader.memory_table import MemoryTable, Unreadable
from specprod_copy.reader.selection import Fault, RowNumbers

INTEGER = r"^[+-]?\d+$"
LOGICAL = {"true": 1, "t": 1, "1": 1, "false": 0, "f": 0, "0": 0}

MOST_FIELDS = 1 << 22
"""Longer text tables are not read: they are held in memory."""

_PART_ROWS = 1 << 12

_ECSV_BYTES = 1 << 23
"""Astropy takes some thirty times the size of such a file."""

_ECSV_HEADER_BYTES = 1 << 18
"""To read a header takes a second for each 100 kB; those that are known have less than 10 kB."""

# NumPy kind and size of an ECSV column: element type in Polars.
ELEMENTS: dict[str, pl.DataType] = {
    "b1": pl.Boolean(),
    "i1": pl.Int8(),
    "i2": pl.Int16(),
    "i4": pl.Int32(),
    "i8": pl.Int64(),
    "u1": pl.UInt8(),
    "u2": pl.UInt16(),
    "u4": pl.UInt32(),
    "u8": pl.UInt64(),
    "f4": pl.Float32(),
    "f8": pl.Float64(),
}


class CsvTable(MemoryTable):
    """A table of texts, which are read as what they are wanted to be, or by a guess."""

    def __init__(self, path: Path, texts: Sequence[pl.Series], digest: str = "") -> None:
        super().__init__(path, [infer(text) for text in texts], digest=digest)
        self._texts = {text.name.upper(): text for text in texts}
        self._bad: dict[str, tuple[str, np.ndarray]] = {}

    def want(self, types: Mapping[str, pl.DataType]) -> pl.Schema:
        """See `specprod_copy.reader.Described.want`."""
        for name in types.keys() & self._texts.keys():
            values, reason = read_as(self._texts[name], types[name])
            self._frame = self._frame.with_columns(values.alias(name))
            self._bad.pop(name, None)
            bad = (values.is_null() & self._texts[name].is_not_null()).to_numpy()
            if bad.any():
                self._bad[name] = reason, bad
        self.schema = self._frame.schema
        return self.schema

    def _part(self, names: Sequence[str], rows: RowNumbers) -> pl.DataFrame:
        numbers = np.asarray(rows)
        for name in names:
            reason, bad = self._bad.get(name, ("", None))
            if bad is not None and bad[numbers].any():
                wrong = numbers[bad[numbers]]
                values = self._texts[name].gather(wrong).to_list()
                found = BadRows(reason, wrong.tolist(), values)
                raise BadRowsError.of(found, path=self.path, hdu=self.hdu, column=name)
        return super()._part(names, rows)


def open_csv(path: Path) -> CsvTable:
    """Read a CSV table with a header line.

    Blanks around names and values are dropped, blank lines skipped, an empty field is null. A first
    column without a name, as tools write that number the rows, is left out, and so is a last one,
    which a comma at the end of each line makes. Columns
    that are not wanted as something (`CsvTable.want`) are guessed: one of whole numbers becomes
    Int64, one of numbers (``nan`` and ``inf`` among them) Float64, else it is text. Whole numbers
    beyond Int64 stay text, so that no digit is lost.
    """
    fault = partial(InputError, path=path)
    data = read_text_file(path)
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.end]
        raise fault(f"line {line} is not UTF-8: {found!r}") from error
    lines = csv_lines(data, fault)
    names = _names(next(lines, None), fault)
    parts = [pl.DataFrame(schema=dict.fromkeys(map(str, range(len(names))), pl.String))]
    # Texts of Python take ten times the memory of those of a frame.
    while rows := [[field or None for field in row] for row in islice(lines, _PART_ROWS)]:
        parts.append(pl.DataFrame(rows, schema=parts[0].schema, orient="row"))
    columns = pl.concat(parts).get_columns()
    texts = [column.alias(name) for name, column in zip(names, columns, strict=True) if name]
    return CsvTable(path, texts, digest=digest_of(data))


def csv_lines(data: bytes, fault: Fault) -> Iterator[list[str]]:
    """Yield lines of equally many fields, without the blanks around them."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
    reader = csv.reader(text, skipinitialspace=True, strict=True)
    n_names = n_fields = 0
    try:
        for fields in reader:
            if not fields or (len(fields) == 1 and not fields[0].strip()):
                continue
            n_names = n_names or len(fields)
            if len(fields) != n_names:
                line = f"line {reader.line_num} has {len(fields)} fields"
                raise fault(f"{line}, but the header line has {n_names}")
            n_fields += n_names
            if n_fields > MOST_FIELDS:
                raise fault(f"is a text table of more than {MOST_FIELDS:,} fields: {RATHER_FITS}")
            yield [field.strip() for field in fields]
    except csv.Error as error:
        raise fault(f"line {reader.line_num} is not CSV: {error}") from error


def _names(header: list[str] | None, fault: Fault) -> list[str]:
    """Return the names in a header line."""
    if header is None:
        raise fault("has no header line")
    if "" in header[1:-1] or not any(header):
        raise fault(f"column {header.index('', 1) + 1} has no name in the header line")
    if len(header) > MAX_COLUMNS:
        raise fault(f"has {len(header):,} columns, and at most {MAX_COLUMNS} may be")
    return header


def read_as(text: pl.Series, dtype: pl.DataType) -> tuple[pl.Series, str]:
    """Read a column as a type; return also what a value is not that becomes null."""
    if dtype == pl.Boolean:
        known = text.str.to_lowercase().replace_strict(LOGICAL, default=None)
        return known.cast(pl.Boolean), "neither true nor false"
    if dtype.is_float():
        return text.cast(pl.Float64, strict=False), "not a number"
    if not dtype.is_integer():
        return text, ""
    whole = text.cast(pl.Int64, strict=False)
    if whole.null_count() > text.null_count():
        numbers = text.cast(pl.Float64, strict=False)  # 7.0 is a whole number, too
        if numbers.null_count() == text.null_count():
            return numbers, ""
    return whole, "not a whole number"


def infer(text: pl.Series) -> pl.Series:
    """Give a column the narrowest of the types Int64, Float64, String that holds all its values."""
    nulls = text.null_count()
    if nulls == len(text):
        return text
    for dtype in (pl.Int64, pl.Float64):
        numbers = text.cast(dtype, strict=False)
        if numbers.null_count() == nulls:
            return numbers
        if text.str.contains(INTEGER).all():  # too large for Int64; Float64 would round them
            return text
    return text


def open_ecsv(path: Path) -> MemoryTable:
    """Read an ECSV table; masked values become null, units are ignored."""
    # Takes half a second, and few runs need it.
    from astropy.io.ascii.ecsv import InvalidEcsvDatatypeWarning
    from astropy.table import Table

    fault = partial(InputError, path=path)
    text = read_text_file(path, _ECSV_BYTES)
    header = sum(len(line) for line in takewhile(_is_header, io.BytesIO(text)))
    if header > _ECSV_HEADER_BYTES:
        raise fault(f"has a header of {header:,} bytes, and at most {_ECSV_HEADER_BYTES:,} may be")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InvalidEcsvDatatypeWarning)
            # Such a column can be read by astropy, if not here.
            warnings.filterwarnings("ignore", "unexpected datatype 'complex")
            table = Table.read(io.BytesIO(text), format="ascii.ecsv")
    except (LookupError, TypeError, ValueError, csv.Error, InvalidEcsvDatatypeWarning) as error:
        reason = str(error).partition("\n")[0]
        raise fault(f"not an ECSV table: {reason}{_row_of_cell(text, reason)}") from error
    columns: list[pl.Series | Unreadable] = []
    for name in table.colnames:
        try:
            columns.append(from_astropy(name, table[name], fault))
        except InputError as error:
            columns.append(Unreadable(name, error.message))
    return MemoryTable(path, columns, dict(table.meta), digest=digest_of(text))


def _is_header(line: bytes) -> bool:
    return line.startswith(b"#")


def _row_of_cell(table: bytes, reason: str) -> str:
    """Return which row of an ECSV table has the cell that astropy could not convert, if it can."""
    found = re.fullmatch(r"column '(.+)' failed to convert: .*: ['\"](.*)['\"]", reason)
    lines = table.decode(errors="replace").splitlines()
    if found is None:
        return ""
    comma = any(re.match(r"# delimiter: ','", line) for line in lines)
    data = (line for line in lines if line.strip() and not line.startswith("#"))
    names, *rows = csv.reader(data, delimiter="," if comma else " ", skipinitialspace=True)
    place = names.index(found[1]) if found[1] in names else len(names)
    bad = (n for n, row in enumerate(rows) if row[place : place + 1] == [found[2]])
    return next((f" (row {n}; rows counted from 0)" for n in bad), "")


def from_astropy(name: str, column: Any, fault: Fault) -> pl.Series:
    """Turn a column of an astropy table into a series; several dimensions become one."""
    dtype = getattr(column, "dtype", None)
    kind = "" if dtype is None else f"{dtype.kind}{dtype.itemsize}"
    if kind not in ELEMENTS and not kind.startswith("U"):
        what = type(column).__name__ if dtype is None else dtype
        raise fault(f"type {what} is not supported", column=name)
    values = np.ma.getdata(column)
    width = math.prod(values.shape[1:])
    flat = values.reshape(-1)
    if kind in ELEMENTS:
        series = pl.Series(name, np.array(flat), dtype=ELEMENTS[kind])
    else:
        series = pl.Series(name, flat.tolist(), dtype=pl.String)
    masked = np.ma.getmaskarray(column).reshape(-1)
    if masked.any():
        series = series.zip_with(pl.Series(~masked), pl.Series([None], dtype=series.dtype))
    # As in FITS, a vector of one element is that element.
    return series.reshape((len(values), width)) if values.ndim > 1 and width != 1 else series
