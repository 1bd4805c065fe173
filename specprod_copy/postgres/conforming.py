"""Frames converted to exactly what the server's columns accept.

Binary COPY has no error tolerance and no casts, so every value is checked here before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from specprod_copy.postgres.columns import (
    EXACT_BITS,
    BadValues,
    Column,
    check_type,
    element_type,
)


@dataclass(frozen=True)
class _Problem:
    """What may be wrong with the values of a column.

    Parameters
    ----------
    column : Column
    bad : polars.Expr
        True where a value is bad; null where it is null.
    reason : str
        Why, as the end of a sentence.
    quick_check : polars.Expr or None
        A single truth value that is cheap to have: false when no value is bad. None: the number of
        nulls, which a frame knows.
    bad_element : polars.Expr or None
        Of arrays: true where an element is bad.
    """

    column: Column
    bad: pl.Expr
    reason: str
    quick_check: pl.Expr | None
    bad_element: pl.Expr | None = None

    def values(self, frame: pl.DataFrame, rows: list[int]) -> list[object]:
        """Return what to show of bad rows."""
        values = frame[self.column.name].gather(rows)
        if self.bad_element is None:
            return values.to_list()
        return [_bad_element(value, self.bad_element) for value in values]


def _problems(column: Column, dtype: pl.DataType) -> Iterator[_Problem]:
    """Yield what has to be looked for in a column of a frame."""
    value = pl.col(column.name)
    if column.not_null:
        yield _Problem(column, value.is_null(), "NULL in a NOT NULL column", None)
    if (element := column.element) is None:
        yield from _value_problems(column, dtype, value)
        return
    lists = _as_list(value, dtype)
    for problem in _value_problems(element, element_type(dtype), pl.element()):
        # A null says nothing: that it stays NULL is asked of no element.
        bad = lists.list.eval(problem.bad.fill_null(False)).list.any()
        yield _Problem(column, bad, f"an element: {problem.reason}", bad.any(), problem.bad)


def _value_problems(column: Column, dtype: pl.DataType, value: pl.Expr) -> Iterator[_Problem]:
    """Yield what may be wrong with values that are not null."""
    if dtype == pl.Null:
        return
    if column.polars_type == pl.String:
        value = _text(column, value)
        if (most := column.max_length) is not None:
            too_long = value.str.len_chars() > most
            # No text has more characters than bytes, and their number is known.
            long = value.str.len_bytes().max() > most
            yield _Problem(column, too_long, f"text is longer than {most} characters", long)
        nul = "\0"
        holds = value.str.contains(nul, literal=True)
        # One search through all texts takes half the time of one through each.
        somewhere = value.str.join("").str.contains(nul, literal=True)
        yield _Problem(column, holds, "text holds a NUL character", somewhere)
    target = column.polars_type
    if dtype == target:
        return
    converted = value.cast(target, strict=False)
    if target.is_float():
        if column.type == "float4" and dtype == pl.Float64:
            overflow = converted.is_infinite() & value.is_finite()
            yield _Problem(
                column, overflow, "value is too large for a 4-byte float", overflow.any()
            )
        if dtype.is_integer():
            rounded = converted.cast(dtype, strict=False).ne_missing(value)
            reason = f"a {column.type} does not hold this number exactly"
            yield _Problem(column, rounded, reason, rounded.any())
    else:
        # A non-strict cast yields null where the value does not fit; a fraction would be cut off.
        lost = converted.is_null() & value.is_not_null()
        if dtype.is_float() or column.type == "bool":
            lost = lost | (converted.cast(dtype) != value)
        yield _Problem(column, lost, f"value does not fit into {column.type}", lost.any())
    if column.type == "int8" and dtype in EXACT_BITS:
        bits = EXACT_BITS[dtype]
        beyond = value.abs() >= 2**bits
        reason = f"may have been rounded: a {dtype} is exact for whole numbers below 2**{bits} only"
        yield _Problem(column, beyond & value.is_finite(), reason, beyond.any())


def _as_list(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return value.arr.to_list() if isinstance(dtype, pl.Array) else value


def _converted(column: Column, dtype: pl.DataType) -> pl.Expr:
    value, target = pl.col(column.name), column.polars_type
    if dtype != target:
        value = value.cast(target, strict=False)
    if (element := column.element) is not None and element.type == "bpchar":
        return value.list.eval(_text(element, pl.element()))
    return _text(column, value)


def _text(column: Column, value: pl.Expr) -> pl.Expr:
    """Return the texts of char(n) without the blanks at their end, which say nothing."""
    return value.str.strip_chars_end(" ") if column.type == "bpchar" else value


@dataclass(frozen=True)
class BadElement:
    """An element of an array that a column does not accept, as errors show it."""

    place: int
    value: object
    n: int

    def __repr__(self) -> str:
        return f"{self.value!r} (element {self.place} of {self.n}, counted from 0)"


class _Prepared(NamedTuple):
    """How frames of one kind are converted.

    Parameters
    ----------
    problems : dict of str to _Problem
        What may be wrong, by name.
    looks : list of str
        Those of the names that stand for a `quick_check`.
    expressions : list of polars.Expr
        The columns as they are wanted, and what is `quick_check` as columns of these names.
    """

    problems: dict[str, _Problem]
    looks: list[str]
    expressions: list[pl.Expr]


def _bad_element(array: pl.Series, bad: pl.Expr) -> BadElement:
    """Return the first bad element of an array."""
    wrong = pl.DataFrame({"a": [array]}).select(pl.col("a").list.eval(bad.fill_null(False)))
    place = int(wrong["a"][0].arg_true()[0])
    return BadElement(place, array[place], len(array))


@lru_cache(maxsize=64)
def _prepared(
    schema: tuple[tuple[str, pl.DataType], ...], columns: tuple[Column, ...]
) -> _Prepared:
    dtypes = dict(schema)
    problems: list[_Problem] = []
    for column in columns:
        check_type(dtypes[column.name], column)
        problems += _problems(column, dtypes[column.name])
    named = {f"problem {n}": problem for n, problem in enumerate(problems)}
    quick_check = {
        name: problem.quick_check.fill_null(False).alias(name)
        for name, problem in named.items()
        if problem.quick_check is not None
    }
    wanted = [_converted(column, dtypes[column.name]).alias(column.name) for column in columns]
    return _Prepared(named, [*quick_check], [*wanted, *quick_check.values()])


def conform(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Convert a frame to the types of a table's columns, or say which values do not fit.

    Parameters
    ----------
    frame : polars.DataFrame
        Has the columns of the table, by name, in any order.
    columns : sequence of Column
        Columns of the table that are to be sent, in that order.

    Returns
    -------
    polars.DataFrame
        Columns in the order of `columns`, each of its `Column.polars_type`.

    Raises
    ------
    BadValues
        NULL where there must be none, text too long or with a NUL, numbers out of range, fractions
        for an integer.
    WrongType
        If a column's type can never fit.
    """
    problems, looks, expressions = _prepared(tuple(frame.schema.items()), tuple(columns))
    # What is wanted and one look at everything, in one go: nearly always nothing is wrong.
    converted = frame.select(expressions)
    suspects = {name: converted.drop_in_place(name).any() for name in looks}
    nulls = frame.null_count().row(0, named=True)
    for name, problem in problems.items():
        column = problem.column
        suspect = suspects[name] if name in suspects else nulls[column.name]
        if suspect and (rows := frame.select(problem.bad.arg_true()).to_series().to_list()):
            raise BadValues(column, problem.reason, rows, problem.values(frame, rows))
    return converted
