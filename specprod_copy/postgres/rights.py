"""Who may read the tables, and whether we may install what their indexes need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog, statements
from specprod_copy.postgres.connection import one_line, translated_errors
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.search_path import q3c_schema


def grant(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    tables: Sequence[str],
    roles: Sequence[str],
) -> list[str]:
    """Let roles read; return those of them that the server does not have.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as their files define them.
    schema : str
    tables : sequence of str
        Existing tables.
    roles : sequence of str

    Raises
    ------
    DatabaseError
        If we may not grant.
    """
    existing = catalog.existing_roles(connection, roles)
    present = [role for role in roles if role in existing]
    with translated_errors(f"cannot grant on schema {schema}"):
        granted = ["schema", *tables]
        statements.make(connection, defined, granted, ["grants"], schema=schema, roles=present)
    return [role for role in roles if role not in existing]


def enable_q3c(
    connection: psycopg.Connection, schema: str, note: Callable[[str], None]
) -> str | None:
    """Install q3c in the database if that can be.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    note : callable
        Is told why there is no q3c.

    Returns
    -------
    str or None
        The schema that q3c is in, None if the database does not have it.
    """
    if catalog.q3c_version(connection, installed=True) is not None:
        return q3c_schema(connection)
    if catalog.q3c_version(connection) is None:
        note(
            "the server does not have the extension q3c: no q3c indexes, so searches on the sky "
            "read whole tables (Debian and Ubuntu: package postgresql-NN-q3c)"
        )
        return None
    try:
        with connection.transaction():
            statements.make(connection, Schema(schema), ["schema"], ["q3c"], schema=schema)
    except psycopg.errors.InsufficientPrivilege:
        note(
            "no right to install the extension q3c in this database: no q3c indexes; let an "
            "administrator run CREATE EXTENSION q3c, then run the load again"
        )
        return None
    except psycopg.errors.InvalidSchemaName:
        note(
            "no schema public to install the extension q3c in: no q3c indexes; let an "
            "administrator run CREATE EXTENSION q3c SCHEMA with the name of one that people see, "
            "then run the load again"
        )
        return None
    except psycopg.errors.UniqueViolation:
        # A load of another schema has installed it since we asked.
        pass
    return q3c_schema(connection)


def readers(connection: psycopg.Connection, schema: str) -> dict[str, frozenset[str]]:
    """Return who may read tables, and use the schema (the empty name), beside their owners.

    ``public`` stands for everybody, as in SQL.
    """
    query = """
        SELECT name, coalesce(array_agg(role), '{}') FROM (
            SELECT '' AS name, g.grantee, g.privilege_type AS granted, 'USAGE' AS wanted,
                   nspowner AS owner
            FROM pg_namespace, aclexplode(nspacl) g WHERE nspname = %(schema)s
            UNION ALL
            SELECT relname, g.grantee, g.privilege_type, 'SELECT', relowner
            FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace, aclexplode(relacl) g
            WHERE nspname = %(schema)s AND relkind IN ('r', 'p')
        ) AS rights
        CROSS JOIN LATERAL (SELECT CASE WHEN grantee = 0 THEN 'public'
                                        ELSE pg_get_userbyid(grantee)::text END AS role) AS named
        WHERE granted = wanted AND grantee <> owner GROUP BY name"""
    found = connection.execute(query, {"schema": schema}).fetchall()
    return {name: frozenset(roles) for name, roles in found}


@contextmanager
def making_schema(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """Say what an administrator has to do if we may not make a schema within the block.

    Raises
    ------
    DatabaseError
    """
    # Not who has logged in: a role may have another one act for it (ALTER ROLE ... SET role).
    [(acting,)] = connection.execute("SELECT current_user").fetchall()
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        name, role = (sql.Identifier(n).as_string() for n in (schema, acting))
        raise DatabaseError(
            f"cannot make schema {schema}: {one_line(error)}. Let an administrator run "
            f"CREATE SCHEMA {name} AUTHORIZATION {role}"
        ) from error
