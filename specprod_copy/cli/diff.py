"""``specprod-copy diff``: what makes a schema as it is defined, or like another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import psycopg

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Readers, complete_table
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import put, warn
from specprod_copy.postgres import catalog, rights
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_changes import Changes
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.vac.stored import catalogue_in
from specprod_copy.words import did_you_mean


@click.command()
@click.argument("tables", nargs=-1, metavar="[TABLE]...", shell_complete=complete_table)
@click.option("-s", "--schema", required=True, help="Schema to look at.")
@click.option("--like", metavar="SCHEMA", help="Compare with this schema, not with the definition.")
@click.option("--drop", is_flag=True, help="Drop and revoke what is not defined; else a comment.")
@click.option("--error-on-change", is_flag=True, help="End with code 1 if there is a difference.")
@options_of(Readers)
@options_of(ServerOptions)
@click.pass_context
def diff(
    context: click.Context,
    tables: tuple[str, ...],
    schema: str,
    like: str | None,
    drop: bool,
    error_on_change: bool,
    **values: Any,
) -> None:
    """Print the SQL that makes a schema as it is defined, or like another schema.

    All tables that are there or that a load makes are compared, or those
    named: columns, types, keys, indexes, comments, and who may read. Nothing
    is changed; the SQL is for psql. What users added is dropped with --drop
    only.

    \b
      specprod-copy diff --schema iron
      specprod-copy diff --schema iron --error-on-change zpix ztile
      specprod-copy diff --schema iron --like loa | psql
    """
    roles = make(Readers, values).all
    conninfo = make(ServerOptions, values).to_read()
    with watched(conninfo, make_listener(0)) as conninfo, connect(conninfo) as connection:
        changes = _changes(connection, schema, like, tables, roles)
        script = replace(changes, drop=drop).script()
    if script:
        put(script)
    else:
        warn(f"Schema {schema}: no differences")
    if script and error_on_change:
        context.exit(1)


def _changes(
    connection: psycopg.Connection,
    schema: str,
    like: str | None,
    tables: tuple[str, ...],
    roles: tuple[str, ...],
) -> Changes:
    found = _existing(connection, schema)
    granted = rights.readers(connection, schema)
    if like is not None:
        wanted = _existing(connection, like)
        wanted_grants = rights.readers(connection, like)
        names = {*(tables or (*wanted.tables, *found.tables))}
    else:
        catalogue = catalogue_in(connection, found)
        wanted = catalogue.definition
        existing = catalog.existing_roles(connection, roles)
        for role in (role for role in roles if role not in existing):
            warn(f"Warning: role {role} does not exist: it is left out")
        # Others may read as well: that is not defined.
        wanted_grants = {
            table: granted.get(table, frozenset()) | frozenset(existing)
            for table in ("", *wanted.tables)
        }
        loads = {"version", *(source.table for source in catalogue.sources.values())}
        names = {*(tables or loads | (wanted.tables.keys() & found.tables.keys()))}
    there = {*wanted.tables, *found.tables}
    for unknown in sorted(names - there):
        meant = did_you_mean(unknown, sorted(there))
        raise click.UsageError(f"no table is called {unknown}{meant and f'; {meant}'}")
    return Changes(
        _of(wanted, names),
        _of(found, names),
        q3c_schema(connection),
        False,
        wanted_grants,
        granted,
    )


def _existing(connection: psycopg.Connection, name: str) -> Schema:
    require_schema(connection, name)
    return read_schema(connection, name)


def _of(schema: Schema, names: set[str]) -> Schema:
    return replace(schema, tables={t: table for t, table in schema.tables.items() if t in names})
