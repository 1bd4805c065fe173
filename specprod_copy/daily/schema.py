"""The schema of single tiles: its tables, with all keys and indexes from the first row on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import psycopg

from specprod_copy.daily.options import TileOptions
from specprod_copy.desi.production import Production
from specprod_copy.errors import DatabaseError
from specprod_copy.loading import old_tables, post_data
from specprod_copy.loading.old_tables import OldTables
from specprod_copy.loading.prepare import make_tables
from specprod_copy.loading.schema_functions import make_functions
from specprod_copy.plan import ledger, loaded_tiles, lost_tables, versions
from specprod_copy.postgres import catalog, counted, locks, rights
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.late_steps import unfinished_tables
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_conflicts import refuse_own_columns
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waiting_room import is_distributed
from specprod_copy.progress import ProgressListener
from specprod_copy.tiles.read import TABLES


def keys_of(defined: Schema) -> dict[str, tuple[str, ...]]:
    """Return the primary keys of these tables, in an order in which rows may arrive."""
    return {t: table.primary_key for t, table in defined.tables.items() if t in TABLES}


def prepare(
    connection: psycopg.Connection,
    defined: Schema,
    production: Production,
    options: TileOptions,
    listener: ProgressListener,
) -> dict[str, list[Column]]:
    """Make the tables that the schema lacks, with their keys; within the caller's transaction.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as they are defined.
    production : Production
        Its versions go into table version.
    options : TileOptions
    listener : ProgressListener
        Receives what is made.

    Returns
    -------
    dict of str to list of Column
        Columns of the tables in `TABLES`.

    Raises
    ------
    DatabaseError
        If the tables have rows that were not loaded tile by tile.
    """
    schema, tables = options.schema, [*keys_of(defined)]
    patience = Patience(listener, options.patience)
    old: OldTables | None = None
    locks.making_tables(connection, schema)
    if options.overwrite:
        before = read_schema(connection, schema)
        refuse_own_columns(defined, before, tables)
        drop = partial(old_tables.drop, connection, defined, schema, tables)
        locked = [(schema, table) for table in tables]
        old = with_patience(connection, drop, locked, patience)
        if ledger.TABLE in before.tables:
            condition = "table_name = ANY(%s)"
            counted.delete(connection, schema, ledger.TABLE, condition, (tables,))
    lost_tables.recognize(connection, schema, tables)
    wanted = ["version", *tables, ledger.TABLE]
    prepared = make_tables(connection, defined, schema, wanted)
    for note in old.hand_on(connection, tables) if old else ():
        listener.info(note)
    refuse_other_rows(connection, prepared.schema)
    rights.enable_q3c(connection, schema, listener.info)
    if {*tables} <= {*prepared.new}:
        _finish(connection, defined, schema, tables, patience)
    versions.upsert(connection, schema, versions.versions(connection, production))
    for note in make_functions(connection, schema):
        listener.info(note)
    for note in rights.grant(connection, defined, schema, wanted, options.roles).notes:
        listener.info(note)
    return {table: defined.columns_of(table) for table in tables}


def complete(
    connection: psycopg.Connection,
    defined: Schema,
    options: TileOptions,
    listener: ProgressListener,
) -> None:
    """Make the keys and indexes that tables lack which were there before, each by itself.

    A transaction for all of them would keep one table from tiles that already have another one.
    """
    tables, found = [*keys_of(defined)], read_schema(connection, options.schema)
    q3c = q3c_schema(connection) is not None
    if unfinished_tables(defined, found, tables, q3c=q3c):
        with locks.making_indexes(connection, options.schema):
            patience = Patience(listener, options.patience)
            _finish(connection, defined, options.schema, tables, patience)


def _finish(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    tables: Sequence[str],
    patience: Patience,
) -> None:
    # Citus analyzes no distributed tables within a transaction; and these are empty, mostly.
    missing = post_data.PostData(q3c_schema(connection), analyze=not is_distributed(defined))
    post_data.finish(connection, defined, schema, tables, missing, patience)


def refuse_other_rows(connection: psycopg.Connection, found: Schema) -> None:
    """Check that what the tables hold was loaded tile by tile.

    Raises
    ------
    DatabaseError
        If not: a load of whole stages knows other rules, and keeps a ledger of its own.
    """
    if loaded_tiles.loaded_tiles(connection, found):
        return
    for table in sorted(TABLES & found.tables.keys()):
        if catalog.has_rows(connection, found.name, table):
            raise DatabaseError(
                f"table {found.name}.{table} has rows that were not loaded tile by tile, or "
                "lost their ledger: then 'specprod-copy adopt --by-tile' takes them over; choose "
                "another --schema for single tiles, or replace its tables with tile --overwrite"
            )
