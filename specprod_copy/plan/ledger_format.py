"""The ledger's format, which may not be what a command expects.

Format 1 had a table of its own for tiles, and digests that stood for parts of files. A command that
writes takes such a ledger over; one that only reads says what it has found.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.ledger import TABLE
from specprod_copy.postgres import catalog, locks, statements
from specprod_copy.postgres.schema import Schema
from specprod_copy.progress import ProgressListener

FORMAT: Final = 2
"""What this program writes."""

_TILES_OF_FORMAT_1: Final = "tile_ledger"


def ledger_format(connection: psycopg.Connection, schema: str) -> int | None:
    """Return the format of a schema's ledger, None if it has none."""
    existing = catalog.table_ids(connection, schema)
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


def take_over(
    connection: psycopg.Connection, defined: Schema, schema: str, listener: ProgressListener
) -> None:
    """Bring a ledger of an earlier format into that of this program, if it is one.

    Parameters
    ----------
    connection : psycopg.Connection
        Holds the lock of the schema.
    defined : Schema
        The tables as they are defined.
    schema : str
    listener : ProgressListener
        Receives the news.

    Raises
    ------
    DatabaseError
        If the format is a later one.
    """
    if ledger_format(connection, schema) != 1:
        require(connection, schema)
        return
    with connection.transaction():
        locks.making_tables(connection, schema)
        # Another session, that loads other parts, may have been first.
        if ledger_format(connection, schema) == 1:
            existing = catalog.table_ids(connection, schema)
            phases = ["take_over" if TABLE in existing else "table"]
            if _TILES_OF_FORMAT_1 in existing:
                phases.append("take_over_tiles")
            statements.make(connection, defined, [TABLE], [*phases, "comments"], schema=schema)
    listener.info(f"schema {schema}: the ledger of an earlier version was taken over")
