"""How much of a page a row takes, by the layout of a tuple, and what no page can hold.

Rule: PostgreSQL documentation, "Database Page Layout"; ``src/include/access/htup_details.h``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.columns import Column

MOST_COLUMNS: Final = 1600
MOST_BYTES: Final = 8160
"""Of a tuple, header included."""

_HEADER: Final = 23
_PAGE: Final = 8192 - 24
_ITEM: Final = 4
_TOAST_POINTER: Final = 18
_FIXED: Final[Mapping[str, int]] = {
    "bool": 1,
    "int2": 2,
    "int4": 4,
    "float4": 4,
    "int8": 8,
    "float8": 8,
    "timestamptz": 8,
}
"""Bytes of a value, which is also what its place is a multiple of."""

_NEARLY: Final = 1.05
"""A row that is larger than a half or a third of a page by this is worth a note."""


@dataclass(frozen=True)
class RowSize:
    """What a row takes."""

    most: int
    """Bytes of a tuple whose texts are as long as they may be."""
    least: int
    """Bytes of a tuple of which everything that can be stored elsewhere is."""

    @property
    def rows_a_page(self) -> int:
        """How many of the largest rows are in a page."""
        return max(_PAGE // (_aligned(self.most, 8) + _ITEM), 1)

    def __str__(self) -> str:
        return f"{self.most:,} bytes a row, {self.rows_a_page} rows a page"

    @property
    def note(self) -> str:
        """Say where a row is just too large for one more in a page; empty elsewhere."""
        for rows in (2, 3, 4):
            room = (_PAGE // rows - _ITEM) // 8 * 8
            if room < self.most <= room * _NEARLY:
                return (
                    f"a row of {self.most:,} bytes is just larger than {room:,}, of which a page "
                    f"has {rows}: a few columns less would make the table smaller"
                )
        return ""


def row_size(columns: Iterable[Column], lengths: Mapping[str, int] | None = None) -> RowSize:
    """Return what a row of some columns takes.

    Parameters
    ----------
    columns : iterable of Column
    lengths : mapping of str to int, optional
        Elements of arrays, and characters of texts of any length, where they are known; else such a
        value counts as one that is stored elsewhere.
    """
    columns = [*columns]
    full = [_value(column, (lengths or {}).get(column.name)) for column in columns]
    elsewhere = [(min(size, _TOAST_POINTER), 1) if at == 0 else (size, at) for size, at in full]
    nullable = [n for n, column in enumerate(columns) if not column.not_null]
    return RowSize(_tuple(full, nullable), _tuple(elsewhere, nullable))


def refuse_too_wide(table: str, columns: Sequence[Column]) -> None:
    """Check that the server can store rows of some columns.

    Raises
    ------
    ConfigurationError
        If there are too many, or a row cannot fit into a page.
    """
    ways = (
        "make several tables of it with the same key, or arrays of columns that belong together "
        "(with toast_tuple_target = 8160)"
    )
    if len(columns) > MOST_COLUMNS:
        raise ConfigurationError(
            f"table {table} has {len(columns):,} columns, and the server takes {MOST_COLUMNS:,}: "
            f"{ways}"
        )
    size = row_size(columns).least
    if size > MOST_BYTES:
        raise ConfigurationError(
            f"a row of table {table} takes {size:,} bytes, and the server takes {MOST_BYTES:,}: "
            f"{ways}"
        )


def _value(column: Column, length: int | None) -> tuple[int, int]:
    """Return the bytes of a value and what its place is a multiple of; 0 if it can be elsewhere."""
    if column.type in _FIXED:
        return (_FIXED[column.type],) * 2
    if column.type == "numeric":
        digits = column.digits[0] if column.digits else 38
        return 1 + 2 + 2 * (-(-digits // 4) + 1), 1
    if column.type.startswith("_"):
        if length is None:
            return _TOAST_POINTER, 0
        each = _FIXED.get(column.type[1:], (column.max_length or 8) + 4)
        return 24 + length * each, 0
    characters = column.max_length if column.max_length is not None else length
    if characters is None:
        return _TOAST_POINTER, 0
    return characters + (1 if characters < 127 else 4), 0


def _tuple(values: Sequence[tuple[int, int]], nullable: Sequence[int]) -> int:
    """Return the bytes of the larger one of two tuples: without a NULL, and with a single one."""
    whole = _laid_out(_HEADER, values)
    if not nullable:
        return whole
    least = min(nullable, key=lambda n: values[n][0])
    rest = [value for n, value in enumerate(values) if n != least]
    return max(whole, _laid_out(_HEADER + -(-len(values) // 8), rest))


def _laid_out(header: int, values: Iterable[tuple[int, int]]) -> int:
    position = _aligned(header, 8)
    for size, multiple in values:
        position = _aligned(position, multiple or (1 if size <= 127 else 4)) + size
    return position


def _aligned(position: int, multiple: int) -> int:
    return -(-position // multiple) * multiple
