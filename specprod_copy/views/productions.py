"""Views over the redshifts of several productions: all of them, the newest, and what changed.

For zpix and for ztile there are three. Their conditions on targetid, and cones on ra and dec, reach
the indexes of each production (so there is no DISTINCT ON, behind which a cone reads everything).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from shlex import quote
from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres import locks, own_views, statements
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.ddl import Names, render_template
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.rights import Granted, grant_each, lacking_rights, making_schema
from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import offered_columns, specprod_catalogue
from specprod_copy.views.comments import POSITIONS, SIDE_BY_SIDE, VIEWS, comments

KINDS: Final = ("zpix", "ztile")
"""Tables that have such views."""


@dataclass(frozen=True)
class ViewsMade:
    """What was made."""

    names: tuple[str, ...]
    granted: Granted
    """What keeps roles from reading them."""


def make_views(
    connection: psycopg.Connection,
    schema: str,
    productions: Sequence[str],
    *,
    change: tuple[str, str] | None = None,
    roles: Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> ViewsMade:
    """Make, or make again, the views over some productions, in one transaction.

    Views that are made again keep their owner, settings and grants, as do those of ours that read
    them. Nobody waits behind this while others use them.

    Parameters
    ----------
    connection : psycopg.Connection
        In autocommit mode.
    schema : str
        Schema of the views; it is made where it is missing.
    productions : sequence of str
        Schemas of the productions, the oldest first.
    change : (str, str), optional
        Old and new production of the views of changes; by default the last two.
    roles : sequence of str
        Roles that may read the views. They need no right to read the productions.
    listener : ProgressListener, optional
        Receives for whom this waits.

    Raises
    ------
    ConfigurationError
        If the names make no sense.
    DatabaseError
        If a production is not there or not complete, its columns do not fit those of the others, a
        relation of somebody else has the name of a view, or there is no right to make them.
    """
    _check_productions(schema, productions)
    old, new = change or (productions[-2], productions[-1])
    _check_change(productions, (old, new))
    with locks.hold_schema_lock(connection, schema, shared=False):
        for name in productions:
            require_schema(connection, name)
        found = {name: read_schema(connection, name) for name in productions}
        scripts = []
        texts: list[tuple[str, str, str]] = []
        for kind in KINDS:
            columns = _columns(kind, found)
            scripts.append(_script(schema, kind, found, columns, (old, new)))
            texts += comments(kind, found, columns, (old, new))
        names = tuple(dict.fromkeys(view for view, _, _ in texts))
        with (
            translated_errors(f"cannot make the views in schema {schema}"),
            connection.transaction(),
        ):
            _make_schema(connection, schema)
            places = [(schema, name) for name in names]
            take = partial(own_views.take_to_replace, connection, schema, names)
            patience = Patience(listener or ProgressListener())
            before = with_patience(connection, take, places, patience)
            for script in scripts:
                statements.run(connection, script)
            for view, column, text in texts:
                own_views.comment(connection, schema, view, column, text)
            own_views.make_again(connection, before, places)
            _check_owners(connection, schema, names, productions)
            granted = grant_each(connection, schema, names, roles)
    return ViewsMade(names, granted)


def _check_productions(schema: str, productions: Sequence[str]) -> None:
    if len(productions) < 2 or len(set(productions)) < len(productions):
        raise ConfigurationError("name two productions or more, each once, the oldest first")
    if schema in productions:
        raise ConfigurationError(
            f"--schema {schema} is the schema of a production; the views need one of their own"
        )


def _check_change(productions: Sequence[str], change: tuple[str, str]) -> None:
    for name in change:
        if name not in productions:
            raise ConfigurationError(
                f"--change names {name}, which is none of {', '.join(productions)}"
            )
    if change[0] == change[1]:
        raise ConfigurationError("--change needs two productions, the old one and the new one")


def _check_owners(
    connection: psycopg.Connection, schema: str, names: Sequence[str], productions: Sequence[str]
) -> None:
    """Check that who owns the views may read the productions: readers of views need no right."""
    query = """SELECT DISTINCT viewowner FROM pg_views
               WHERE schemaname = %s AND viewname = ANY(%s) ORDER BY viewowner"""
    for (owner,) in connection.execute(query, (schema, [*names])).fetchall():
        lacking = [
            statement.as_string(connection)
            for production in productions
            for statement in lacking_rights(connection, production, [*KINDS, POSITIONS], owner)
        ]
        if lacking:
            raise DatabaseError(
                f"nobody could read the views in schema {schema}, for role {owner}, which owns "
                f"them, may not read all of their tables: run {'; '.join(lacking)}, or drop them"
            )


def _columns(kind: str, found: Mapping[str, Schema]) -> list[Column]:
    """Return the columns that some production has and the project defines, in its order.

    Raises
    ------
    DatabaseError
        If a production lacks what every one has, or has another type for a column.
    """
    always = [column.name for column in specprod_catalogue().definition.tables[kind].columns]
    known = {*always, *offered_columns(kind)}
    columns: dict[str, Column] = {}
    for name, schema in found.items():
        table = _table(name, schema, kind, always)
        for column in table.columns:
            if column.name not in known:
                continue
            first = columns.setdefault(column.name, column)
            if first.type != column.type:
                raise DatabaseError(
                    f"{name}.{kind}.{column.name} is {column.type}, in an older production it is "
                    f"{first.type}: views need one type (specprod-copy diff --schema {quote(name)})"
                )
            # Comments are those of the newest production.
            columns[column.name] = column
    return list(columns.values())


def _table(name: str, schema: Schema, kind: str, always: Sequence[str]) -> Table:
    """Return a table that can be in the views.

    Raises
    ------
    DatabaseError
    """
    for wanted in (kind, POSITIONS):
        if wanted not in schema.tables:
            raise DatabaseError(
                f"schema {name} has no table {wanted}: load it, or leave the production out"
            )
    table = schema.tables[kind]
    missing = [c for c in always if c not in {column.name for column in table.columns}]
    if missing:
        raise DatabaseError(
            f"{name}.{kind} lacks {', '.join(missing)} (specprod-copy diff --schema {quote(name)})"
        )
    if not any(
        r.columns == r.keys == ("targetid",) and r.inside == POSITIONS and r.validated
        for r in table.references
    ):
        raise DatabaseError(
            f"{name}.{kind} has no valid foreign key to {POSITIONS}, so rows could be missing in "
            f"the views: complete the load of {name} first (specprod-copy "
            f"status --schema {quote(name)})"
        )
    return table


def _script(
    schema: str,
    kind: str,
    found: Mapping[str, Schema],
    columns: Sequence[Column],
    change: tuple[str, str],
) -> str:
    parts: list[Names] = [
        {
            "schema": name,
            "label": sql.Literal(name),
            "columns": [c.name for c in production.tables[kind].columns],
        }
        for name, production in found.items()
    ]
    of_name = dict(zip(found, parts, strict=True))
    return render_template(
        "views_of_productions",
        schema=schema,
        table=kind,
        positions=POSITIONS,
        views={view: f"{kind}_{view}" for view in VIEWS},
        columns=[{"name": column.name, "type": column.type} for column in columns],
        productions=parts,
        old=of_name[change[0]],
        new=of_name[change[1]],
        compared=[
            {"name": name, "old": f"old_{name}", "new": f"new_{name}"} for name in SIDE_BY_SIDE
        ],
    )


def _make_schema(connection: psycopg.Connection, schema: str) -> None:
    # Not IF NOT EXISTS: that asks for the right to make schemas, where there is nothing to make.
    known = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))
    if known.fetchone() is None:
        with making_schema(connection, schema):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
