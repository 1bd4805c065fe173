"""Tables that new ones replace: dropped, with all that has to be known of them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from specprod_copy.postgres import catalog, own_views
from specprod_copy.postgres.grants import Grant, granted
from specprod_copy.postgres.own_objects import gone_with
from specprod_copy.postgres.rights import let_read_again
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_conflicts import refuse_own_columns
from specprod_copy.postgres.schema_from_server import read_schema

_WAY_OUT = "Replace the other stages as well (load all --overwrite), or drop these objects first"


@dataclass(frozen=True)
class OldTables:
    """What tables have left that were dropped."""

    schema: str
    defined: Schema
    views: list[own_views.View]
    """Views of ours that read them."""
    rights: list[Grant]
    """Those of their owners to read are among them, if others own what they make."""
    parts: list[str]
    """What was not of their definition, in words."""

    def hand_on(self, connection: psycopg.Connection, tables: Sequence[str]) -> list[str]:
        """Give the views, and the rights to read, to new tables; return what is gone, in words."""
        made = catalog.with_partitions(connection, self.schema, tables)
        notes = let_read_again(connection, self.schema, made, self.rights).notes
        own_views.make_again(connection, self.views)
        found = read_schema(connection, self.schema)
        # Such as storage parameters that the file of a catalogue itself sets.
        kept = {*gone_with(connection, self.defined, found, tables)}
        gone = (part for part in self.parts if part not in kept)
        return [*(f"gone with the old table: {part}" for part in gone), *notes]


def drop(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    tables: Sequence[str],
    as_made: Callable[[Schema], Schema] | None = None,
    way_out: str = _WAY_OUT,
) -> OldTables:
    """Drop tables that new ones replace, within the caller's transaction.

    They are looked at when nobody can change them any more: hours after a load has begun they may
    have columns of users that they did not have then.

    Parameters
    ----------
    connection : psycopg.Connection
    defined : Schema
        The tables as they are defined.
    schema : str
    tables : sequence of str
        Those that are not there are passed over.
    as_made : callable, optional
        Returns the definition by which they were made, if it may be another one.
    way_out : str
        What to do, as a sentence without its full stop, if other objects depend on them.

    Raises
    ------
    DatabaseError
        If they have columns of users, or other objects depend on them; says which.
    """
    views = own_views.take_away(connection, schema, tables)
    there = catalog.with_partitions(connection, schema, tables)
    lock(connection, schema, [table for table in tables if table in there])
    found = read_schema(connection, schema)
    made_as = None if as_made is None else as_made(found)
    refuse_own_columns(defined, found, tables, made_as)
    rights = [*granted(connection, schema, there), *_owners(connection, schema, there)]
    parts = gone_with(connection, defined, found, tables, made_as)
    drop_tables(connection, schema, tables, way_out)
    return OldTables(schema, defined, views, rights, parts)


def lock(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Let nobody change tables any more, where this role may lock them.

    The owner of a schema may drop a table of it that he may not lock, and so may an owner who has
    taken the rights to write from himself. Their tables are looked at a moment before they go.
    """
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
    for table in tables:
        with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
            # Partitions are locked with it, and nobody asks who may do that.
            connection.execute(lock.format(sql.Identifier(schema, table)))


def _owners(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> list[Grant]:
    """Return the right to read that other roles have as owners of tables."""
    query = """SELECT relname, '', 'SELECT', pg_get_userbyid(relowner)::text, false FROM pg_class
               WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
                 AND relname = ANY (%s) AND pg_get_userbyid(relowner) <> current_user"""
    return [Grant(*row) for row in connection.execute(query, (schema, [*tables]))]


def drop_tables(
    connection: psycopg.Connection, schema: str, tables: Sequence[str], way_out: str = _WAY_OUT
) -> None:
    """Drop tables, all in one statement, without anything that depends on them.

    Raises
    ------
    DatabaseError
        If a view or a foreign key of another table depends on them; says which.
    """
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
    with own_views.naming_dependents(f"cannot replace tables of schema {schema}", way_out):
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(names))
