"""A column of a result: what it holds, and what it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

ID_DIGITS: Final = 38
"""Digits of the largest whole number that Arrow and Parquet hold exactly."""

ID_CHARACTERS: Final = 40
"""Characters of a 39-digit id with its sign."""

NUMBERS: Final = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
}
"""Types of a fixed width."""

TIMES: Final = {
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}

TEXTS: Final = ("varchar", "text", "bpchar", "name", "char", "json", "jsonb", "unknown")


@dataclass(frozen=True)
class Meaning:
    """What the comment on a column of a table says, and how its values were made."""

    description: str = ""
    unit: str = ""
    """As in the comment; see `specprod_copy.metadata.units`."""
    ucd: str = ""
    finitized: bool = False
    """Whether -9999 stands for NaN and infinities."""
    origin: str = ""
    """Schema, table and column, with dots in between; empty for an expression, also of a view."""
    known: bool = True
    """Whether the reader may look at where it comes from; what a view is made of may be hidden."""
    defined: bool = True
    """Whether it is known what stands for NaN in the table; of a table made by hand it is not."""
    is_null: bool = False
    """Whether a view has nothing but null there."""


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result."""

    name: str
    type: str
    """``pg_type.typname``; of an array that of its elements."""
    written: str
    """The type as SQL writes it."""
    is_array: bool = False
    max_length: int | None = None
    """Most characters, of ``varchar(n)`` and ``char(n)``."""
    digits: tuple[int, int] | None = None
    """Digits, and those behind the point, of a numeric that has them."""
    meaning: Meaning = Meaning()

    @property
    def element(self) -> ResultColumn:
        """What one element of an array is."""
        return replace(self, is_array=False)

    @property
    def is_exact(self) -> bool:
        """Whether it holds decimal numbers of known digits, such as the 128-bit ids."""
        return self.type == "numeric" and self.digits is not None

    @property
    def is_text(self) -> bool:
        """Whether it holds texts, or arrays of them."""
        return self.type in TEXTS

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers, one in each row."""
        return self.type in ("float4", "float8") and not self.is_array

    @property
    def arrow(self) -> pa.DataType | None:
        """The Arrow type of its values, None for a type that is not handed out."""
        if self.is_array:
            element = None if self.type in TIMES else self.element.arrow
            return None if element is None else pa.list_(element)
        if self.type == "numeric":
            return pa.float64() if self.digits is None else self._decimal
        if self.is_text:
            return pa.string()
        return NUMBERS.get(self.type) or TIMES.get(self.type)

    @property
    def fetched(self) -> pa.DataType | None:
        """The Arrow type that the server's values come in: numerics as text."""
        if self.is_array:
            element = self.element.fetched
            return None if element is None else pa.list_(element)
        return pa.string() if self.type == "numeric" else self.arrow

    @property
    def _decimal(self) -> pa.DataType:
        digits, behind = self.digits or (ID_DIGITS, 0)
        # Beside its digits there may be zeros, in front of the point or behind it.
        most = max(digits - min(behind, 0), behind)
        return pa.decimal128(min(most, ID_DIGITS), min(max(behind, 0), ID_DIGITS))
