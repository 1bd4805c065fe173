"""What a server knows beside what is in its schemas: their names, roles, q3c, rows."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError


def require_schema(connection: psycopg.Connection, schema: str) -> bool:
    """Check that there is a schema of some name; say whether this role may use it.

    Raises
    ------
    DatabaseError
        If there is none; it names those that this role may use.
    """
    rows = connection.execute(
        """SELECT nspname, has_schema_privilege(oid, 'USAGE') FROM pg_namespace
           WHERE nspname !~ '^(pg_|information_schema$)' ORDER BY nspname"""
    ).fetchall()
    usable: dict[str, bool] = dict(rows)
    if schema not in usable:
        known = ", ".join(name for name, may in rows if may)
        raise DatabaseError(f"there is no schema {schema}; there are: {known or 'none'}")
    return usable[schema]


def abandoned_indexes(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return the indexes of a schema that were left when their rebuilding was interrupted."""
    query = """SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
               JOIN pg_namespace n ON n.oid = i.relnamespace
               WHERE n.nspname = %s AND NOT x.indisvalid AND i.relname ~ '_cc(new|old)[0-9]*$'"""
    return [name for (name,) in connection.execute(query, (schema,))]


def existing_roles(connection: psycopg.Connection, roles: Iterable[str]) -> set[str]:
    """Return those of some roles that the server has."""
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
    return {name for (name,) in connection.execute(query, (list(roles),))}


def owned_tables(connection: psycopg.Connection, schema: str) -> set[str]:
    """Return the tables of a schema that this role may change the definition of."""
    query = """SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname = %s AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'USAGE')"""
    return {name for (name,) in connection.execute(query, (schema,))}


def has_extension(connection: psycopg.Connection, name: str) -> bool:
    """Say whether an extension is installed in this database."""
    query = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = %s)"
    return bool(_scalar(connection, query, (name,)))


def q3c_version(connection: psycopg.Connection, *, installed: bool = False) -> str | None:
    """Return the version of the extension q3c, None if the server does not have it.

    Parameters
    ----------
    connection : psycopg.Connection
    installed : bool
        Ask for the version installed in this database, not for the one that could be.
    """
    column = "installed_version" if installed else "default_version"
    query = sql.SQL("SELECT {} FROM pg_available_extensions WHERE name = 'q3c'")
    version = _scalar(connection, query.format(sql.Identifier(column)), ())
    return None if version is None else str(version)


def table_ids(connection: psycopg.Connection, schema: str) -> dict[str, int]:
    """Return the object identifiers of the tables of a schema, by name."""
    query = """SELECT relname, c.oid::bigint FROM pg_class c JOIN pg_namespace n
               ON n.oid = relnamespace WHERE nspname = %s AND relkind IN ('r', 'p')"""
    return dict(connection.execute(query, (schema,)).fetchall())


def with_partitions(
    connection: psycopg.Connection, schema: str, tables: Iterable[str]
) -> list[str]:
    """Return the names of some tables of a schema, and those of their partitions there."""
    query = """SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%s))
               AND (relname = ANY (%s) OR oid IN (
                   SELECT inhrelid FROM pg_inherits JOIN pg_class p ON p.oid = inhparent
                   WHERE p.relname = ANY (%s) AND p.relkind = 'p' AND p.relnamespace
                         = to_regnamespace(quote_ident(%s)))) ORDER BY relkind, relname"""
    names = list(tables)
    return [name for (name,) in connection.execute(query, (schema, names, names, schema))]


def has_rows(connection: psycopg.Connection, schema: str, table: str) -> bool:
    """Say whether a table has any row."""
    # With a column: Citus has none to send to its servers otherwise.
    query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(schema, table))
    return bool(_scalar(connection, query, ()))


def integers(
    connection: psycopg.Connection, schema: str, table: str, column: str
) -> tuple[int, ...]:
    """Return the values of a column, in ascending order."""
    query = sql.SQL("SELECT {0} FROM {1} ORDER BY {0}").format(
        sql.Identifier(column), sql.Identifier(schema, table)
    )
    return tuple(int(value) for (value,) in connection.execute(query))


def _scalar(connection: psycopg.Connection, query: str | sql.Composed, values: tuple) -> object:
    row = connection.execute(query, values or None).fetchone()
    return None if row is None else row[0]
