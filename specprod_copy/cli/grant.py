"""``specprod-copy grant``: let roles read a schema."""

from __future__ import annotations

from typing import Any

import click

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import Readers
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import say, warn
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import rights
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.vac.stored import catalogue_in


@click.command()
@click.option("-s", "--schema", required=True, help="Schema of the tables.")
@options_of(Readers)
@options_of(ServerOptions)
def grant(schema: str, **values: Any) -> None:
    """Let roles read the tables of a schema.

    The loader does this as well; this command is for roles that were made later. A role that does
    not exist gets a warning.

    \b
      specprod-copy grant --schema iron --public
    """
    roles = make(Readers, values).all
    conninfo = make(ServerOptions, values).to_read()
    with watched(conninfo, make_listener(0)) as conninfo, connect(conninfo) as connection:
        found = read_schema(connection, schema)
        defined = catalogue_in(connection, found).definition
        tables = [table for table in defined.tables if table in found.tables]
        if not tables:
            require_schema(connection, schema)
            raise DatabaseError(
                f"schema {schema} has none of the tables of a production, and no catalogue"
            )
        granted = rights.grant(connection, defined, schema, tables, roles)
    if granted.lacking:
        raise DatabaseError("; ".join(granted.notes))
    for note in granted.notes:
        warn(f"Warning: {note}")
    for role in roles:
        if role not in granted.missing:
            say(f"{role} may read {len(tables)} tables of schema {schema}")
