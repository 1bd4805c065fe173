"""Columns of tables: their types, and which types of values can become theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
}
"""PostgreSQL type name (``pg_type.typname``) to the Polars type that is encoded for it."""

# Arrays have the names of their elements' types with a _ before them.
POLARS_TYPES |= {f"_{name}": pl.List(dtype) for name, dtype in POLARS_TYPES.items()}


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
    """Largest number of characters, for ``varchar(n)`` and arrays of it."""
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
    def element(self) -> Column | None:
        """What tells the values of an array's elements, which may be NULL; None for others."""
        if not self.type.startswith("_"):
            return None
        return Column(self.name, self.type[1:], False, self.max_length, digits=self.digits)

    @property
    def comment(self) -> str:
        """Description, unit and UCD as they stand in the comment on the column."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.description}{unit}" + (f" (UCD {self.ucd})" if self.ucd else "")

    @property
    def polars_type(self) -> pl.DataType:
        """The Polars type that is encoded for the column."""
        return POLARS_TYPES[self.type]

    @property
    def sized_type(self) -> str:
        """The type with its sizes, e.g. ``varchar(6)``."""
        sizes = self.digits or (() if self.max_length is None else (self.max_length,))
        shown = f"({', '.join(map(str, sizes))})" if sizes else ""
        return f"{self.type}{shown}"

    def __str__(self) -> str:
        return f"{self.name} {self.sized_type}"


_COMMENT = re.compile(
    r"(?P<description>.*?)(?: \[(?P<unit>[^\[\]]+)\])?(?: \(UCD (?P<ucd>[^()]+)\))?", re.DOTALL
)


def split_comment(comment: str) -> tuple[str, str, str]:
    """Return description, unit and UCD of a column's comment, ``description [unit] (UCD ucd)``."""
    found = _COMMENT.fullmatch(comment)
    if found is None:
        return comment, "", ""
    return found["description"], found["unit"] or "", found["ucd"] or ""


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
    if (element := column.element) is not None and isinstance(dtype, pl.List | pl.Array):
        try:
            check_type(element_type(dtype), element)
        except WrongType:
            raise WrongType(column, dtype) from None
        return
    target = column.polars_type
    number = dtype.is_integer() or dtype.is_float() or dtype == pl.Boolean
    accepted = (
        dtype in (target, pl.Null)
        or (number and (target.is_integer() or target.is_float() or target == pl.Boolean))
        or (dtype.is_integer() and target.is_decimal())
    )
    if not accepted:
        raise WrongType(column, dtype)


def element_type(dtype: pl.DataType) -> pl.DataType:
    """Return the type of the elements of an array, or of several dimensions; else the type."""
    return dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype  # type: ignore[return-value]
