"""Functions in SQL that are part of a schema: made, and made again when what they say changes.

A function says by its comment that it is one of these, and which; others keep the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Function:
    """A function of one expression, which the server puts into queries: no SET, not STRICT."""

    name: str
    arguments: Sequence[str]
    type: str
    """Of every argument from the first one on, or with ``texts`` of those behind the texts."""
    returns: str
    body: sql.Composable
    """The expression, in which the arguments are $1, $2, ..."""
    comment: str
    texts: int = 0
    """How many of the first arguments are text."""
    others: Sequence[str] = ()
    """Comments that the function has in other databases, or had before."""

    @property
    def types(self) -> list[str]:
        """The types of the arguments, as SQL names them."""
        return ["text"] * self.texts + [self.type] * (len(self.arguments) - self.texts)


def numbered(count: int) -> list[sql.SQL]:
    """Return $1, $2, ..."""
    return [sql.SQL(f"${n}") for n in range(1, count + 1)]


def make_functions(
    connection: psycopg.Connection, schema: str, functions: Sequence[Function]
) -> list[str]:
    """Make functions of a schema, as far as they are missing or say something else.

    Returns
    -------
    list of str
        Why some could not be made.
    """
    found = {
        (name, types): (comment, owner)
        for name, types, comment, owner in connection.execute(
            """SELECT proname, oidvectortypes(proargtypes), obj_description(p.oid, 'pg_proc'),
                      CASE WHEN NOT pg_has_role(proowner, 'USAGE')
                           THEN pg_get_userbyid(proowner) END
               FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = %s""",
            (schema,),
        )
    }
    notes: list[str] = []
    refused: dict[str | None, list[str]] = {}
    for function in functions:
        place = function.name, ", ".join(function.types)
        comment, owner = found.get(place, (None, None))
        if place not in found or comment in function.others:
            try:
                with connection.transaction():
                    connection.execute(_statements(schema, function))
            except psycopg.errors.InsufficientPrivilege:
                refused.setdefault(owner, []).append(function.name)
        elif comment != function.comment:
            notes.append(
                f"schema {schema} has a function {function.name} of somebody else: it stays"
            )
    for owner, functions_of in refused.items():
        names = ", ".join(dict.fromkeys(functions_of))
        notes.append(
            f"no right to make functions in schema {schema}: {names}"
            if owner is None
            else f"schema {schema} has functions of role {owner} that are out of date: {names}; "
            "a load by that role makes them again"
        )
    return notes


def _statements(schema: str, function: Function) -> sql.Composed:
    qualified = sql.Identifier(schema, function.name)
    types = sql.SQL(", ").join(map(sql.SQL, function.types))
    arguments = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in zip(function.arguments, function.types, strict=True)
    )
    return sql.SQL(
        """CREATE OR REPLACE FUNCTION {0}({1}) RETURNS {2}
           LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC SELECT {3}; END;
           COMMENT ON FUNCTION {0}({4}) IS {5}"""
    ).format(
        qualified,
        arguments,
        sql.SQL(function.returns),
        function.body,
        types,
        sql.Literal(function.comment),
    )
