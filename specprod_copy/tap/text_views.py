"""Views that give as text what TAP and JDBC tools do not hold, the 128-bit ids above all.

Such tools take a numeric of 39 digits for a double, and say nothing. The views are part of their
schema: they come along when its tables are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from specprod_copy.postgres import own_views
from specprod_copy.postgres.own_views import MARK
from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.tap.published import SUFFIX, is_text_view, needs_text, publishable


def make_text_views(connection: psycopg.Connection, found: Schema) -> list[str]:
    """Make the views of a schema, or make them again, within the caller's transaction.

    Those that are as the tables are now stay.

    Parameters
    ----------
    connection : psycopg.Connection
    found : Schema
        With its views.

    Returns
    -------
    list of str
        Their names.

    Raises
    ------
    DatabaseError
        If something else has the name of one, or depends on one whose columns changed.
    """
    tables = [table for table in publishable(found) if needs_text(table)]
    names = [f"{table.name}{SUFFIX}" for table in tables]
    own_views.existing(connection, found.name, names)
    read = _read_by(connection, found.name, names)
    for table, name in zip(tables, names, strict=True):
        as_text = needs_text(table)
        wanted = [(c.name, "text" if c.name in as_text else c.type) for c in table.columns]
        there = found.tables.get(name)
        is_like_it = there is not None and [(c.name, c.type) for c in there.columns] == wanted
        if not is_like_it or read[name] != {(found.name, table.name)}:
            own_views.replace(connection, found.name, name, _select(found.name, table))
        for column, text in _comments(table, as_text):
            own_views.comment(connection, found.name, name, column, text)
    return names


def drop_text_views(connection: psycopg.Connection, found: Schema) -> None:
    """Drop the views of a schema, within the caller's transaction."""
    for name in text_views(found):
        drop = sql.SQL("DROP VIEW {}").format(sql.Identifier(found.name, name))
        connection.execute(drop)


def text_views(found: Schema) -> list[str]:
    """Return the names of the views of this kind that a schema has."""
    return [table.name for table in found.tables.values() if is_text_view(found, table)]


def _read_by(
    connection: psycopg.Connection, schema: str, views: Sequence[str]
) -> dict[str, set[tuple[str, str]]]:
    """Return the schemas and names of what views read: a table that was renamed is still read."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in views}
    query = """
        SELECT v.relname, n.nspname, c.relname
        FROM pg_class v JOIN pg_rewrite w ON w.ev_class = v.oid
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE v.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
          AND v.relname = ANY (%s) AND c.oid <> v.oid"""
    for view, *place in connection.execute(query, (schema, list(views))):
        found[view].add((place[0], place[1]))
    return found


def _select(schema: str, table: Table) -> sql.Composed:
    as_text = needs_text(table)
    columns = [
        sql.SQL("{0}::pg_catalog.text AS {0}" if c.name in as_text else "{0}").format(
            sql.Identifier(c.name)
        )
        for c in table.columns
    ]
    place = sql.Identifier(schema, table.name)
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(columns), place)


def _comments(table: Table, as_text: Sequence[str]) -> list[tuple[str, str]]:
    said = table.comment.removesuffix(MARK).strip() or table.name
    of_view = f"{said}; as text: {', '.join(as_text)}. Join by targetid, which is indexed {MARK}"
    return [("", of_view), *((column.name, column.comment) for column in table.columns)]
