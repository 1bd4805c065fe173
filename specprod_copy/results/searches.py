"""Searches on the sky for people who do not write SQL: a cone, or the neighbours of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.errors import ConfigurationError
from specprod_copy.metadata.positions import Position, position_of
from specprod_copy.postgres.cone import condition, separation
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.results.options import QueryOptions
from specprod_copy.vac.stored import catalogue_in

_ARCSEC_PER_DEGREE: Final = 3600

_LIMITS: Final = {"ra": (-180, 360), "dec": (-90, 90)}
"""Of the positions in a list [deg]."""


def search(
    connection: psycopg.Connection, options: QueryOptions, lists: Mapping[str, pl.DataFrame]
) -> str:
    """Return the query of a cone or a match.

    Parameters
    ----------
    connection : psycopg.Connection
    options : QueryOptions
        With `schema`, `table`, and `cone` or `match`.
    lists : mapping of str to polars.DataFrame
        The rows of the lists.

    Raises
    ------
    ConfigurationError
        If something is missing, or the table or a row of the list has no position.
    """
    if options.schema is None or options.table is None:
        raise ConfigurationError("a search by position needs a schema and a table")
    if (options.cone is None) == (options.match is None):
        raise ConfigurationError("search either a cone or the neighbours of a list")
    position = _position(connection, options.schema, options.table)
    q3c = q3c_schema(connection, usable=True)
    table = sql.Identifier(options.schema, options.table)
    join: sql.Composable = sql.SQL("")
    place = "t"
    if position.key:
        other, key, place = sql.Identifier(options.schema, position.table), position.key, "p"
        join = sql.SQL(" JOIN {} AS p ON p.{key} = t.{key}").format(other, key=sql.Identifier(key))
    ra, dec = sql.Identifier(place, position.ra), sql.Identifier(place, position.dec)
    if options.cone is not None:
        numbers = [sql.SQL(repr(float(number))) for number in options.cone]
        found = sql.SQL("SELECT t.* FROM {} AS t{} WHERE {}").format(
            table, join, condition(q3c, ra, dec, *numbers)
        )
        return found.as_string(connection)
    name = options.match or ""
    if name not in lists:
        raise ConfigurationError(f"no list is called {name}: name its file, --with {name}=FILE")
    _refuse_positions(name, lists[name])
    mine = [sql.Identifier("m", column) for column in ("ra", "dec")]
    radius = sql.SQL(repr(float(options.radius) / _ARCSEC_PER_DEGREE))
    found = sql.SQL(
        "SELECT {}, t.*, {} * {} AS separation FROM {} AS m, {} AS t{} WHERE {}"
    ).format(
        sql.SQL(", ").join(_list_columns(connection, name, table)),
        sql.SQL(str(_ARCSEC_PER_DEGREE)),
        separation(*mine, ra, dec),
        sql.Identifier("pg_temp", name),
        table,
        join,
        condition(q3c, ra, dec, *mine, radius, joins=True),
    )
    return found.as_string(connection)


def _refuse_positions(name: str, rows: pl.DataFrame) -> None:
    if not {*_LIMITS} <= {*rows.columns}:
        raise ConfigurationError(f"list {name} has no columns ra and dec")
    for column, (least, most) in _LIMITS.items():
        values = rows[column]
        if not values.dtype.is_numeric():
            kind = values.dtype if len(values) else "empty"
            raise ConfigurationError(f"list {name}: column {column} is {kind}, wanted are degrees")
        good = values.is_between(least, most).fill_null(False)
        if not good.all():
            row = good.arg_min() or 0
            raise ConfigurationError(
                f"list {name}, row {row}: {column} is {values[row]}, not in [{least}, {most}]; "
                "leave out what has no position"
            )


def _list_columns(
    connection: psycopg.Connection, name: str, table: sql.Identifier
) -> list[sql.Composable]:
    """Return the columns of a list; those with names of the table's have the list's in front."""
    query = """SELECT attname, attname IN (SELECT attname FROM pg_attribute
                                           WHERE attrelid = %s::regclass AND attnum > 0)
               FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"""
    temporary = sql.Identifier("pg_temp", name).as_string(connection)
    rows = connection.execute(query, (table.as_string(connection), temporary)).fetchall()
    return [
        sql.SQL("m.{} AS {}").format(
            sql.Identifier(column), sql.Identifier(f"{name}_{column}" if double else column)
        )
        for column, double in rows
    ]


def _position(connection: psycopg.Connection, schema: str, table: str) -> Position:
    found = read_schema(connection, schema)
    if table not in found.tables:
        known = ", ".join(sorted(found.tables))
        raise ConfigurationError(f"schema {schema} has no table {table}; it has: {known}")
    position = position_of(catalogue_in(connection, found).definition, found, table)
    if position is None:
        raise ConfigurationError(f"table {table} has no position to be searched by")
    return position
