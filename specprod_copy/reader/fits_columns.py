"""The columns of a FITS binary table: how they are stored and what they become in Polars.

Rules: FITS standard 4.0, section 7.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

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

MAX_COLUMNS = 999
"""By the standard; a damaged TFIELDS shall not cost memory."""

KEYWORDS = ("TTYPE", "TFORM", "TDIM", "TSCAL", "TZERO", "TNULL")
"""What describes a column; each with the column's number behind it."""

# Letters that exist but cannot be loaded: bits of one element, and what it is.
FOREIGN = {"X": (1, "bits"), "C": (64, "complex numbers"), "M": (128, "complex numbers")}

DESCRIPTORS = {"P": ">i4", "Q": ">i8"}
"""Letters of arrays in the heap: NumPy type of their number of elements and their place there."""

IN_HEAP = re.compile(r"([LXBIJKAEDCM])(?: *\( *\d* *\))?")
"""What follows such a letter: that of the elements, and the number of the longest array's."""

# (letter, TZERO) of integers of the other signedness: they are stored with the top bit flipped.
FLIPPED: dict[tuple[str, float], pl.DataType] = {
    ("B", -(2**7)): pl.Int8(),
    ("I", 2**15): pl.UInt16(),
    ("J", 2**31): pl.UInt32(),
    ("K", 2**63): pl.UInt64(),
}


class Values(NamedTuple):
    """The values of such keywords of a column, where they say more than its name and format."""

    tdim: Any
    tscal: Any
    tzero: Any
    tnull: Any
    """None if absent."""


@dataclass(frozen=True)
class FitsColumn:
    """One column of a binary table."""

    name: str
    """TTYPE in upper case."""
    offset: int
    width: int
    """Place in the row [byte]."""
    stored: str
    """NumPy type of one stored element; text is stored as bytes."""
    shape: tuple[int, ...] = ()
    """Shape of one row's value as stored: () for a scalar, (n,) for a vector, (width,) for text,
    (n, width) for a vector of n texts. Several dimensions (TDIM) are one, the first fastest.
    """
    descriptor: str = ""
    """NumPy type of the two numbers that the row has where its array lies in the heap, as long as
    it is: how many elements, and from which byte of the heap on."""
    inner: pl.DataType | None = None
    """Type of one element in Polars; None if the column cannot be read."""
    flipped: bool = False
    """Whether the top bit of the stored integers is flipped."""
    scaling: tuple[float, float] | None = None
    """TSCAL and TZERO that make the column Float64."""
    null: int | None = None
    """TNULL: the stored integer that stands for no value."""
    problem: str = ""
    """Why the column cannot be read."""

    @property
    def vector(self) -> tuple[int, ...]:
        """Shape of one row's value in Polars, () or (n,): several dimensions (TDIM) become one."""
        return self.shape[:-1] if self.inner == pl.String else self.shape

    @property
    def dtype(self) -> pl.DataType:
        """Type of the column in Polars, Unknown if it cannot be read."""
        if self.inner is None:
            return pl.Unknown()
        if self.descriptor:
            return self.inner if self.inner == pl.String else pl.List(self.inner)
        return pl.Array(self.inner, self.vector) if self.vector else self.inner

    @property
    def in_row(self) -> tuple[str, tuple[int, ...]]:
        """NumPy type and shape of what the row itself has."""
        return (self.descriptor, (2,)) if self.descriptor else (self.stored, self.shape)

    def unreadable(self, problem: str) -> FitsColumn:
        """Return this column as one that only takes its place in the row."""
        return replace(self, inner=None, shape=(), problem=problem)


class Columns(NamedTuple):
    """The columns of a binary table."""

    by_name: Mapping[str, FitsColumn]
    """In file order. What cannot be read is there, too, with its `problem`."""
    schema: pl.Schema
    """Their types in Polars."""


