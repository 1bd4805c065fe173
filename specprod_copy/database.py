"""Connections, and what the server knows about schemas, tables and roles."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from specprod_copy.columns import POLARS_TYPES, Column
from specprod_copy.conninfo import conninfo_parameters
from specprod_copy.ddl import Made
from specprod_copy.errors import DatabaseError
from specprod_copy.search_path import protect

SESSION_SETTINGS: Mapping[str, str] = {
    # A commit that is lost in a crash of the server takes its ledger row along, so the unit is
    # loaded again; waiting for the disk at each commit buys nothing.
    "synchronous_commit": "off",
    # Index builds sort in memory up to this size. The server's own default is 64 MB.
    "maintenance_work_mem": "512MB",
    # Identifiers and literals are rendered for this.
    "standard_conforming_strings": "on",
    # Text is sent as UTF-8, whatever PGCLIENTENCODING says.
    "client_encoding": "UTF8",
    # Limits that a server sets for queries of people; a COPY or an index takes what it takes.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A server that is left alone by its client stops working for it (PostgreSQL 14 and later).
    "client_connection_check_interval": "1s",
    "timezone": "UTC",
    # Rows that a policy hides would be missing without a word; so they are an error.
    "row_security": "off",
}
"""What the loader sets for its sessions, where the server knows it: what any role may change.

The search_path is always set, and before these.
"""

SEND_BUFFER = 2 << 20
"""Bytes that may be on their way to a server on this machine.

It takes the usual 200 kB in a millisecond, and then stands still until Python lets the thread that
sends go on. The system may allow less (``net.core.wmem_max``). For TCP it adapts the size itself.
"""


def one_line(error: psycopg.Error) -> str:
    """Return the message of a database error on one line, with its detail and hint.

    Parameters
    ----------
    error : psycopg.Error

    Returns
    -------
    str
    """
    diagnosis = error.diag
    if diagnosis.message_primary is None:
        return " ".join(str(error).split())
    parts = [diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def failure(doing: str, error: psycopg.Error) -> DatabaseError:
    """Return the error for people that tells what failed, and whether to try again.

    Parameters
    ----------
    doing : str
        What was going on, as the beginning of the message.
    error : psycopg.Error

    Returns
    -------
    DatabaseError
    """
    # What is not in the hands of the program: connection, server, disk, locks of others.
    passing = isinstance(error, psycopg.OperationalError)
    again = "; once that is over, run the command again" if passing else ""
    return DatabaseError(f"{doing}: {one_line(error)}{again}")


def connect(conninfo: str, *, settings: Mapping[str, str] = SESSION_SETTINGS) -> psycopg.Connection:
    """Connect to a server.

    Parameters
    ----------
    conninfo : str
        URI or key=value string; what it leaves open is libpq's business: PGHOST and the other
        variables, service files, ``.pgpass``.
    settings : mapping of str to str
        Settings of the session.

    Returns
    -------
    psycopg.Connection
        In autocommit mode.

    Raises
    ------
    ConfigurationError
        If the connection string is none.
    DatabaseError
        If there is no server, or it refuses us.
    """
    conninfo_parameters(conninfo)
    try:
        connection = psycopg.connect(conninfo, autocommit=True, application_name="specprod-copy")
        protect(connection)
        for name, value in settings.items():
            connection.execute(
                # The server spells some of the names with capitals: TimeZone.
                "SELECT set_config(name, %s, false) FROM pg_settings WHERE lower(name) = lower(%s)",
                (value, name),
            )
        if connection.info.host.startswith(("/", "@")):
            with socket.socket(fileno=os.dup(connection.fileno())) as link:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot connect: {one_line(error).rstrip('?')}. If the server is only down for a "
            "while, run the command again then. Check --dsn, --hostname, --username and --dbname, "
            "the PG* variables and ~/.pgpass, or leave all of them out to use the embedded server"
        ) from error
    return connection


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turn errors of the server within the block into a `DatabaseError`.

    Parameters
    ----------
    doing : str
        What was going on, as the beginning of the message.
    """
    try:
        yield
    except psycopg.Error as error:
        raise failure(doing, error) from error


@contextmanager
def making_schema(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """Say what an administrator has to do if we may not make a schema within the block.

    Raises
    ------
    DatabaseError
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        name, role = (sql.Identifier(n).as_string() for n in (schema, connection.info.user))
        raise DatabaseError(
            f"cannot make schema {schema}: {one_line(error)}. Let an administrator run "
            f"CREATE SCHEMA {name} AUTHORIZATION {role}"
        ) from error


def parametrized(*names: str) -> sql.SQL:
    """Return a quoted name for a query that has parameters as well.

    In such a query psycopg takes every ``%`` for a placeholder, those inside quotes too.
    """
    return sql.SQL(sql.Identifier(*names).as_string().replace("%", "%%"))


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
