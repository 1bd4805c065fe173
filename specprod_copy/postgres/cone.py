"""Cones on the sky in SQL: by q3c where it is there, else by the formula, which reads whole tables.

The function ``cone(ra, dec, ra0, dec0, radius)`` of a schema stands for either. It is written so
that the server puts its body into the query, where the index of q3c is found: no SET, not STRICT.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from specprod_copy.postgres.own_functions import Function, numbered

_MEANING: Final = "Whether the position ra, dec is within a radius"

_WAYS: Final = {True: "by q3c", False: "by the haversine formula, without an index"}
"""By whether the database has q3c."""

_COMMENTS: Final = {
    q3c: f"{_MEANING}, up to 180, of ra0, dec0; all in degrees ({way})"
    for q3c, way in _WAYS.items()
}

_OLD_COMMENTS: Final = [
    f"{_MEANING} of ra0, dec0; all in degrees ({way})" for way in _WAYS.values()
]
"""Of functions that found positions which are not known, and without q3c the edge of a cone."""

_SEPARATION: Final = """2 * asind(least(1, sqrt(sind(({dec} - {dec0}) / 2) ^ 2
        + cosd({dec}) * cosd({dec0}) * sind(({ra} - {ra0}) / 2) ^ 2)))"""

_ARGUMENTS: Final = ("ra", "dec", "ra0", "dec0")


def separation(*arguments: sql.Composable) -> sql.Composed:
    """Return the distance of two positions, ra, dec and ra, dec, in degrees."""
    return sql.SQL(_SEPARATION).format(**dict(zip(_ARGUMENTS, arguments, strict=False)))


def condition(q3c: str | None, *arguments: sql.Composable, joins: bool = False) -> sql.Composed:
    """Return the condition that a position is within a cone.

    Without q3c its error is below 1e-9 degrees, as that of q3c. The edge is not in it, so that
    nothing is in a cone of radius 0. Unknown positions, -9999, are in no cone.

    Parameters
    ----------
    q3c : str or None
        Schema that q3c is in.
    *arguments : psycopg.sql.Composable
        ra, dec, and ra, dec and radius of the cone, in degrees; the radius at most 180.
    joins : bool
        Whether the centre is a column as well.
    """
    ra, dec, ra0, dec0, radius = arguments
    if q3c is not None:
        function = sql.Identifier(q3c, "q3c_join" if joins else "q3c_radial_query")
        # The position with the index comes last in a join.
        order = [ra0, dec0, ra, dec] if joins else [ra, dec, ra0, dec0]
        # For q3c -9999 is a place on the sky.
        return sql.SQL("{}({}) AND {} >= -90").format(
            function, sql.SQL(", ").join([*order, radius]), dec
        )
    near = sql.SQL("{dec} BETWEEN {dec0} - {radius} AND {dec0} + {radius}").format(
        dec=dec, dec0=dec0, radius=radius
    )
    return sql.SQL("{} AND {} < {}").format(near, separation(ra, dec, ra0, dec0), radius)


def function(q3c: str | None) -> Function:
    """Return the function ``cone`` for a database with q3c in a schema, or without."""
    arguments = (*_ARGUMENTS, "radius")
    return Function(
        "cone",
        arguments,
        "double precision",
        "boolean",
        condition(q3c, *numbered(len(arguments))),
        _COMMENTS[q3c is not None],
        others=[_COMMENTS[q3c is None], *_OLD_COMMENTS],
    )