class BadColumn(Exception):
    """A column that is not described as the standard wants it; the table makes an error of it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def parse_columns(header: Mapping[str, object], fault: Fault) -> Columns:
    """Take the columns of a binary table from its header."""
    n_columns = integer(header, "TFIELDS", fault)
    if n_columns > MAX_COLUMNS:
        raise fault(f"damaged header: TFIELDS is {n_columns}, and at most {MAX_COLUMNS} may be")
    try:
        columns, row_bytes = make_columns(*map(header.get, column_keywords(n_columns)))
    except BadColumn as error:
        raise fault(str(error), column=error.name) from None
    if (naxis1 := integer(header, "NAXIS1", fault)) != row_bytes:
        message = f"damaged header: NAXIS1 is {naxis1} bytes, but the columns take {row_bytes}"
        raise fault(message)
    return columns


@lru_cache(maxsize=8)
def column_keywords(n_columns: int) -> list[str]:
    """Return the keywords that describe columns, those of the first column first."""
    return [f"{key}{number}" for number in range(1, n_columns + 1) for key in KEYWORDS]


@lru_cache(maxsize=64, typed=True)  # TSCAL = 1 and TSCAL = T are not the same
def make_columns(*values: Any) -> tuple[Columns, int]:
    """Make the columns of a table, and the bytes of its row, from values of `column_keywords`.

    A value is None where there is no such keyword. Thousands of files have the same ones.
    """
    columns: dict[str, FitsColumn] = {}
    offset = 0
    for number, start in enumerate(range(0, len(values), len(KEYWORDS)), start=1):
        ttype, tform, *others = values[start : start + len(KEYWORDS)]
        # A name is not compulsory: without one the column is called by its number.
        name = str(ttype or f"COL{number}").strip(" ").upper()
        match = TFORM.fullmatch(tform.upper()) if isinstance(tform, str) else None
        if match is None:
            raise BadColumn(name, f"damaged header: TFORM{number} is {tform!r}")
        if name in columns:
            raise BadColumn(name, "two columns have this name (in upper case)")
        columns[name] = make_column(name, offset, match, Values(*others))
        offset += columns[name].width
    schema = pl.Schema({name: column.dtype for name, column in columns.items()})
    return Columns(MappingProxyType(columns), schema), offset


def make_column(name: str, offset: int, tform: re.Match[str], values: Values) -> FitsColumn:
    """Make one column from its matched TFORM and the other keywords."""
    repeat, letter, rest = int(tform[1] or 1), tform[2], tform[3].strip()
    form = tform[0].strip()
    if letter in DESCRIPTORS:
        width = repeat * 2 * np.dtype(DESCRIPTORS[letter]).itemsize
        element = IN_HEAP.fullmatch(rest)
        place = FitsColumn(name, offset, width, "u1")
        if element is None or repeat > 1:
            return place.unreadable(f"TFORM {form} is not that of arrays in the heap")
        column = _elements(place, element[1], form, values)
        if repeat:
            return replace(column, descriptor=DESCRIPTORS[letter])
        return replace(column, shape=(0,))  # Nothing in the row, and so nothing in the heap.
    if letter in FOREIGN:
        width = -(-repeat * FOREIGN[letter][0] // 8)
    else:
        width = repeat * np.dtype(STORED[letter][0]).itemsize
    place = FitsColumn(name, offset, width, "u1", () if repeat == 1 else (repeat,))
    column = _elements(place, letter, form, values)
    return text_column(column, rest, values.tdim) if letter == "A" else column


def _elements(place: FitsColumn, letter: str, form: str, values: Values) -> FitsColumn:
    """Complete a column by what its elements are."""
    if letter in FOREIGN:
        size, what = FOREIGN[letter]
        return replace(place, stored=f"V{max(size // 8, 1)}").unreadable(
            f"TFORM {form}: {what} are not loaded; write them as columns of numbers"
        )
    stored, inner = STORED[letter]
    column = replace(place, stored=stored, inner=inner)
    return column if letter in "AL" else number_column(column, letter, values)


def text_column(column: FitsColumn, rest: str, tdim: Any) -> FitsColumn:
    """Complete a text column; TDIM (width, n, ...) makes it a vector of texts."""
    if rest:
        return column.unreadable(f"TFORM {column.width}A{rest} is not supported")
    if not tdim:
        return replace(column, shape=(column.width,))
    match = TDIM.fullmatch(str(tdim))
    sizes = [int(size) for size in re.findall(r"\d+", match[1])] if match else []
    if not sizes or math.prod(sizes) != column.width:
        return column.unreadable(f"TDIM {tdim} does not fit to {column.width} bytes of text")
    width, *counts = sizes
    count = math.prod(counts)
    # As with numbers, a vector of one element is that element.
    return replace(column, shape=(width,) if count == 1 else (count, width))


def number_column(column: FitsColumn, letter: str, values: Values) -> FitsColumn:
    """Complete a number column by its scaling, its signedness and its null value."""
    scale = 1 if values.tscal is None else values.tscal
    zero = 0 if values.tzero is None else values.tzero
    null = values.tnull if letter in "BIJK" else None
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
