"""The columns of a FITS binary table: how they are stored and what they become in Polars.

Rules: FITS standard 4.0, section 7.3. Floats keep every bit: NaN payloads, -0.0, subnormals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.reader.fits_header import integer
from specprod_copy.reader.selection import Fault

TFORM = re.compile(r" *(\d*)([LXBIJKAEDCMPQ])(.*)")
TDIM = re.compile(r"\s*\(([\d\s,]+)\)\s*")

# TFORM letter: element as stored, element in Polars.
STORED: dict[str, tuple[str, pl.DataType]] = {
    "L": ("u1", pl.Boolean()),
    "B": ("u1", pl.UInt8()),
    "I": (">i2", pl.Int16()),
    "J": (">i4", pl.Int32()),
    "K": (">i8", pl.Int64()),
    "E": (">f4", pl.Float32()),
    "D": (">f8", pl.Float64()),
    "A": ("u1", pl.String()),
}

# Letters that exist but cannot be loaded: bits of one element.
FOREIGN_BITS = {"X": 1, "C": 64, "M": 128, "P": 64, "Q": 128}

# (letter, TZERO) of integers of the other signedness: they are stored with the top bit flipped.
FLIPPED: dict[tuple[str, float], pl.DataType] = {
    ("B", -(2**7)): pl.Int8(),
    ("I", 2**15): pl.UInt16(),
    ("J", 2**31): pl.UInt32(),
    ("K", 2**63): pl.UInt64(),
}


@dataclass(frozen=True)
class Column:
    """One column of a binary table.

    Attributes
    ----------
    name : str
        TTYPE in upper case.
    offset, width : int
        Place in the row, bytes.
    stored : str
        NumPy type of one stored element; text is stored as bytes.
    shape : tuple of int
        Shape of one row's value as stored: () for a scalar, (n,) for a vector, (width,) for
        text, (n, width) for a vector of n texts.
    inner : polars.DataType, optional
        Type of one element in Polars; None if the column cannot be read.
    flipped : bool
        Whether the top bit of the stored integers is flipped.
    scaling : tuple of float, optional
        TSCAL and TZERO that make the column Float64.
    null : int, optional
        TNULL: the stored integer that stands for no value.
    problem : str
        Why the column cannot be read.
    """

    name: str
    offset: int
    width: int
    stored: str
    shape: tuple[int, ...] = ()
    inner: pl.DataType | None = None
    flipped: bool = False
    scaling: tuple[float, float] | None = None
    null: int | None = None
    problem: str = ""

    @property
    def vector(self) -> tuple[int, ...]:
        """Shape of one row's value in Polars, () or (n,): several dimensions (TDIM) become one."""
        return self.shape[:-1] if self.inner == pl.String else self.shape

    @property
    def dtype(self) -> pl.DataType:
        """Type of the column in Polars, Unknown if it cannot be read."""
        if self.inner is None:
            return pl.Unknown()
        return pl.Array(self.inner, self.vector) if self.vector else self.inner

    def unreadable(self, problem: str) -> Column:
        """Return this column as one that only takes its place in the row."""
        return replace(self, inner=None, shape=(), problem=problem)


class BadCells(Exception):
    """Stored values of a column without meaning; the table makes an error with their rows of it.

    Parameters
    ----------
    reason : str
        What they are.
    positions : list of int
        Where they are among the values that were to be decoded, ascending.
    values : list of bytes
        As stored.
    """

    def __init__(self, reason: str, positions: list[int], values: list[bytes]) -> None:
        super().__init__(f"{reason}: {values[0]!r}")
        self.reason = reason
        self.positions = positions
        self.values = values


def parse_columns(header: Mapping[str, object], fault: Fault) -> dict[str, Column]:
    """Take the columns of a binary table from its header.

    Parameters
    ----------
    header : mapping
        Keywords of the HDU.
    fault : callable
        Makes the error.

    Returns
    -------
    dict of str to Column
        In file order. What cannot be read is there, too, with its `problem`.

    Raises
    ------
    InputError
        If a TFORM is bad, two names are equal in upper case, or the widths do not add up to
        NAXIS1.
    """
    columns: dict[str, Column] = {}
    offset = 0
    for number in range(1, integer(header, "TFIELDS", fault) + 1):
        # A name is not compulsory: without one the column is called by its number.
        name = str(header.get(f"TTYPE{number}") or f"COL{number}").strip(" ").upper()
        tform = header.get(f"TFORM{number}")
        match = TFORM.fullmatch(tform.upper()) if isinstance(tform, str) else None
        if match is None:
            message = f"damaged header: TFORM{number} is {tform!r}"
            raise fault(message, column=name)
        if name in columns:
            message = "two columns have this name (in upper case)"
            raise fault(message, column=name)
        tdim, *numbers = (
            header.get(f"{key}{number}") for key in ("TDIM", "TSCAL", "TZERO", "TNULL")
        )
        columns[name] = make_column(name, offset, match, tdim, *numbers)
        offset += columns[name].width
    row_bytes = integer(header, "NAXIS1", fault)
    if offset != row_bytes:
        message = f"damaged header: NAXIS1 is {row_bytes} bytes, but the columns take {offset}"
        raise fault(message)
    return columns


