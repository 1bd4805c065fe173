"""What the ledger says of procedures: which columns were derived in the database, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

import specprod_copy
from specprod_copy.plan import ledger_format
from specprod_copy.plan.ledger import PROCEDURES as STAGE
from specprod_copy.plan.ledger import TABLE, TILES
from specprod_copy.plan.ledger_entries import table_ids
from specprod_copy.postgres import counted
from specprod_copy.postgres.names import parametrized
from specprod_copy.tables.procedures import PROCEDURES


@dataclass(frozen=True)
class Recorded:
    """A procedure that was run on a table."""

    name: str
    table: str
    columns: tuple[str, ...]
    """Those that it has derived."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What else its rule needs to know."""
    run_at: datetime | None = None
    """None for what every load runs."""
    rows_since: bool = False
    """Whether rows of some files were loaded later."""


def entry(name: str) -> str:
    """Return the name of a procedure's entry in the ledger."""
    return f"procedure {name}"


def record(
    connection: psycopg.Connection, schema: str, table: str, name: str, **details: str
) -> None:
    """Write that a procedure was run on a table, within its transaction, if there is a ledger.

    Scripts for psql do the same.

    Parameters
    ----------
    connection : psycopg.Connection
    schema, table : str
    name : str
        One of `specprod_copy.tables.procedures.PROCEDURES`.
    **details
        What else its rule needs to know.
    """
    if ledger_format.ledger_format(connection, schema) != ledger_format.FORMAT:
        return
    forget(connection, schema, table, name)
    query = sql.SQL(
        """INSERT INTO {} (table_name, entry, first_row, last_row, stage, inputs, tables, details,
                           rows_read, rows_kept, values_changed, bytes_sent, seconds, loaded_by)
           VALUES (%s, %s, 0, 0, %s, '[]', {}, %s, 0, 0, 0, 0, 0, %s)"""
    ).format(parametrized(schema, TABLE), table_ids(schema))
    by = f"specprod-copy {specprod_copy.__version__}"
    columns = PROCEDURES[name].columns[table]
    described = Jsonb({"procedure": name, "columns": columns, **details})
    values = (table, entry(name), STAGE, [table], described, by)
    counted.execute(connection, schema, TABLE, query, values, 1)


def forget(connection: psycopg.Connection, schema: str, table: str, name: str) -> None:
    """Remove what is said of a procedure, within the transaction that undoes it."""
    if ledger_format.ledger_format(connection, schema) == ledger_format.FORMAT:
        condition, values = "(table_name, entry) = (%s, %s)", (table, entry(name))
        counted.delete(connection, schema, TABLE, condition, values)


def recorded(connection: psycopg.Connection, schema: str) -> list[Recorded]:
    """Return the procedures whose work is in tables, by table.

    Where all files of a table were loaded after a procedure was run, nothing of it is left. The
    entry of a tile is one for all tables.
    """
    query = sql.SQL(
        """SELECT details, table_name, loaded_at, coalesce(later, false)
           FROM {0} AS procedure LEFT JOIN LATERAL (
               SELECT bool_or(loaded_at > procedure.loaded_at) AS later,
                      bool_and(loaded_at > procedure.loaded_at) AS all_later
               FROM {0} AS loaded
               WHERE (loaded.table_name = procedure.table_name
                      OR stage = %(tiles)s AND tables ? procedure.table_name)
                 AND stage <> %(procedures)s AND failure IS NULL
           ) AS files ON true
           WHERE stage = %(procedures)s AND all_later IS NOT TRUE
           ORDER BY table_name, loaded_at, entry"""
    ).format(parametrized(schema, TABLE))
    found = connection.execute(query, {"procedures": STAGE, "tiles": TILES})
    return [
        Recorded(details.pop("procedure"), table, (*details.pop("columns"),), details, at, later)
        for details, table, at, later in found
    ]
