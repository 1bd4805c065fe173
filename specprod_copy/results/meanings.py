"""What the columns of a query mean: the tables that they are of, and what is known of these.

The server's answer to a prepared query names for each column the table that the column is of,
through joins, sub-queries and casts that change nothing; of a view it names the view. So the
definition of a view is prepared too; where that is a UNION, each of its branches, for of those the
server names nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from specprod_copy.postgres.columns import split_comment
from specprod_copy.results.branches import branches, null_columns
from specprod_copy.results.column import Meaning
from specprod_copy.tables import finitized_columns, is_of_productions

_COLUMNS = """
    SELECT c.oid, a.attnum, n.nspname, c.relname, a.attname,
           coalesce(pg_catalog.col_description(c.oid, a.attnum),
                    pg_catalog.col_description(top.oid, b.attnum)),
           top.relname,
           n.oid = pg_catalog.pg_my_temp_schema()
           OR n.nspname IN ('pg_catalog', 'information_schema')
           OR EXISTS (SELECT FROM pg_catalog.pg_class v
                      JOIN pg_catalog.pg_attribute d ON d.attrelid = v.oid
                      WHERE v.relnamespace = top.relnamespace
                        AND (v.relname, d.attname) = ('vac', 'described_by'))
    FROM unnest(%s::oid[], %s::int[]) AS w (oid, number)
    JOIN pg_catalog.pg_class c ON c.oid = w.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = w.number
    JOIN pg_catalog.pg_class top ON top.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
    LEFT JOIN pg_catalog.pg_attribute b ON b.attrelid = top.oid AND b.attname = a.attname"""
"""A partition is what the table is that it is a part of. Catalogues that are described keep their
NaN, whatever their tables are called; so do the user's own lists."""


_VIEWS = """
    SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%s) AND c.relkind IN ('v', 'm')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""
"""Those of the server have no -9999 of ours."""

_Views: TypeAlias = dict[int, list[Meaning]]
"""What the columns of views mean, by the views' identifiers; no columns where we may not look."""


def prepared(connection: psycopg.Connection, query: str) -> PGresult:
    """Return the server's description of a query, or its error."""
    result = connection.pgconn.prepare(b"", query.encode())
    if result.status != ExecStatus.COMMAND_OK:
        return result
    return connection.pgconn.describe_prepared(b"")


def meanings(connection: psycopg.Connection, result: PGresult) -> list[Meaning]:
    """Return what the columns of a query mean, which the server has described."""
    return _meanings(connection, result, {})


def _meanings(connection: psycopg.Connection, result: PGresult, views: _Views) -> list[Meaning]:
    """Return what the columns of a query mean; what is not known yet of views is added to them."""
    places = [(result.ftable(n), result.ftablecol(n)) for n in range(result.nfields)]
    wanted = sorted({place for place in places if place[0]})
    rows = connection.execute(
        _COLUMNS, ([oid for oid, _ in wanted], [number for _, number in wanted])
    ).fetchall()
    if new := {oid for oid, _ in wanted} - views.keys():
        for oid, definition in connection.execute(_VIEWS, (sorted(new),)).fetchall():
            # It may have come in meanwhile, by one of the others.
            if oid not in views:
                views[oid] = _of_query(connection, definition, views)
    found = {(row[0], row[1]): _meaning(row, views) for row in rows}
    return [found.get(place, Meaning()) for place in places]


def _meaning(row: Sequence[Any], views: _Views) -> Meaning:
    oid, number, schema, table, column, comment, top, keeps_nan = row
    origin = f"{schema}.{table}.{column}"
    of_view = views.get(oid)
    if of_view is None:
        finitized = not keeps_nan and column in finitized_columns(top)
        meaning = Meaning(
            finitized=finitized, origin=origin, defined=keeps_nan or is_of_productions(top)
        )
    elif number > len(of_view):
        meaning = Meaning(origin=origin, known=False)
    else:
        meaning = of_view[number - 1]
        if meaning.origin:
            meaning = replace(meaning, origin=origin)
    if comment:
        description, unit, ucd = split_comment(comment)
        meaning = replace(meaning, description=description, unit=unit, ucd=ucd)
    return meaning


def _of_query(connection: psycopg.Connection, definition: str, views: _Views) -> list[Meaning]:
    """Return what the columns of a view's query mean; nothing if we may not look."""
    # Who may read a view need not be allowed to look at what it is made of.
    with connection.transaction(force_rollback=True):
        result = prepared(connection, definition)
    if result.status != ExecStatus.COMMAND_OK:
        return []
    parts = branches(definition)
    if len(parts) == 1:
        null = null_columns(parts[0], result.nfields)
        found = _meanings(connection, result, views)
        return [Meaning(is_null=True) if n in null else m for n, m in enumerate(found)]
    each = [_of_query(connection, part, views) for part in parts]
    if not all(each):  # changed meanwhile
        return [Meaning()] * result.nfields
    return [_common(column) for column in zip(*each, strict=True)]


def _common(found: Sequence[Meaning]) -> Meaning:
    """Return what a column means that comes from several queries; an expression, if not one."""
    some = [meaning for meaning in found if not meaning.is_null] or found
    first = some[0]
    told = [(m.finitized, m.known, m.defined, bool(m.origin)) for m in some]
    if len(set(told)) > 1:
        return Meaning()
    same = {
        name: getattr(first, name)
        for name in ("description", "unit", "ucd")
        if len({getattr(meaning, name) for meaning in some}) == 1
    }
    return replace(first, **{"description": "", "unit": "", "ucd": ""} | same)
