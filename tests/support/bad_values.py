"""Every bad value that a column of a table can get from its file, and the complaint about it.

What is bad follows from the columns as the server describes them and from the checks of the
source; there are no lists of columns here.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.tables import Check, TableSource
from support import fits_surgery
from support.fits_surgery import Hdu

NOTHING = -7070  # stands for NULL in a file
UNSIGNED = 2**63
TEXTS = ("varchar", "text", "bpchar")
NUMBERS = ("int2", "int4", "int8", "float4", "float8", "bool")

# Type of the column: TFORM letter in the file, value, what is wrong with it.
TOO_LARGE: dict[str, list[tuple[str, float, str]]] = {
    "int2": [("K", 2**15, "int2"), ("K", -(2**15) - 1, "int2"), ("D", 1.5, "int2")],
    "int4": [("K", 2**31, "int4"), ("K", -(2**31) - 1, "int4"), ("D", 1.5, "int4")],
    "int8": [("K", UNSIGNED, "int8"), ("D", 1.5, "int8")],
    "bool": [("B", 2, "bool")],
}
# Of these a check finds some bad, and the tests want at least one for each check.
SUSPECTS = (-1, 2**31 - 1, 2**32, -90.5, 90.5, 360.0, 361.0, math.nan, -math.inf, 1e300)


@dataclass(frozen=True)
class Bad:
    """One thing that is wrong in an HDU.

    Parameters
    ----------
    kind : str
        What kind of thing.
    column : str
        The column as it is in the file, with the number of the element.
    change : callable
        Makes it wrong.
    complaint : str
        Regular expression of what follows the file and HDU in the message.
    feeds : str
        Column of the table.
    """

    kind: str
    column: str
    change: Callable[[Hdu], None]
    complaint: str
    feeds: str = ""


def bad_values(source: TableSource, columns: Sequence[Column], hdu: Hdu, row: int) -> Iterator[Bad]:
    """Yield all that can be wrong with the columns of an HDU, in or from row `row`."""
    file = scalars(hdu)
    for column in columns:
        for name in copied(source, column, set(file)):
            yield from _values(source.checks, column, file[name], row)
            yield from _types(source, column, file[name])
    needed = sorted(roots(source, columns, set(file)))
    for name in needed:
        yield _missing(source, file[name])
    yield _bad_tform(hdu, file[needed[0]])
    copies = {name for column in columns for name in copied(source, column, set(file))}
    for check in source.checks:
        alone = {check.column} >= {*check.bad.meta.root_names()}
        if check.column in file and alone:
            yield from _broken_check(check, file[check.column], row)
            if check.column not in copies and file[check.column].column.letter != "A":
                yield _text_for_a_number(file[check.column])


@dataclass(frozen=True)
class Scalar:
    """A column with one value per row, or element n of a vector X, which is called X_n."""

    name: str
    column: fits_surgery.Column
    element: int = 0


def scalars(hdu: Hdu) -> dict[str, Scalar]:
    """The scalars of an HDU by name."""
    found = []
    for name, column in hdu.columns().items():
        if column.letter == "A" or column.repeat == 1:
            found.append(Scalar(name, column))
        else:
            found += [Scalar(f"{name}_{n}", column, n) for n in range(column.repeat)]
    return {scalar.name: scalar for scalar in found}


def alternatives(source: TableSource, column: Column) -> tuple[pl.Expr, ...]:
    return source.derived.get(column.name, (pl.col(column.name.upper()),))


def chosen(source: TableSource, column: Column, available: set[str]) -> pl.Expr | None:
    """How a column is made of those available; None if only a constant can make it."""
    ways = alternatives(source, column)
    return next((way for way in ways if set(way.meta.root_names()) <= available), None)


def copied(source: TableSource, column: Column, available: set[str]) -> list[str]:
    """The input column that a column is a copy of, if it is one."""
    way = chosen(source, column, available)
    return way.meta.root_names() if way is not None and way.meta.is_column() else []


def roots(source: TableSource, columns: Sequence[Column], available: set[str]) -> set[str]:
    """The input columns without which the table cannot be made."""
    found = set()
    for column in columns:
        way = chosen(source, column, available)
        if way is not None:
            needed = set(way.meta.root_names())
            found |= {n for n in needed if chosen(source, column, available - {n}) is None}
    return found


def _flagged(check: Check, values: pl.Series) -> bool:
    if values.dtype.is_float():
        values = values.replace([math.nan, math.inf, -math.inf], -9999.0)
    frame = pl.DataFrame({check.column: values})
    return frame.select(check.bad.fill_null(True)).item()


def put(scalar: Scalar, letter: str, value: object, row: int) -> Callable[[Hdu], None]:
    """How to put one value into a column that gets another type."""
    column = scalar.column

    def change(hdu: Hdu) -> None:
        keywords = {}
        if letter == "A":
            values = hdu.values(column).astype(f"S{max(column.width, len(value))}")
            values[row] = value
            hdu.replace(column, letter, values)
            return
        old = hdu.values(column)
        old = old == b"T" if column.letter == "L" else old
        new = np.nan_to_num(old).clip(-1e9, 1e9) if old.dtype.kind == "f" and letter != "D" else old
        new = new.astype(fits_surgery.STORED[letter])
        where = (row, scalar.element) if new.ndim > 1 else row
        if value is None:
            keywords["TNULL"] = NOTHING if letter != "B" else 9
            new[where] = keywords["TNULL"]
        elif value == UNSIGNED:
            keywords |= {"TSCAL": 1, "TZERO": UNSIGNED}
            new = new.clip(0) - np.int64(2**62) - np.int64(2**62)
            new[where] = 0
        else:
            new[where] = value
        hdu.replace(column, letter, new.astype(fits_surgery.STORED[letter]), **keywords)

    return change


def _complaint(name: str, reason: str, row: int, value: object) -> str:
    return re.escape(f", column {name}: {reason} (row {row}: {value!r}; rows counted from 0)")


def _put_bad(
    kind: str,
    column: Column,
    scalar: Scalar,
    checks: Sequence[Check],
    row: int,
    letter: str,
    value: object,
    reason: str,
) -> Bad:
    """A value that the column does not take; a check of the input column speaks first."""
    stored = value.encode() if isinstance(value, str) else value
    dtype = pl.UInt64 if value == UNSIGNED else None
    series = pl.Series([value], dtype=pl.Int64 if value is None else dtype)
    for check in checks:
        if check.column == scalar.name and _flagged(check, series):
            reason = check.reason
            break
    complaint = _complaint(scalar.name, reason, row, value)
    return Bad(kind, scalar.name, put(scalar, letter, stored, row), complaint, column.name)


def _values(checks: Sequence[Check], column: Column, scalar: Scalar, row: int) -> Iterator[Bad]:
    def bad(kind: str, letter: str, value: object, reason: str) -> Bad:
        return _put_bad(kind, column, scalar, checks, row, letter, value, reason)

    if column.type in NUMBERS and column.not_null:
        letter = "B" if column.type == "bool" else "K"
        yield bad("NULL", letter, None, "NULL in a NOT NULL column")
    for letter, value, what in TOO_LARGE.get(column.type, []):
        yield bad("out of range", letter, value, f"value does not fit into {what}")
    if column.type == "float4":
        value = random.Random(scalar.name).choice([1e39, -1e39])
        yield bad("too large for REAL", "D", value, "value is too large for a 4-byte float")
    if column.type in TEXTS:
        if (longest := column.max_length) is not None:
            reason = f"text is longer than {longest} characters"
            yield bad("text too long", "A", "x" * (longest + 1), reason)
        cell = b"\xffx".ljust(max(scalar.column.width, 2))
        held = f"row {row} holds text that is not UTF-8: {cell!r}"
        complaint = re.escape(f", column {scalar.name}: {held}")
        yield Bad("not UTF-8", scalar.name, put(scalar, "A", cell, row), complaint, column.name)


def _types(source: TableSource, column: Column, scalar: Scalar) -> Iterator[Bad]:
    name, place = scalar.name, scalar.column
    text = column.type in TEXTS

    def change(hdu: Hdu) -> None:
        if text:
            hdu.replace(place, "J", np.full(hdu.n_rows, 7, ">i4"))
        else:
            hdu.replace(place, "A", np.full(hdu.n_rows, b"7"))

    # A vector that became a scalar lacks its elements.
    if text or place.repeat == 1:
        found = "Int32" if text else "String"
        complaint = (
            rf", column (\w+\+)*{name}(\+\w+)*: is (\w+, )*{found}(, \w+)*, "
            rf"which cannot become {source.table}\.\w+ .*"
        )
        yield Bad("wrong type", name, change, complaint, column.name)


def _text_for_a_number(scalar: Scalar) -> Bad:
    """In a column that is not in the table itself, but is checked."""

    def change(hdu: Hdu) -> None:
        hdu.replace(scalar.column, "A", np.full(hdu.n_rows, b"7"))

    return Bad("text", scalar.name, change, f", column {scalar.name}: is String, not a number")


def _missing(source: TableSource, scalar: Scalar) -> Bad:
    ttype = f"TTYPE{scalar.column.number}"
    complaint = (
        rf": no column (\w+, )*{scalar.name}(, \w+)*, (which table {source.table} needs"
        r"( \(the file has .*\))?|no such keyword, and the name of the file tells neither)"
    )
    return Bad("missing column", scalar.name, lambda hdu: hdu.set(ttype, "GONE"), complaint)


def _bad_tform(hdu: Hdu, scalar: Scalar) -> Bad:
    number = scalar.column.number
    name, tform = hdu.get(f"TTYPE{number}").upper(), f"TFORM{number}"
    complaint = re.escape(f", column {name}: damaged header: {tform} is '4Z'")
    return Bad("bad TFORM", scalar.name, lambda hdu: hdu.set(tform, "4Z"), complaint)


def _broken_check(check: Check, scalar: Scalar, row: int) -> Iterator[Bad]:
    for value in ["xyz"] if scalar.column.letter == "A" else SUSPECTS:
        if _flagged(check, pl.Series([value])):
            letter = "A" if isinstance(value, str) else "D" if isinstance(value, float) else "K"
            stored = value.encode() if isinstance(value, str) else value
            change = put(scalar, letter, stored, row)
            complaint = _complaint(check.column, check.reason, row, value)
            yield Bad(f"check of {check.column}", check.column, change, complaint)
