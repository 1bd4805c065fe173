"""TAP_SCHEMA, the tables in which a TAP service looks up what can be queried.

They are those of TAP 1.1 (https://www.ivoa.net/documents/TAP/20190927/, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.metadata.units import vounit
from specprod_copy.postgres import locks, statements
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.ddl import render_template
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, refuse_foreign_code
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.rights import Granted, grant_each, making_schema
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tap.published import (
    Published,
    PublishedColumn,
    publish,
    refuse_long_names,
)
from specprod_copy.tap.text_views import drop_text_views, make_text_views, text_views
from specprod_copy.tap.words import adql

TAP_SCHEMA: Final = "tap_schema"

_COLUMNS: Final = {
    "schemas": ("schema_name", "utype", "description", "schema_index"),
    "tables": (
        *("schema_name", "table_name", "table_type", "utype", "description", "table_index"),
    ),
    "columns": (
        *("table_name", "column_name", "datatype", "arraysize", "xtype", "size", "description"),
        *("utype", "unit", "ucd", "indexed", "principal", "std", "column_index"),
    ),
    "keys": ("key_id", "from_table", "target_table", "description", "utype"),
    "key_columns": ("key_id", "from_column", "target_column"),
}
"""The tables of TAP_SCHEMA, each after those that it refers to."""

_OF_SCHEMA: Final = {
    "schemas": "schema_name = %(schema)s",
    "tables": "schema_name = %(schema)s",
    "columns": "table_name IN {tables}",
    "keys": "from_table IN {tables} OR target_table IN {tables}",
    "key_columns": "key_id IN (SELECT key_id FROM {keys} WHERE {of_keys})",
}
"""Which rows of a table are about one schema."""


@dataclass(frozen=True)
class Filled:
    """What was written about a schema."""

    published: Published
    text_views: Sequence[str]


@dataclass(frozen=True)
class TapSummary:
    """What was written."""

    schemas: Sequence[Filled]
    granted: Granted
    """What keeps roles from reading the views and TAP_SCHEMA."""
    unknown: Sequence[str] = field(default=())
    """Schemas that TAP_SCHEMA is about, and the database does not have."""
    is_of_dachs: bool = False
    """Whether TAP_SCHEMA is that of DaCHS, and was left as it is."""


def fill(
    connection: psycopg.Connection,
    schemas: Sequence[str],
    *,
    removed: Sequence[str] = (),
    roles: Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> TapSummary:
    """Describe schemas in TAP_SCHEMA, beside those that it is about already, in one transaction.

    Tables with 128-bit ids are described by views that give them as text, which are made. A
    TAP_SCHEMA that DaCHS fills from resource descriptors is left alone.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schemas : sequence of str
        What is in TAP_SCHEMA about them is replaced.
    removed : sequence of str
        Schemas that are taken out of it, with their views; they need not exist.
    roles : sequence of str
        Roles that may read the views and TAP_SCHEMA.
    listener : ProgressListener, optional
        Receives for whom this waits.

    Raises
    ------
    ConfigurationError
        If a schema is to be filled in and taken out, or is TAP_SCHEMA itself.
    DatabaseError
        If a schema is not there or has no tables, something else has the name of a view,
        TAP_SCHEMA has other columns than the standard says, or there is no right to do it.
    """
    _check(schemas, removed)
    with ExitStack() as stack:
        for name in sorted({TAP_SCHEMA, *schemas, *removed}):
            stack.enter_context(locks.hold_schema_lock(connection, name, shared=False))
        stack.enter_context(translated_errors("cannot fill TAP_SCHEMA"))
        stack.enter_context(connection.transaction())
        filled = _make_views(connection, schemas, removed, listener or ProgressListener())
        granted = Granted()
        for one in filled:
            granted += grant_each(connection, one.published.name, one.text_views, roles)
        found = read_schema(connection, TAP_SCHEMA)
        if _is_of_dachs(found):
            return TapSummary(filled, granted, is_of_dachs=True)
        _make_tables(connection, found)
        for name in removed:
            _delete(connection, name)
        for one in filled:
            _write(connection, one.published)
        _write(connection, publish(read_schema(connection, TAP_SCHEMA)))
        granted += grant_each(connection, TAP_SCHEMA, [*_COLUMNS], roles)
        return TapSummary(filled, granted, _unknown(connection))


def _check(schemas: Sequence[str], removed: Sequence[str]) -> None:
    if both := {*schemas} & {*removed}:
        raise ConfigurationError(f"schema {min(both)}: either described or taken out")
    if TAP_SCHEMA in (*schemas, *removed):
        raise ConfigurationError(f"{TAP_SCHEMA} describes itself: name the schemas of productions")


def published(connection: psycopg.Connection, schema: str) -> Schema:
    """Return a schema, with its views.

    Raises
    ------
    DatabaseError
        If it is not there, or has nothing that could be published, or not under its name.
    """
    require_schema(connection, schema)
    found = read_schema(connection, schema, views=True)
    if not found.tables:
        raise DatabaseError(f"schema {schema} has no tables")
    refuse_long_names(found)
    return found


def _make_views(
    connection: psycopg.Connection,
    schemas: Sequence[str],
    removed: Sequence[str],
    listener: ProgressListener,
) -> list[Filled]:
    """Make the views of schemas as their tables are now; drop those of others.

    All at once, so that nobody waits for one view while this waits for another.
    """
    found = [published(connection, name) for name in schemas]
    gone = [read_schema(connection, name, views=True) for name in removed]

    def work() -> list[list[str]]:
        locks.replacing_views(connection)
        for one in gone:
            drop_text_views(connection, one)
        return [make_text_views(connection, one) for one in found]

    places = [(one.name, name) for one in (*found, *gone) for name in text_views(one)]
    names = with_patience(connection, work, places, Patience(listener))
    after = [publish(published(connection, name)) for name in schemas]
    return [Filled(one, views) for one, views in zip(after, names, strict=True)]


def _is_of_dachs(found: Schema) -> bool:
    tables = found.tables.get("tables")
    return tables is not None and any(column.name == "sourcerd" for column in tables.columns)


def _make_tables(connection: psycopg.Connection, found: Schema) -> None:
    """Make what is missing of TAP_SCHEMA.

    Raises
    ------
    DatabaseError
        If one of its tables lacks a column of the standard.
    """
    if not found.exists:
        with making_schema(connection, TAP_SCHEMA):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(TAP_SCHEMA)))
    refuse_foreign_code(connection, TAP_SCHEMA, [*_COLUMNS])
    keep_foreign_code_out(connection, TAP_SCHEMA, [*_COLUMNS])
    for table in (found.tables[name] for name in _COLUMNS if name in found.tables):
        there = {column.name for column in table.columns}
        if missing := [name for name in _COLUMNS[table.name] if name not in there]:
            raise DatabaseError(
                f"{TAP_SCHEMA}.{table.name} lacks {', '.join(missing)}: it is not that of TAP "
                "1.1. Rename the schema, and run this again"
            )
    if not {*_COLUMNS} <= {*found.tables}:
        statements.run(connection, render_template("tap_schema", schema=TAP_SCHEMA))


def _write(connection: psycopg.Connection, shown: Published) -> None:
    number = _place(connection, shown.name)
    _delete(connection, shown.name)
    for table, rows in _rows(shown, number).items():
        columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[table]))
        values = sql.SQL(", ").join([sql.Placeholder()] * len(_COLUMNS[table]))
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(_table(table), columns, values)
        connection.cursor().executemany(insert, rows)


def _place(connection: psycopg.Connection, schema: str) -> int:
    """Return the place that a schema has among those that are described, or the next one."""
    query = sql.SQL(
        """SELECT coalesce(max(schema_index) FILTER (WHERE schema_name = %s),
                           max(schema_index) + 1, 1) FROM {}"""
    ).format(_table("schemas"))
    [(place,)] = connection.execute(query, (adql(schema),)).fetchall()
    return int(place)


def _delete(connection: psycopg.Connection, schema: str) -> None:
    tables = sql.SQL("(SELECT table_name FROM {} WHERE schema_name = %(schema)s)").format(
        _table("tables")
    )
    of_keys = sql.SQL(_OF_SCHEMA["keys"]).format(tables=tables)
    for table in reversed(_COLUMNS):
        condition = sql.SQL(_OF_SCHEMA[table]).format(
            tables=tables, keys=_table("keys"), of_keys=of_keys
        )
        delete = sql.SQL("DELETE FROM {} WHERE {}").format(_table(table), condition)
        connection.execute(delete, {"schema": adql(schema)})


def _table(name: str) -> sql.Composable:
    return sql.Identifier(TAP_SCHEMA, name)


def _rows(shown: Published, number: int) -> dict[str, list[Sequence[Any]]]:
    schema = adql(shown.name)
    names = {table.name: adql(shown.name, table.name) for table in shown.tables}
    keys = {f"{names[key.table]}.{key.name}": key for key in shown.keys}
    return {
        "schemas": [(schema, None, shown.description, number)],
        "tables": [
            (schema, names[t.name], "view" if t.is_view else "table", None, t.description, place)
            for place, t in enumerate(shown.tables, 1)
        ],
        "columns": [
            row for table in shown.tables for row in _columns(names[table.name], table.columns)
        ],
        "keys": [
            (key_id, names[key.table], names[key.target], key.description, None)
            for key_id, key in keys.items()
        ],
        "key_columns": [
            (key_id, adql(column), adql(target))
            for key_id, key in keys.items()
            for column, target in zip(key.columns, key.targets, strict=True)
        ],
    }


def _columns(table: str, columns: Iterable[PublishedColumn]) -> Iterator[Sequence[Any]]:
    is_standard = int(table.startswith(f"{TAP_SCHEMA}."))
    for place, shown in enumerate(columns, 1):
        column, kind = shown.column, shown.kind
        yield (
            *(table, adql(column.name), kind.datatype, kind.arraysize, kind.xtype),
            *(column.max_length, column.description or None, None),
            *(vounit(column.unit) if column.unit else None, column.ucd or None),
            *(int(shown.indexed), int(shown.principal), is_standard, place),
        )


def _unknown(connection: psycopg.Connection) -> list[str]:
    query = sql.SQL("SELECT schema_name FROM {} ORDER BY schema_index, schema_name")
    described = connection.execute(query.format(_table("schemas"))).fetchall()
    there = {adql(name) for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}
    return [name for (name,) in described if name not in there]
