"""By which position a table is searched: its own, or that of the photometry of its targets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.sql_text import name_of

_INDEXED: Final = re.compile(r"q3c_ang2ipix\((?P<ra>[^,()]+), (?P<dec>[^,()]+)\)")

_TARGETS: Final = "photometry"
"""The table with the position of every target."""

_TARGET: Final = "targetid"


@dataclass(frozen=True)
class Position:
    """Columns with right ascension and declination [deg]."""

    table: str
    """The table that has them."""
    ra: str
    dec: str
    key: str = ""
    """Where it is another table: the column that both are joined on."""

    def __str__(self) -> str:
        via = f", by {self.key}" if self.key else ""
        return f"{self.table}.{self.ra}, {self.table}.{self.dec}{via}"


def position_of(defined: Schema, found: Schema, table: str) -> Position | None:
    """Return the position that a table is searched by, None if it has none.

    That is the one of its q3c index, in the definition or on the server. A table of targets without
    such an index is searched through the table of photometry.

    Parameters
    ----------
    defined : Schema
        The tables as their files define them.
    found : Schema
        The tables that there are.
    table : str
        One of these.
    """
    own = indexed_position(defined.tables.get(table)) or indexed_position(found.tables.get(table))
    if own is not None:
        return Position(table, *own)
    columns = {column.name for column in found.tables[table].columns}
    if table == _TARGETS or _TARGET not in columns or _TARGETS not in found.tables:
        return None
    of_targets = position_of(defined, found, _TARGETS)
    return of_targets and Position(_TARGETS, of_targets.ra, of_targets.dec, _TARGET)


def indexed_position(table: Table | None) -> tuple[str, str] | None:
    """Return the columns of the q3c index of a table, None if it has none."""
    for index in table.indexes if table is not None else ():
        match = _INDEXED.fullmatch(index.expressions[0])
        if match is not None:
            return name_of(match["ra"]), name_of(match["dec"])
    return None
