"""The disk that rows take on the server, with their keys and indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from specprod_copy.postgres.schema import Table
from specprod_copy.rows.units import Unit
from specprod_copy.tables import Catalogue, offered_columns, specprod_catalogue

ROW_BYTES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "photometry": (455, 68),
        "target": (265, 125),
        "ztile": (547, 269),
        "zpix": (673, 222),
        "fiberassign": (166, 141),
        "potential": (76, 114),
        "frame": (125, 79),
    }
)
"""Bytes of a row in the table and in all indexes of it, PostgreSQL 15, a demo production."""

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
    rows: dict[str, int] = dict.fromkeys(ROW_BYTES, 0)
    for unit in units:
        if unit.table in rows:
            rows[unit.table] += unit.n_rows
    found = {}
    for name, number in rows.items():
        table = catalogue.definition.tables.get(name)
        if table is not None:
            own, indexes = _row_bytes(name, table)
            found[name] = Space(number, number * own, number * indexes)
    return found


def _row_bytes(name: str, table: Table) -> tuple[int, int]:
    own, indexes = ROW_BYTES[name]
    if table.optional:
        more = [c for c in table.columns if c.name in offered_columns()[name]]
        own += sum(_WIDTHS.get(column.type, _OTHER_BYTES) for column in more)
        usual = specprod_catalogue().definition.tables[name]
        indexes += _INDEX_BYTES * max(len(table.indexes) - len(usual.indexes), 0)
    return own, indexes
