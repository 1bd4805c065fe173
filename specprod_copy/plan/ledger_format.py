"""The ledger's format, and the tables it is about: both may not be what a command expects.

Format 1 had a table of its own for tiles, and digests that stood for parts of files. A command that
writes takes such a ledger over; one that only reads says what it has found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.ledger import TABLE, TILES
from specprod_copy.postgres import catalog, locks, statements
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema

FORMAT: Final = 2
"""What this program writes."""

TAKEN_OVER: Final = "schema {schema}: the ledger of an earlier version was taken over"
"""What people are told then."""

_TILES_OF_FORMAT_1: Final = "tile_ledger"


def ledger_format(connection: psycopg.Connection, schema: str) -> int | None:
    """Return the format of a schema's ledger, None if it has none."""
    existing = _identifiers(connection, schema)
    if TABLE not in existing:
        return 1 if _TILES_OF_FORMAT_1 in existing else None
    name = sql.Identifier(schema, TABLE)
    columns = sql.SQL("SELECT * FROM {} LIMIT 0").format(name)
    if "format" not in (column.name for column in connection.execute(columns).description or ()):
        return 1
    query = sql.SQL("SELECT coalesce(max(format), {}) FROM {}").format(FORMAT, name)
    [(found,)] = connection.execute(query).fetchall()
    return int(found)


def require(connection: psycopg.Connection, schema: str) -> bool:
    """Check that the ledger, if there is one, is of the format of this program; say whether it is.

    Raises
    ------
    DatabaseError
    """
    found = ledger_format(connection, schema)
    if found is not None and found < FORMAT:
        raise DatabaseError(
            f"the ledger of schema {schema} is of format {found}, by an earlier version of this "
            f"program; the next load, tile or sync takes it over into format {FORMAT}"
        )
    if found is not None and found > FORMAT:
        raise DatabaseError(
            f"the ledger of schema {schema} is of format {found}, by a later version of this "
            f"program, which knows formats up to {FORMAT}; use that version"
        )
    return found is not None


def take_over(connection: psycopg.Connection, defined: Schema, schema: str) -> bool:
    """Bring a ledger of an earlier format into that of this program; say whether it was one.

    Parameters
    ----------
    connection : psycopg.Connection
        Holds the lock of the schema.
    defined : Schema
        The tables as they are defined.
    schema : str

    Raises
    ------
    DatabaseError
        If the format is a later one.
    """
    if ledger_format(connection, schema) != 1:
        require(connection, schema)
        return False
    with connection.transaction():
        locks.making_tables(connection, schema)
        # Another session, that loads other parts, may have been first.
        if ledger_format(connection, schema) == 1:
            existing = _identifiers(connection, schema)
            phases = ["take_over" if TABLE in existing else "table"]
            if _TILES_OF_FORMAT_1 in existing:
                phases.append("take_over_tiles")
            statements.make(connection, defined, [TABLE], [*phases, "comments"], schema=schema)
    return True


def check_tables(connection: psycopg.Connection, schema: str, tables: Collection[str]) -> None:
    """Check that tables are those that the ledger is about, if there is one, and write that down.

    A table that was dropped and made again has another object identifier. So have all tables of a
    schema that was restored from a dump; but those have as many rows as the ledger says.

    Raises
    ------
    DatabaseError
        If a table is another one, or it is empty though the ledger says that it has rows.
    """
    ids = _identifiers(connection, schema)
    if TABLE not in ids:
        return
    for table, found in _recorded(connection, schema).items():
        if table not in tables:
            continue
        name, now = sql.Identifier(schema, table), ids.get(table)
        if now is None:
            raise _lost(schema, table, found, "does not exist")
        if found.ids == {now} and (not found.rows or catalog.has_rows(connection, schema, table)):
            continue
        [(rows,)] = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchall()
        if rows < found.rows if found.at_least else rows != found.rows:
            raise _lost(schema, table, found, f"has {rows:,} rows")
        query = sql.SQL("UPDATE {} SET tables = tables || %s WHERE tables ? %s")
        values = (Jsonb({table: now}), table)
        connection.execute(query.format(parametrized(schema, TABLE)), values)


@dataclass
class _Recorded:
    """What the ledger says of a table."""

    ids: set[int]
    rows: int

    at_least: bool
    """Whether there may be more rows: of a tile that was loaded alone they are not counted."""


def _recorded(connection: psycopg.Connection, schema: str) -> dict[str, _Recorded]:
    query = sql.SQL(
        """SELECT key, array_agg(DISTINCT value::bigint),
                  coalesce(sum(rows_kept) FILTER (WHERE key = table_name), 0)::bigint,
                  bool_or(stage = %s)
           FROM {}, jsonb_each_text(tables) WHERE failure IS NULL GROUP BY key"""
    ).format(parametrized(schema, TABLE))
    return {
        table: _Recorded(set(ids), rows, at_least)
        for table, ids, rows, at_least in connection.execute(query, (TILES,))
    }


def _identifiers(connection: psycopg.Connection, schema: str) -> dict[str, int]:
    query = """SELECT relname, c.oid::bigint FROM pg_class c JOIN pg_namespace n
               ON n.oid = relnamespace WHERE nspname = %s AND relkind IN ('r', 'p')"""
    return dict(connection.execute(query, (schema,)).fetchall())


def _lost(schema: str, table: str, found: _Recorded, what: str) -> DatabaseError:
    least = "at least " if found.at_least else ""
    return DatabaseError(
        f"table {schema}.{table} {what}, and {least}{found.rows:,} by the ledger: it was dropped "
        "or emptied since it was loaded; --overwrite loads it anew"
    )
