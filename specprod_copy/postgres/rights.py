"""Who may read the tables, and whether we may install what their indexes need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog, ddl, grants, statements
from specprod_copy.postgres.connection import one_line, translated_errors
from specprod_copy.postgres.grants import Grant
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.search_path import q3c_schema


@dataclass(frozen=True)
class Granted:
    """What kept roles from getting rights, or from having them again, if anything did."""

    missing: Sequence[str] = ()
    """Roles that the server does not have."""
    lacking: Sequence[str] = ()
    """What an administrator has to run for the others, as this role may not."""
    gone: Sequence[str] = ()
    """Rights that went with a table which was replaced, in words."""

    def __add__(self, other: Granted) -> Granted:
        missing = dict.fromkeys((*self.missing, *other.missing))
        gone = [*self.gone, *other.gone]
        return Granted([*missing], [*self.lacking, *other.lacking], gone)

    @property
    def notes(self) -> list[str]:
        """For people."""
        notes = [f"role {role} does not exist: nothing granted to it" for role in self.missing]
        if self.lacking:
            notes.append(
                "this role may not let others read all of it: let an administrator run "
                f"{'; '.join(self.lacking)}"
            )
        return [*notes, *(f"gone with the old table: {rights}" for rights in self.gone)]


def grant(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    tables: Sequence[str],
    roles: Sequence[str],
) -> Granted:
    """Let roles read the tables of a schema, by the statements of their SQL files.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as their files define them.
    schema : str
    tables : sequence of str
        Existing tables.
    roles : sequence of str
    """

    def give(present: Sequence[str]) -> None:
        granted = ["schema", *tables]
        statements.make(connection, defined, granted, ["grants"], schema=schema, roles=present)

    # The file of a catalogue's table may grant nothing, or to no role but those that it names.
    granting = ddl.statements(defined, tables, ["grants"], schema=schema, roles=roles)
    return _granted(connection, schema, [*{s.table: s for s in granting}], roles, give)


def grant_each(
    connection: psycopg.Connection, schema: str, names: Sequence[str], roles: Sequence[str]
) -> Granted:
    """Let roles read views or tables of a schema that no SQL file defines."""

    def give(present: Sequence[str]) -> None:
        for statement in _grants(schema, names, present):
            connection.execute(statement)

    return _granted(connection, schema, names, roles, give)


def _granted(
    connection: psycopg.Connection,
    schema: str,
    names: Sequence[str],
    roles: Sequence[str],
    give: Callable[[Sequence[str]], None],
) -> Granted:
    """Grant, and look whether the roles may read now: the server may warn instead of an error."""
    existing = catalog.existing_roles(connection, roles)
    present = [role for role in roles if role in existing]
    with (
        translated_errors(f"cannot grant on schema {schema}"),
        suppress(psycopg.errors.InsufficientPrivilege),
        connection.transaction(),
    ):
        give(present)
    lacking = [
        statement.as_string(connection)
        for role in present
        for statement in lacking_rights(connection, schema, names, role)
    ]
    return Granted([role for role in roles if role not in existing], lacking)


def lacking_rights(
    connection: psycopg.Connection, schema: str, names: Sequence[str], role: str
) -> list[sql.Composed]:
    """Return the statements that give a role the rights to read that it lacks."""
    query = """
        SELECT relname, has_schema_privilege(%(role)s, n.oid, 'USAGE'),
               has_table_privilege(%(role)s, c.oid, 'SELECT')
        FROM pg_namespace n
        LEFT JOIN pg_class c ON relnamespace = n.oid AND relname = ANY(%(names)s)
        WHERE nspname = %(schema)s ORDER BY array_position(%(names)s, relname::text)"""
    values = {"role": role, "schema": schema, "names": [*names]}
    found = connection.execute(query, values).fetchall()
    unread = [name for name, _, may_read in found if may_read is False]
    usage, *others = _grants(schema, unread, [role])
    return others if all(may_use for _, may_use, _ in found) else [usage, *others]


def _grants(schema: str, names: Sequence[str], roles: Sequence[str]) -> list[sql.Composed]:
    """Return the statements that let roles use a schema, and read something in it."""
    result = []
    listed = sql.SQL(", ").join(sql.Identifier(schema, name) for name in names)
    for role in map(sql.Identifier, roles):
        usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}")
        result.append(usage.format(sql.Identifier(schema), role))
        if names:
            result.append(sql.SQL("GRANT SELECT ON {} TO {}").format(listed, role))
    return result


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
        SELECT CASE grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(grantee)::text END
        FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl)
        WHERE nspname = %s AND privilege_type = 'USAGE' AND grantee <> nspowner"""
    found = {("", role) for (role,) in connection.execute(query, (schema,))}
    rights = grants.granted(connection, schema, [*catalog.table_ids(connection, schema)])
    found |= {(g.relation, g.role) for g in rights if g.privilege == "SELECT" and not g.column}
    return {
        name: frozenset(role for where, role in found if where == name)
        for name in {name for name, _ in found}
    }


def let_read_again(
    connection: psycopg.Connection, schema: str, tables: Sequence[str], before: Sequence[Grant]
) -> Granted:
    """Let those read new tables, or columns of them, who could read the old ones.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    tables : sequence of str
        The new tables, and their partitions.
    before : sequence of Grant
        All rights to the old ones, as `grants.granted` has returned them.

    Returns
    -------
    Granted
        Names the other rights that are gone: to write, and to what is no more.
    """
    query = """SELECT relname, attname, pg_get_userbyid(relowner)::text
               FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
               WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
                 AND relname = ANY (%s) AND attnum > 0 AND NOT attisdropped"""
    columns = connection.execute(query, (schema, [*tables])).fetchall()
    there = {*((table, column) for table, column, _ in columns), *((t, "") for t in tables)}
    owners = {(table, owner) for table, _, owner in columns}
    # Who owns the new table has all rights to it.
    before = [grant for grant in before if (grant.relation, grant.role) not in owners]
    for grant in before:
        if grant.privilege == "SELECT" and (grant.relation, grant.column) in there:
            connection.execute(grant.statement(schema))
    now = grants.granted(connection, schema, tables)
    held = {*now, *(replace(grant, grantable=False) for grant in now)}
    gone = [grant for grant in before if grant not in held]
    again = [grant for grant in gone if (grant.relation, grant.column) in there]
    others = [grant for grant in gone if grant not in again]
    named = [f"rights that {text} gives again" for text in grants.together(schema, again)]
    named += [f"rights to what is no more, by {text}" for text in grants.together(schema, others)]
    return Granted(gone=named)


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
