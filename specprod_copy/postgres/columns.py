"""What the server's columns accept, and the conversion of a frame to exactly that.

Binary COPY has no error tolerance and no casts, so every value is checked here before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import polars as pl

_INTEGERS = {"int2": pl.Int16(), "int4": pl.Int32(), "int8": pl.Int64()}
_FLOATS = {"float4": pl.Float32(), "float8": pl.Float64()}
_TEXTS = {"varchar": pl.String(), "text": pl.String(), "bpchar": pl.String()}

EXACT_BITS: dict[pl.DataType, int] = {pl.Float32(): 24, pl.Float64(): 53}
"""Below 2 to this power whole numbers that are stored as floats are what they were."""

POLARS_TYPES: dict[str, pl.DataType] = {
    **_INTEGERS,
    **_FLOATS,
    **_TEXTS,
    "bool": pl.Boolean(),
    # The 128-bit ids have at most 38 digits, though their columns are NUMERIC(39).
    "numeric": pl.Decimal(38, 0),
    "timestamptz": pl.Datetime("us", "UTC"),
    "_float4": pl.List(pl.Float32()),
}
"""PostgreSQL type name (``pg_type.typname``) to the Polars type that is encoded for it."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    """As in the catalog."""
    type: str
    """``pg_type.typname``, e.g. ``int4``."""
    not_null: bool = True
    """Whether NULL is refused."""
    max_length: int | None = None
    """Largest number of characters, for ``varchar(n)``."""
    # What follows says nothing about the values that a column accepts.
    default: str = field(default="", hash=False)
    """Expression as `sql_text.one_form` returns it; ``serial`` for numbers of a sequence."""
    generated: bool = field(default=False, hash=False)
    """Whether the default is computed for every row, and nothing else can be written."""
    description: str = field(default="", hash=False)
    unit: str = field(default="", hash=False)
    ucd: str = field(default="", hash=False)
    digits: tuple[int, int] | None = None
    """All digits, and those behind the point, for ``numeric(p, s)``."""

    @property
    def accepted(self) -> tuple[object, ...]:
        """What tells the values that the column accepts."""
        return self.type, self.not_null, self.max_length, self.digits, self.generated

    @property
    def must_be_given(self) -> bool:
        """Whether a row cannot do without a value for it."""
        return self.not_null and not self.default

    @property
    def comment(self) -> str:
        """Description, unit and UCD as they stand in the comment on the column."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.description}{unit}" + (f" (UCD {self.ucd})" if self.ucd else "")

    @property
    def polars_type(self) -> pl.DataType:
        """The Polars type that is encoded for the column."""
        return POLARS_TYPES[self.type]

    def __str__(self) -> str:
        sizes = self.digits or (() if self.max_length is None else (self.max_length,))
        shown = f"({', '.join(map(str, sizes))})" if sizes else ""
        return f"{self.name} {self.type}{shown}"


class BadValues(Exception):
    """Values of a frame that a column does not accept.

    Parameters
    ----------
    column : Column
        The column.
    reason : str
        Why, as the end of a sentence.
    rows : list of int
        Row numbers in the frame.
    values : list
        Their values before conversion.
    """

    def __init__(self, column: Column, reason: str, rows: list[int], values: list[object]) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason
        self.rows = rows
        self.values = values


class WrongType(Exception):
    """A frame's column has a type that cannot become the table column's type."""

    def __init__(self, column: Column, dtype: pl.DataType) -> None:
        super().__init__(f"{column}: cannot hold values of type {dtype}")
        self.column = column
        self.dtype = dtype


def check_type(dtype: pl.DataType, column: Column) -> None:
    """Check that values of a type can become values of a column.

    Parameters
    ----------
    dtype : polars.DataType
        Type before conversion.
    column : Column
        Column of the table.

    Raises
    ------
    WrongType
        If no value of that type could: text for a number, a number for text.
    """
    target = column.polars_type
    number = dtype.is_integer() or dtype.is_float() or dtype == pl.Boolean
    accepted = (
        dtype in (target, pl.Null)
        or (number and (target.is_integer() or target.is_float() or target == pl.Boolean))
        or (dtype.is_integer() and target.is_decimal())
        or (isinstance(target, pl.List) and isinstance(dtype, pl.List) and _of_floats(dtype))
    )
    if not accepted:
        raise WrongType(column, dtype)


def _of_floats(dtype: pl.List) -> bool:
    return dtype.inner in (pl.Float32, pl.Float64)


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
    """

    column: Column
    bad: pl.Expr
    reason: str
    quick_check: pl.Expr | None


def _problems(column: Column, dtype: pl.DataType) -> Iterator[_Problem]:
    """Yield what has to be looked for in a column of a frame."""
    value, converted = pl.col(column.name), _converted(column, dtype)
    if column.not_null:
        yield _Problem(column, value.is_null(), "NULL in a NOT NULL column", None)
    if dtype == pl.Null:
        return
    if column.type in _TEXTS:
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
    if dtype == column.polars_type:
        return
    if isinstance(dtype, pl.List):
        narrow = pl.element().cast(pl.Float32).is_infinite() & pl.element().is_finite()
        overflow = value.list.eval(narrow).list.any()
        reason = "an element is too large for a 4-byte float"
        yield _Problem(column, overflow, reason, overflow.any())
        return
    if column.type in _FLOATS:
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


def _converted(column: Column, dtype: pl.DataType) -> pl.Expr:
    value, target = pl.col(column.name), column.polars_type
    return value if dtype == target else value.cast(target, strict=False)


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
            values = frame[column.name].gather(rows).to_list()
            raise BadValues(column, problem.reason, rows, values)
    return converted
