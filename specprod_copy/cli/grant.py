"""``specprod-copy grant``: let roles read a schema."""

from __future__ import annotations

import click

from specprod_copy.cli.options import connection_options, role_options
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog, ddl, rights
from specprod_copy.postgres.connection import connect


@click.command()
@click.option("-s", "--schema", required=True, help="Schema of the tables.")
@role_options("Let the roles of the public read as well.")
@connection_options
def grant(schema: str, roles: tuple[str, ...], conninfo: str) -> None:
    """Let roles read the tables of a schema.

    The loader does this as well; this command is for roles that were made later. A role that does
    not exist gets a warning.

    \b
      specprod-copy grant --schema iron --public
    """
    with connect(conninfo) as connection:
        existing = catalog.existing_tables(connection, schema)
        tables = [table for table in ddl.definition().tables if table in existing]
        if not tables:
            raise DatabaseError(f"schema {schema} has none of the tables of a production")
        missing = rights.grant(connection, schema, tables, roles)
    for role in roles:
        if role in missing:
            click.echo(f"Warning: role {role} does not exist: nothing granted to it", err=True)
        else:
            click.echo(f"{role} may read {len(tables)} tables of schema {schema}")
