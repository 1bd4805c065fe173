"""Where rows with the same key come from: said when a key turns out not to be unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.columns import Column
from specprod_copy.errors import DatabaseError
from specprod_copy.ledger import Unit
from specprod_copy.rows import table_rows

_KEY = re.compile(r"\((?P<columns>\w+(?:, \w+)*)\);\Z")
_MOST_KEYS = 3
_MOST_PLACES = 6


class DuplicateKey(DatabaseError):
    """A key is not unique.

    Parameters
    ----------
    message : str
    table : str
    columns : list of str
        Columns of the key.
    """

    def __init__(self, message: str, table: str, columns: list[str]) -> None:
        super().__init__(message)
        self.table = table
        self.columns = columns


def key_columns(statement: str) -> list[str]:
    """Return the columns that a statement of the DDL makes unique."""
    found = _KEY.search(statement)
    return found["columns"].split(", ") if found else []


def explain(
    error: DuplicateKey,
    connection: psycopg.Connection,
    schema: str,
    columns: Sequence[Column],
    files: Iterable[Unit],
) -> DatabaseError:
    """Find the keys that are not unique, and the rows of the files that have them.

    Parameters
    ----------
    error : DuplicateKey
    connection : psycopg.Connection
        Able to query the table.
    schema : str
    columns : sequence of Column
        Columns of the table.
    files : iterable of Unit
        All the files that were loaded, each as one unit.

    Returns
    -------
    DatabaseError
        Names keys, files and rows.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, error.columns))
    query = sql.SQL("SELECT {0} FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER BY {0} LIMIT {2}")
    found = connection.execute(
        query.format(names, sql.Identifier(schema, error.table), _MOST_KEYS)
    ).fetchall()
    key = [column for name in error.columns for column in columns if column.name == name]
    keys = pl.DataFrame(
        {
            column.name: pl.Series([row[n] for row in found], dtype=column.polars_type)
            for n, column in enumerate(key)
        }
    )
    units = (unit for unit in files if unit.table == error.table)
    places = [place for unit in units for place in _places(unit, key, keys)]
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    listed = "; ".join(
        f"({', '.join(error.columns)}) = ({', '.join(map(str, row))})" for row in found
    )
    # Rows that an earlier run loaded from the files of another stage are not looked for.
    origin = f", from {', '.join(places[:_MOST_PLACES])}{more}" if places else ""
    return DatabaseError(
        f"{error}: {listed}{origin}. "
        "Take the rows out of the files, or load the right files with --overwrite"
    )


def _places(unit: Unit, key: Sequence[Column], keys: pl.DataFrame) -> Iterator[str]:
    for rows in table_rows(unit, key):
        numbered = rows.frame.with_columns(pl.Series("row in file", rows.row_numbers))
        for row in numbered.join(keys, on=keys.columns, how="semi")["row in file"]:
            yield f"{unit.path}[{unit.hdu}] row {row}"
