"""The ledger's format, which may not be what a command expects.

Format 1 had a table of its own for tiles, and digests that stood for parts of files. A command that
writes takes such a ledger over; one that only reads says what it has found.
"""

from __future__ import annotations

import shlex
from functools import partial
from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.ledger import TABLE
from specprod_copy.postgres import catalog, ddl, locks, statements
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, refuse_foreign_code
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_conflicts import refuse_conflicts
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener

FORMAT: Final = 2
"""What this program writes."""

_TILES_OF_FORMAT_1: Final = "tile_ledger"


def no_ledger(schema: str) -> DatabaseError:
    """Return the error for what needs a ledger where there is none."""
    return DatabaseError(
        f"schema {schema} has no table {TABLE}: this program has not loaded it; "
        "'specprod-copy adopt' takes over what others have loaded"
    )


def ledger_format(connection: psycopg.Connection, schema: str) -> int | None:
    """Return the format of a schema's ledger, None if it has none."""
    existing = catalog.table_ids(connection, schema)
    if TABLE not in existing:
        return 1 if _TILES_OF_FORMAT_1 in existing else None
    name = sql.Identifier(schema, TABLE)
    columns = sql.SQL("SELECT * FROM {} LIMIT 0").format(name)
    names = [column.name for column in connection.execute(columns).description or ()]
    if "format" not in names:
        return 1 if "file" in names else FORMAT
    query = sql.SQL("SELECT coalesce(max(format), {}) FROM {}").format(FORMAT, name)
    [(found,)] = connection.execute(query).fetchall()
    return int(found)


def require(connection: psycopg.Connection, defined: Schema, schema: str) -> bool:
    """Check that the ledger, if there is one, is of the format of this program; say whether it is.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as they are defined.
    schema : str

    Raises
    ------
    DatabaseError
        If it is of another format, or lacks a column.
    """
    if not require_format(connection, schema):
        return False
    refuse_conflicts(defined, read_schema(connection, schema, tables=[TABLE]), [TABLE])
    return True


def require_format(connection: psycopg.Connection, schema: str) -> bool:
    """Check the format alone; see `require`."""
    found = ledger_format(connection, schema)
    if found is None:
        return False
    _refuse_later(found, schema)
    if found < FORMAT:
        raise DatabaseError(
            f"the ledger of schema {schema} is of format {found}, by an earlier version of this "
            f"program; the next load, tile or sync takes it over into format {FORMAT}, and so does "
            f"'specprod-copy upgrade --schema {shlex.quote(schema)}'"
        )
    return True


def _refuse_later(found: int, schema: str) -> None:
    if found > FORMAT:
        raise DatabaseError(
            f"the ledger of schema {schema} is of format {found}, by a later version of this "
            f"program, which knows formats up to {FORMAT}; use that version"
        )


def take_over_statements(connection: psycopg.Connection, defined: Schema, schema: str) -> list[str]:
    """Return the SQL that brings a ledger of an earlier format into that of this program.

    Parameters and errors are those of `convert`; nothing is written.
    """
    refuse_foreign_code(connection, schema, [TABLE, _TILES_OF_FORMAT_1])
    found = ledger_format(connection, schema)
    _refuse_later(found or 0, schema)
    if found != 1:
        return []
    existing = catalog.table_ids(connection, schema)
    phases = ["take_over" if TABLE in existing else "table"]
    if _TILES_OF_FORMAT_1 in existing:
        phases.append("take_over_tiles")
    rendered = ddl.statements(defined, [TABLE], [*phases, "comments"], schema=schema)
    return [statement.sql for statement in rendered]


def convert(
    connection: psycopg.Connection, defined: Schema, schema: str, patience: Patience
) -> list[str]:
    """Bring a ledger of an earlier format into that of this program; return the SQL of that.

    It is done as soon as nobody is in the way: readers come before it, and between its attempts.

    Parameters
    ----------
    connection : psycopg.Connection
        Holds the lock of the schema.
    defined, schema
        As for `require`.
    patience : Patience

    Raises
    ------
    DatabaseError
        If the format is a later one, the ledger would run functions of others, or others use it for
        too long.
    """
    texts = take_over_statements(connection, defined, schema)
    if texts:
        work = partial(_convert, connection, defined, schema)
        ledgers = [(schema, TABLE), (schema, _TILES_OF_FORMAT_1)]
        with_patience(connection, work, ledgers, patience)
    return texts


def _convert(connection: psycopg.Connection, defined: Schema, schema: str) -> None:
    with connection.transaction():
        locks.making_tables(connection, schema)
        keep_foreign_code_out(connection, schema, [TABLE, _TILES_OF_FORMAT_1])
        # None, if another session, that loads other parts, was first.
        for text in take_over_statements(connection, defined, schema):
            statements.run(connection, text)


def take_over(
    connection: psycopg.Connection, defined: Schema, schema: str, listener: ProgressListener
) -> bool:
    """Convert a ledger, and check it: see `convert` and `require`; say whether it was converted.

    Parameters
    ----------
    connection, defined, schema
        As for `convert`.
    listener : ProgressListener
        Receives the news.
    """
    converted = bool(convert(connection, defined, schema, Patience(listener)))
    if converted:
        listener.info(f"schema {schema}: the ledger of an earlier version was taken over")
    require(connection, defined, schema)
    return converted
