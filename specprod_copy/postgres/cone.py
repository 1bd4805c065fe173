"""Cones on the sky in SQL: by q3c where it is there, else by the formula, which reads whole tables.

The function ``cone(ra, dec, ra0, dec0, radius)`` of a schema stands for either. It is written so
that the server puts its body into the query, where the index of q3c is found: no SET, not STRICT.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.postgres.search_path import q3c_schema

_MEANING: Final = "Whether the position ra, dec is within a radius of ra0, dec0; all in degrees"

_COMMENTS: Final = {
    True: f"{_MEANING} (by q3c)",
    False: f"{_MEANING} (by the haversine formula, without an index)",
}
"""By whether the database has q3c."""

_SEPARATION: Final = """2 * asind(least(1, sqrt(sind(({dec} - {dec0}) / 2) ^ 2
        + cosd({dec}) * cosd({dec0}) * sind(({ra} - {ra0}) / 2) ^ 2)))"""

_ARGUMENTS: Final = ("ra", "dec", "ra0", "dec0")


def separation(*arguments: sql.Composable) -> sql.Composed:
    """Return the distance of two positions, ra, dec and ra, dec, in degrees."""
    return sql.SQL(_SEPARATION).format(**dict(zip(_ARGUMENTS, arguments, strict=False)))


def condition(q3c: str | None, *arguments: sql.Composable, joins: bool = False) -> sql.Composed:
    """Return the condition that a position is within a cone.

    Without q3c its error is below 1e-9 degrees, as that of q3c. Unknown positions, -9999, are in no
    cone.

    Parameters
    ----------
    q3c : str or None
        Schema that q3c is in.
    *arguments : psycopg.sql.Composable
        ra, dec, and ra, dec and radius of the cone, in degrees. With `joins` the table with the
        index comes last.
    joins : bool
        Whether the centre is a column as well.
    """
    if q3c is not None:
        function = sql.Identifier(q3c, "q3c_join" if joins else "q3c_radial_query")
        return sql.SQL("{}({})").format(function, sql.SQL(", ").join(arguments))
    *position, radius = arguments
    near = sql.SQL("{dec} BETWEEN {dec0} - {radius} AND {dec0} + {radius}").format(
        dec=position[1], dec0=position[3], radius=radius
    )
    return sql.SQL("{} AND {} <= {}").format(near, separation(*position), radius)


def make_function(connection: psycopg.Connection, schema: str) -> str | None:
    """Make the function ``cone`` of a schema, unless it is there for the q3c that there is.

    Returns
    -------
    str or None
        Why it could not be made.
    """
    q3c = q3c_schema(connection)
    comment = _COMMENTS[q3c is not None]
    found = connection.execute(
        """SELECT obj_description(p.oid, 'pg_proc') FROM pg_proc p
           JOIN pg_namespace n ON n.oid = pronamespace
           WHERE nspname = %s AND proname = 'cone'
             AND pg_get_function_identity_arguments(p.oid) LIKE '%%, %%, %%, %%, %%'""",
        (schema,),
    ).fetchone()
    if found is not None and found[0] == comment:
        return None
    if found is not None and found[0] not in _COMMENTS.values():
        return f"schema {schema} has a function cone of somebody else: it stays"
    name = sql.SQL("{}(float8, float8, float8, float8, float8)").format(
        sql.Identifier(schema, "cone")
    )
    numbered = [sql.SQL(f"${n}") for n in range(1, 6)]
    create = sql.SQL(
        """CREATE OR REPLACE FUNCTION {}(
               ra float8, "dec" float8, ra0 float8, dec0 float8, radius float8
           ) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
           BEGIN ATOMIC SELECT {}; END"""
    ).format(sql.Identifier(schema, "cone"), condition(q3c, *numbered))
    describe = sql.SQL("COMMENT ON FUNCTION {} IS {}").format(name, sql.Literal(comment))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("{}; {}").format(create, describe))
    except psycopg.errors.InsufficientPrivilege:
        return f"no right to make the function cone in schema {schema}"
    return None
