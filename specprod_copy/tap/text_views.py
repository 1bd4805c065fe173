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
        If something else has the name of one.
    """
    tables = [table for table in publishable(found) if needs_text(table)]
    names = [f"{table.name}{SUFFIX}" for table in tables]
    there = own_views.existing(connection, found.name, names)
    for table, name in zip(tables, names, strict=True):
        _make(connection, found.name, table, name, is_there=name in there)
    return names


def drop_text_views(connection: psycopg.Connection, found: Schema) -> None:
    """Drop the views of a schema, within the caller's transaction."""
    for name in (table.name for table in found.tables.values() if is_text_view(found, table)):
        drop = sql.SQL("DROP VIEW {}").format(sql.Identifier(found.name, name))
        connection.execute(drop)


def _make(
    connection: psycopg.Connection, schema: str, table: Table, name: str, *, is_there: bool
) -> None:
    as_text = needs_text(table)
    view = sql.Identifier(schema, name)
    columns = [
        sql.SQL("{0}::pg_catalog.text AS {0}" if c.name in as_text else "{0}").format(
            sql.Identifier(c.name)
        )
        for c in table.columns
    ]
    create = sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {}").format(
        view, sql.SQL(", ").join(columns), sql.Identifier(schema, table.name)
    )
    try:
        with connection.transaction():
            connection.execute(create)
    except psycopg.errors.InvalidTableDefinition:
        if not is_there:
            raise
        # Columns were renamed: a view keeps the names that it was made with.
        connection.execute(sql.SQL("DROP VIEW {}").format(view))
        connection.execute(create)
    for column, text in _comments(table, as_text):
        own_views.comment(connection, schema, name, column, text)


def _comments(table: Table, as_text: Sequence[str]) -> list[tuple[str, str]]:
    said = table.comment.removesuffix(MARK).strip() or table.name
    of_view = f"{said}; as text: {', '.join(as_text)}. Join by targetid, which is indexed {MARK}"
    return [("", of_view), *((column.name, column.comment) for column in table.columns)]
