"""The schema of single tiles: its tables, with all keys and indexes from the first row on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import psycopg

from specprod_copy import counted, database, ddl, finish, ledger, locks, rights
from specprod_copy.columns import Column
from specprod_copy.daily import state
from specprod_copy.errors import DatabaseError
from specprod_copy.overwrite import drop_tables
from specprod_copy.production import Production
from specprod_copy.report import Report
from specprod_copy.tables import version

KEYS: Final[Mapping[str, str]] = {
    "tile": "tileid",
    "exposure": "expid",
    "frame": "frameid",
    "photometry": "targetid",
    "target": "id",
    "ztile": "id",
    "fiberassign": "id",
    "potential": "id",
}
"""The tables that a tile has rows in, and their keys, in an order in which rows may arrive."""


def prepare(
    connection: psycopg.Connection,
    schema: str,
    production: Production,
    *,
    overwrite: bool,
    roles: Sequence[str],
    report: Report,
) -> dict[str, list[Column]]:
    """Make what the schema lacks; within the caller's transaction.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    production : Production
        Its versions go into table version.
    overwrite : bool
        Replace the tables.
    roles : sequence of str
        Roles that may read.
    report : Report
        Is told what is made, and what could not be.

    Returns
    -------
    dict of str to list of Column
        Columns of the tables in `KEYS`.

    Raises
    ------
    DatabaseError
        If the tables have rows that were not loaded tile by tile.
    """
    locks.making_tables(connection, schema)
    if overwrite:
        drop_tables(connection, schema, [*KEYS, state.TABLE])
        if ledger.TABLE in database.existing_tables(connection, schema):
            condition = "table_name = ANY(%s)"
            counted.delete(connection, schema, ledger.TABLE, condition, (list(KEYS),))
    refuse_other_rows(connection, schema)
    existing = database.existing_tables(connection, schema)
    wanted = ["version", *KEYS, state.TABLE]
    new = [table for table in wanted if table not in existing]
    makes_schema = [] if database.schema_exists(connection, schema) else ["schema"]
    statements = [
        *ddl.statements(makes_schema, ["table"], schema=schema),
        *ddl.statements(new, ["table", "comments"], schema=schema),
        *ddl.statements([t for t in new if t == "version"], ["keys"], schema=schema),
    ]
    for statement in statements:
        connection.execute(statement.sql.encode())
    q3c = rights.enable_q3c(connection, schema, report.info)
    finish.finish(connection, schema, list(KEYS), step=report.step, changed=[], q3c=q3c)
    version.upsert(connection, schema, version.versions(connection, production))
    for role in rights.grant(connection, schema, wanted, roles):
        report.info(f"role {role} does not exist: nothing granted to it")
    return {table: database.table_columns(connection, schema, table) for table in KEYS}


def refuse_other_rows(connection: psycopg.Connection, schema: str) -> None:
    """Check that what the tables hold was loaded tile by tile.

    Raises
    ------
    DatabaseError
        If not: a load of whole stages knows other rules, and keeps a ledger of its own.
    """
    existing = database.existing_tables(connection, schema)
    if state.TABLE in existing and database.has_rows(connection, schema, state.TABLE):
        return
    for table in KEYS:
        if table in existing and database.has_rows(connection, schema, table):
            raise DatabaseError(
                f"table {schema}.{table} has rows that were not loaded tile by tile; choose "
                "another --schema for single tiles, or replace its tables with tile --overwrite"
            )
