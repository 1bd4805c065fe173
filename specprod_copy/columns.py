"""What the server's columns accept, and the conversion of a frame to exactly that.

Binary COPY has no error tolerance and no casts, so every value is checked here before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

_INTEGERS = {"int2": pl.Int16(), "int4": pl.Int32(), "int8": pl.Int64()}
_FLOATS = {"float4": pl.Float32(), "float8": pl.Float64()}
_TEXTS = {"varchar": pl.String(), "text": pl.String(), "bpchar": pl.String()}

POLARS_TYPES: dict[str, pl.DataType] = {
    **_INTEGERS,
    **_FLOATS,
    **_TEXTS,
    "bool": pl.Boolean(),
    # The 128-bit ids have at most 38 digits, though their columns are NUMERIC(39).
    "numeric": pl.Decimal(38, 0),
    "timestamptz": pl.Datetime("us", "UTC"),
}
"""PostgreSQL type name (``pg_type.typname``) to the Polars type that is encoded for it."""


@dataclass(frozen=True)
class Column:
    """A column of a table, as the server describes it.

    Parameters
    ----------
    name : str
        Name in the catalog.
    type : str
        ``pg_type.typname``, e.g. ``int4``.
    not_null : bool
        Whether NULL is refused.
    max_length : int or None
        Largest number of characters, for ``varchar(n)``.
    """

    name: str
    type: str
    not_null: bool = True
    max_length: int | None = None

    @property
    def polars_type(self) -> pl.DataType:
        """The Polars type that is encoded for the column."""
        return POLARS_TYPES[self.type]

    def __str__(self) -> str:
        length = f"({self.max_length})" if self.max_length is not None else ""
        return f"{self.name} {self.type}{length}"


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
    )
    if not accepted:
        raise WrongType(column, dtype)


def _problems(name: str, dtype: pl.DataType, column: Column) -> list[tuple[pl.Expr, str]]:
    """Return (expression that is true where a value is bad, reason) for one column."""
    value, converted = pl.col(name), _converted(name, dtype, column)
    problems: list[tuple[pl.Expr, str]] = []
    if column.not_null:
        problems.append((value.is_null(), "NULL in a NOT NULL column"))
    if column.type in _TEXTS:
        if column.max_length is not None:
            too_long = value.str.len_chars() > column.max_length
            problems.append((too_long, f"text is longer than {column.max_length} characters"))
        problems.append((value.str.contains("\0", literal=True), "text holds a NUL character"))
    if dtype == column.polars_type or dtype == pl.Null:
        return problems
    if column.type == "float4":
        if dtype == pl.Float64:
            overflow = converted.is_infinite() & value.is_finite()
            problems.append((overflow, "value is too large for a 4-byte float"))
    elif column.type != "float8":
        # A non-strict cast yields null where the value does not fit; a fraction would be cut off.
        lost = converted.is_null() & value.is_not_null()
        if dtype.is_float() or column.type == "bool":
            lost = lost | (converted.cast(dtype) != value)
        problems.append((lost, f"value does not fit into {column.type}"))
    return problems


def _converted(name: str, dtype: pl.DataType, column: Column) -> pl.Expr:
    value, target = pl.col(name), column.polars_type
    return value if dtype == target else value.cast(target, strict=False)


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
    checks: list[tuple[Column, pl.Expr, str]] = []
    schema = frame.schema  # is made anew at each access
    nulls = dict(zip(schema, frame.null_count().row(0), strict=True))
    for column in columns:
        dtype = schema[column.name]
        check_type(dtype, column)
        ready = dtype == column.polars_type and column.type not in _TEXTS
        if ready and not (column.not_null and nulls[column.name]):
            continue
        checks += [(column, bad, why) for bad, why in _problems(column.name, dtype, column)]
    counts = frame.select(
        bad.sum().fill_null(0).alias(str(n)) for n, (_, bad, _) in enumerate(checks)
    )
    for n, (column, bad, why) in enumerate(checks):
        if counts[str(n)].item() > 0:
            rows = frame.select(bad.fill_null(False).arg_true()).to_series().to_list()
            values = frame[column.name].gather(rows).to_list()
            raise BadValues(column, why, rows, values)
    return frame.select(
        _converted(column.name, schema[column.name], column).alias(column.name)
        for column in columns
    )