def make_column(
    name: str, offset: int, tform: re.Match[str], tdim: Any, tscal: Any, tzero: Any, tnull: Any
) -> Column:
    """Make one column from its matched TFORM and the values of the keywords (None if absent)."""
    repeat, letter, rest = int(tform[1] or 1), tform[2], tform[3].strip()
    if letter in FOREIGN_BITS:
        width = -(-repeat * FOREIGN_BITS[letter] // 8)
        place = Column(name, offset, width, "u1")
        return place.unreadable(f"TFORM {tform[0].strip()} is not supported")
    stored, inner = STORED[letter]
    width = repeat * np.dtype(stored).itemsize
    shape = () if repeat == 1 else (repeat,)
    column = Column(name, offset, width, stored, shape, inner)
    if letter == "A":
        return text_column(column, rest, tdim)
    if letter == "L":
        return column
    return number_column(column, letter, tscal, tzero, tnull)


def text_column(column: Column, rest: str, tdim: Any) -> Column:
    """Complete a text column; TDIM (width, n, ...) makes it a vector of texts."""
    if rest:
        return column.unreadable(f"TFORM {column.width}A{rest} is not supported")
    if not tdim:
        return replace(column, shape=(column.width,))
    match = TDIM.fullmatch(str(tdim))
    sizes = [int(size) for size in re.findall(r"\d+", match[1])] if match else []
    if not sizes or math.prod(sizes) != column.width:
        return column.unreadable(f"TDIM {tdim} does not fit to {column.width} bytes of text")
    width, *count = sizes
    return replace(column, shape=(math.prod(count), width) if count else (width,))


def number_column(column: Column, letter: str, tscal: Any, tzero: Any, tnull: Any) -> Column:
    """Complete a number column by its scaling, its signedness and its null value."""
    scale = 1 if tscal is None else tscal
    zero = 0 if tzero is None else tzero
    null = tnull if letter in "BIJK" else None
    for key, value in (("TSCAL", scale), ("TZERO", zero), ("TNULL", null or 0)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return column.unreadable(f"{key} is {value!r}, not a number")
    if (scale, zero) == (1, 0):
        return column if null is None else replace(column, null=null)
    if null is not None:
        # The standard means the stored value, astropy (reading and writing) the scaled one.
        return column.unreadable("TNULL together with TSCAL or TZERO is read in two ways")
    if scale == 1 and (letter, zero) in FLIPPED:
        return replace(column, inner=FLIPPED[letter, zero], flipped=True)
    return replace(column, inner=pl.Float64(), scaling=(float(scale), float(zero)))


def decode(column: Column, values: np.ndarray) -> pl.Series:
    """Turn stored values of a column into a Polars series.

    Parameters
    ----------
    column : Column
        A column without a problem.
    values : array, shape (rows, *column.shape)
        As stored, but in this machine's byte order, contiguous.

    Returns
    -------
    polars.Series
        Of type `column.dtype`. Text is without trailing blanks and NULs, blank text is ''.

    Raises
    ------
    BadCells
        If text is not UTF-8 or a logical value is neither ``T``, ``F`` nor NUL.
    """
    if column.inner == pl.String:
        return decode_text(column, values)
    nulls = None if column.null is None else values == column.null
    if column.inner == pl.Boolean:
        values = decode_logical(values)
    elif column.flipped:
        values = flip_top_bit(values)
    elif column.scaling:
        scale, zero = column.scaling
        values = values.astype(np.float64) * scale + zero
    series = pl.Series(column.name, values)
    if nulls is None or not nulls.any():
        return series
    flat = pl.Series(column.name, values.reshape(-1))
    nothing = pl.Series([None], dtype=column.inner)
    flat = flat.zip_with(pl.Series(~nulls.reshape(-1)), nothing)
    return flat.reshape((len(values), *column.vector))


def decode_text(column: Column, values: np.ndarray) -> pl.Series:
    """Turn bytes, shape (rows, width) or (rows, n, width), into text.

    Arrow does it, two to three times as fast as Polars.
    """
    width = values.shape[-1]
    count = math.prod(values.shape[:-1])
    fixed = pa.Array.from_buffers(pa.binary(width), count, [None, pa.py_buffer(values)])
    try:
        text = fixed.cast(pa.large_string())
    except pa.ArrowInvalid:
        raise bad_text(values.reshape(count, width), count // max(len(values), 1)) from None
    series = pl.Series(column.name, pc.ascii_rtrim(text, " \0"))
    return series.reshape((len(values), *column.vector)) if column.vector else series


def bad_text(cells: np.ndarray, per_row: int) -> BadCells:
    """Find those of the cells, shape (n, width), that are not UTF-8; in each row the first one."""
    found: dict[int, bytes] = {}
    for i, cell in enumerate(cells):
        try:
            cell.tobytes().decode()
        except UnicodeDecodeError:
            found.setdefault(i // per_row, cell.tobytes())
    assert found, "Arrow refused text that Python takes for UTF-8"
    return BadCells("text that is not UTF-8", [*found], [*found.values()])


def decode_logical(values: np.ndarray) -> np.ndarray:
    """Turn logical bytes into booleans. NUL (undefined) is false, as astropy reads it.

    Other bytes are refused, for readers disagree: astropy says false, CFITSIO the byte's value.
    """
    true = values == ord("T")
    strange = ~true & (values != ord("F")) & (values != 0)
    if strange.any():
        found: dict[int, bytes] = {}
        for position, byte in zip(np.argwhere(strange)[:, 0], values[strange], strict=True):
            found.setdefault(int(position), bytes([byte]))
        reason = "a logical value that is neither T, F nor NUL"
        raise BadCells(reason, [*found], [*found.values()])
    return true


def flip_top_bit(values: np.ndarray) -> np.ndarray:
    """Turn signed integers into unsigned ones and unsigned bytes into signed ones."""
    bits = values.view(f"u{values.itemsize}")
    flipped = bits ^ bits.dtype.type(1 << (8 * values.itemsize - 1))
    return flipped if values.dtype.kind == "i" else flipped.view("i1")
