"""Connections, and what the server knows about schemas, tables and roles."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.columns import POLARS_TYPES, Column
from specprod_copy.postgres.schema import Made


def schema_exists(connection: psycopg.Connection, schema: str) -> bool:
    """Say whether a schema exists."""
    query = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)"
    return bool(_scalar(connection, query, (schema,)))


def schema_comment(connection: psycopg.Connection, schema: str) -> str | None:
    """Return the comment on a schema, if it has one."""
    query = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
    comment = _scalar(connection, query, (schema,))
    return None if comment is None else str(comment)


def temporary_schema(connection: psycopg.Connection) -> str:
    """Return the name of the schema of this session's temporary tables, empty if it has none."""
    query = "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()"
    return str(_scalar(connection, query, ()) or "")


def existing_tables(connection: psycopg.Connection, schema: str) -> set[str]:
    """Return the names of the tables in a schema."""
    query = """SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname = %s AND relkind IN ('r', 'p')"""
    return {name for (name,) in connection.execute(query, (schema,))}


def existing_objects(connection: psycopg.Connection, schema: str) -> set[Made]:
    """Return the indexes and constraints in a schema; a constraint that is valid counts twice."""
    query = """
        SELECT t.relname, kind, c.conname FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        CROSS JOIN (VALUES ('constraint'), ('validation')) AS k (kind)
        WHERE n.nspname = %(schema)s AND (c.convalidated OR kind = 'constraint')
        UNION
        SELECT t.relname, 'index', i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        WHERE n.nspname = %(schema)s AND x.indisvalid"""
    return {Made(*row) for row in connection.execute(query, {"schema": schema})}


def clustered_tables(connection: psycopg.Connection, schema: str) -> set[str]:
    """Return the tables of a schema that were ordered on an index."""
    query = """SELECT t.relname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid
               JOIN pg_namespace n ON n.oid = t.relnamespace
               WHERE n.nspname = %s AND x.indisclustered"""
    return {name for (name,) in connection.execute(query, (schema,))}


def existing_roles(connection: psycopg.Connection, roles: Iterable[str]) -> set[str]:
    """Return those of some roles that the server has."""
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
    return {name for (name,) in connection.execute(query, (list(roles),))}


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


def has_rows(connection: psycopg.Connection, schema: str, table: str) -> bool:
    """Say whether a table has any row."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, table))
    return bool(_scalar(connection, query, ()))


def integers(
    connection: psycopg.Connection, schema: str, table: str, column: str
) -> tuple[int, ...]:
    """Return the values of a column in ascending order, none if there is no such table."""
    if table not in existing_tables(connection, schema):
        return ()
    query = sql.SQL("SELECT {0} FROM {1} ORDER BY {0}").format(
        sql.Identifier(column), sql.Identifier(schema, table)
    )
    return tuple(int(value) for (value,) in connection.execute(query))


def table_columns(connection: psycopg.Connection, schema: str, table: str) -> list[Column]:
    """Ask the server for the columns of a table, in order.

    Parameters
    ----------
    connection : psycopg.Connection
    schema, table : str
        Names as in the catalog.

    Returns
    -------
    list of Column

    Raises
    ------
    DatabaseError
        If the table does not exist or has a column of a type that is not supported.
    """
    query = """
        SELECT a.attname, t.typname, a.attnotnull,
               CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 0
                    THEN a.atttypmod - 4 END
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum"""
    columns = [Column(*row) for row in connection.execute(query, (schema, table))]
    if not columns:
        raise DatabaseError(f"table {schema}.{table} does not exist, or has no columns")
    for column in columns:
        if column.type not in POLARS_TYPES:
            raise DatabaseError(
                f"{schema}.{table}.{column.name}: type {column.type} is not supported; "
                f"supported: {', '.join(POLARS_TYPES)}"
            )
    return columns


def _scalar(connection: psycopg.Connection, query: str | sql.Composed, values: tuple) -> object:
    row = connection.execute(query, values or None).fetchone()
    return None if row is None else row[0]
