"""The disk that rows take on the server, with their keys and indexes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from specprod_copy.postgres.schema import Table
from specprod_copy.rows.units import Unit
from specprod_copy.tables import Catalogue, offered_columns, specprod_catalogue

_WIDTHS = {"bool": 1, "int2": 2, "int4": 4, "float4": 4, "int8": 8, "float8": 8}
_OTHER_BYTES = 8
"""Of a short text."""

_INDEX_BYTES = 20
"""Of a row in an index that most productions do not have."""


class Space(NamedTuple):
    """What the rows of a table take on the server [byte]."""

    rows: int
    table: int
    indexes: int


def space_needed(units: Iterable[Unit], catalogue: Catalogue) -> dict[str, Space]:
    """Return what units take on the server at most, for each table that is large.

    Parameters
    ----------
    units : iterable of Unit
        What is to be loaded.
    catalogue : Catalogue
    """
    rows: dict[str, int] = dict.fromkeys(catalogue.row_bytes, 0)
    for unit in units:
        if unit.table in rows:
            rows[unit.table] += unit.n_rows
    found = {}
    for name, usual in catalogue.row_bytes.items():
        own, indexes = _row_bytes(catalogue.definition.tables[name], usual)
        found[name] = Space(rows[name], rows[name] * own, rows[name] * indexes)
    return found


def _row_bytes(table: Table, usual: tuple[int, int]) -> tuple[int, int]:
    """Return what a row takes where its table has columns and indexes that most lack."""
    own, indexes = usual
    if table.optional:
        more = [c for c in table.columns if c.name in offered_columns(table.name)]
        own += sum(_WIDTHS.get(column.type, _OTHER_BYTES) for column in more)
        plain = specprod_catalogue().definition.tables[table.name]
        indexes += _INDEX_BYTES * max(len(table.indexes) - len(plain.indexes), 0)
    return own, indexes
