"""Views that are part of a schema: they come along when the tables under them are replaced.

PostgreSQL drops no table that a view reads. So these views are dropped before their tables, and
made again on the new ones, within one transaction. A view says by its comment that it is one of
them; all others stand in the way of their tables, as anything that is somebody else's does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import locks
from specprod_copy.postgres.connection import one_line
from specprod_copy.postgres.grants import granted, role_name

MARK: Final = "(specprod-copy: part of the schema)"
"""How the comment of such a view ends."""

# A view with triggers, rules or defaults of its own is more than its definition. The depth has a
# limit because views may read each other in a circle.
_VIEWS: Final = """
    WITH RECURSIVE reading AS (
        SELECT c.oid, 0 AS depth FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = %(schema)s AND relname = ANY (%(tables)s)
        UNION
        SELECT w.ev_class, depth + 1 FROM reading
        JOIN pg_depend d ON refclassid = 'pg_class'::regclass AND refobjid = reading.oid
        JOIN pg_rewrite w ON classid = 'pg_rewrite'::regclass AND objid = w.oid
        WHERE w.ev_class <> reading.oid AND depth < 50
    )
    SELECT c.oid, nspname, relname, pg_get_userbyid(relowner), pg_get_viewdef(c.oid),
           coalesce(reloptions, '{}')
    FROM (SELECT oid, max(depth) AS depth FROM reading GROUP BY oid) AS r
    JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'v' AND right(obj_description(c.oid, 'pg_class'), %(length)s) = %(mark)s
      AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = c.oid)
      AND NOT EXISTS (SELECT 1 FROM pg_attrdef WHERE adrelid = c.oid)
      AND (SELECT count(*) FROM pg_rewrite WHERE ev_class = c.oid) = 1
    ORDER BY depth, c.oid"""

_COMMENTS: Final = """
    SELECT attname, description FROM pg_description
    LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0
    WHERE classoid = 'pg_class'::regclass AND objoid = %s"""


def existing(connection: psycopg.Connection, schema: str, names: Sequence[str]) -> set[str]:
    """Return those of some names that views of ours have.

    Raises
    ------
    DatabaseError
        If something else has one of the names.
    """
    there = connection.execute(
        """SELECT relname, relkind = 'v' AND right(obj_description(c.oid, 'pg_class'), %s) = %s
           FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
           WHERE nspname = %s AND relname = ANY (%s)""",
        (len(MARK), MARK, schema, list(names)),
    ).fetchall()
    for name, ours in there:
        if not ours:
            raise DatabaseError(
                f"{schema}.{name} was made by somebody else and stays: rename or drop it, or "
                "name another --schema"
            )
    return {name for name, _ in there}


def comment(connection: psycopg.Connection, schema: str, view: str, column: str, text: str) -> None:
    """Comment a view or, if one is named, a column of it."""
    kind = sql.SQL("COLUMN" if column else "VIEW")
    name = sql.Identifier(schema, view, column) if column else sql.Identifier(schema, view)
    statement = sql.SQL("COMMENT ON {} {} IS {}").format(kind, name, sql.Literal(text))
    connection.execute(statement)


def replace(connection: psycopg.Connection, schema: str, name: str, select: sql.Composable) -> None:
    """Make a view of ours, or make it another one, within the caller's transaction.

    It keeps its owner, settings and grants. Where it only gets more columns, what others have built
    on it is no obstacle.

    Raises
    ------
    DatabaseError
        As `take_to_replace` and `make_again`.
    """
    view = sql.Identifier(schema, name)
    query = """SELECT reloptions FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname = %s AND relname = %s AND reloptions IS NOT NULL"""
    options = [one for (them,) in connection.execute(query, (schema, name)) for one in them]
    locks.replacing_views(connection)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(view, select))
            for statement in _settings(view, options):  # which the server has reset
                connection.execute(statement)
    except psycopg.errors.InvalidTableDefinition:
        # A view keeps the columns, and their names, that it was made with.
        before = take_to_replace(connection, schema, [name])
        connection.execute(sql.SQL("CREATE VIEW {} AS {}").format(view, select))
        make_again(connection, before, [(schema, name)])


@dataclass(frozen=True)
class View:
    """A view as it was."""

    place: tuple[str, str]
    """Its schema and name."""
    definition: Sequence[sql.Composed]
    """Make it again, with its comments."""
    grants: Sequence[sql.Composed]
    settings: Sequence[sql.Composed]
    """The last one gives it to its owner."""

    @property
    def name(self) -> sql.Identifier:
        """Its name in SQL."""
        return sql.Identifier(*self.place)


def take_away(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> list[View]:
    """Drop the views that read tables, directly or by other views, and are part of the schema.

    Within the caller's transaction. They may be in other schemas. Until its end nobody else
    replaces views: what was read of one would not be what is dropped.

    Raises
    ------
    DatabaseError
        If something else depends on one of them; says what.
    """
    locks.replacing_views(connection)
    values = {"schema": schema, "tables": [*tables], "mark": MARK, "length": len(MARK)}
    views = [
        _read(connection, _Found(*row)) for row in connection.execute(_VIEWS, values).fetchall()
    ]
    if views:
        names = sql.SQL(", ").join(view.name for view in views)
        doing = f"cannot make the views of schema {schema} again"
        with naming_dependents(doing, "Drop these objects first"):
            connection.execute(sql.SQL("DROP VIEW {}").format(names))
    return views


def take_to_replace(
    connection: psycopg.Connection, schema: str, names: Sequence[str]
) -> list[View]:
    """Drop views of ours by their names, if they are there, and those that read them.

    Raises
    ------
    DatabaseError
        As `take_away`; or if something else has one of the names, or a view has more than can be
        made again.
    """
    there = existing(connection, schema, names)
    views = take_away(connection, schema, [*there])
    if left := there - {name for place, name in (v.place for v in views) if place == schema}:
        raise DatabaseError(
            f"view {schema}.{min(left)} has triggers, rules or defaults of somebody, which would "
            "be lost: drop these first"
        )
    return views


@contextmanager
def naming_dependents(doing: str, way_out: str) -> Iterator[None]:
    """Make the error of the server an error of ours where something depends on what is dropped."""
    try:
        yield
    except psycopg.errors.DependentObjectsStillExist as error:
        dependents = "; ".join((error.diag.message_detail or "").splitlines())
        raise DatabaseError(f"{doing}: {dependents}. {way_out}") from error


def make_again(
    connection: psycopg.Connection,
    views: Sequence[View],
    replaced: Collection[tuple[str, str]] = (),
) -> None:
    """Make views again on the tables that are there now, within the caller's transaction.

    Parameters
    ----------
    connection : psycopg.Connection
    views : sequence of View
    replaced : collection of (schema, name)
        Views that others have taken the place of by now: these get their owner, settings and
        grants.

    Raises
    ------
    DatabaseError
        If one does not fit the tables any more, or we may not make it; says which.
    """
    for view in views:
        try:
            for statement in () if view.place in replaced else view.definition:
                connection.execute(statement)
            _revoke_defaults(connection, view)
            for statement in (*view.grants, *view.settings):
                connection.execute(statement)
        except psycopg.errors.LockNotAvailable:
            raise
        except psycopg.Error as error:
            raise DatabaseError(
                f"view {view.name.as_string()} cannot be made again on the new tables: "
                f"{one_line(error)}. Change or drop it first"
            ) from error


class _Found(NamedTuple):
    """A view as the server describes it."""

    oid: int
    schema: str
    name: str
    owner: str
    definition: str
    options: Sequence[str]


def _read(connection: psycopg.Connection, found: _Found) -> View:
    view = sql.Identifier(found.schema, found.name)
    definition: list[sql.Composed] = [
        sql.SQL("CREATE VIEW {} AS {}").format(view, sql.SQL(found.definition))
    ]
    for column, comment in connection.execute(_COMMENTS, (found.oid,)):
        what = (
            sql.SQL("VIEW {}").format(view)
            if column is None
            else sql.SQL("COLUMN {}").format(sql.Identifier(found.schema, found.name, column))
        )
        definition.append(sql.SQL("COMMENT ON {} IS {}").format(what, sql.Literal(comment)))
    settings = _settings(view, found.options)
    # Last: from then on it may be no longer ours.
    role = sql.Identifier(found.owner)
    settings.append(sql.SQL("ALTER VIEW {} OWNER TO {}").format(view, role))
    rights = granted(connection, found.schema, [found.name])
    grants = [right.statement(found.schema) for right in rights]
    return View((found.schema, found.name), definition, grants, settings)


def _settings(view: sql.Identifier, options: Sequence[str]) -> list[sql.Composed]:
    set_one = sql.SQL("ALTER VIEW {} SET ({} = {})")
    parts = [option.split("=", 1) for option in options]
    return [set_one.format(view, sql.Identifier(k), sql.Literal(value)) for k, value in parts]


def _revoke_defaults(connection: psycopg.Connection, view: View) -> None:
    """Take back what ALTER DEFAULT PRIVILEGES gave: only the old grants are to hold."""
    schema, name = view.place
    for role in {grant.role for grant in granted(connection, schema, [name])}:
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(view.name, role_name(role)))
