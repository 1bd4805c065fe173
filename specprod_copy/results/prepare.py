"""What a query gives, found out before it runs: its columns, and the tables that they are of.

The server prepares the statement: it refuses more than one, and says where an error is in the
user's own text. Its answer names for each column the table that the column is of, through joins,
sub-queries and casts that change nothing; of a view it names the view.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.columns import split_comment
from specprod_copy.results.column import Meaning, ResultColumn
from specprod_copy.tables import finitized_columns

_AROUND = 40
"""Characters of the query that an error shows from where it is."""

_SYNTAX_ERROR = "42601"
"""It has a position, unless the error is that there are several statements."""

_UNDEFINED_TABLE = "42P01"

_NAME = re.compile(r"""(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^\W\d][\w$]*))(?!\w|\s*\.)""")
"""A name without a schema in front of another one."""

_Place = tuple[int, int]
"""Identifier of a table, number of its column."""

_TYPES = """
    SELECT w.n, e.typname IS NOT NULL, coalesce(e.typname, t.typname),
           pg_catalog.format_type(w.oid, w.modifier)
    FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS w (oid, modifier, n)
    JOIN pg_catalog.pg_type t ON t.oid = w.oid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    ORDER BY w.n"""

_TABLES_CALLED = """
    SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), n.nspname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND n.nspname !~ '^(pg_|information_schema$)'
          AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    ORDER BY n.nspname"""

_COLUMNS = """
    SELECT c.oid, a.attnum, n.nspname, c.relname, a.attname,
           pg_catalog.col_description(c.oid, a.attnum),
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
           EXISTS (SELECT FROM pg_catalog.pg_class v
                   JOIN pg_catalog.pg_attribute b ON b.attrelid = v.oid
                   WHERE v.relnamespace = c.relnamespace
                     AND (v.relname, b.attname) = ('vac', 'described_by'))
    FROM unnest(%s::oid[], %s::int[]) AS w (oid, number)
    JOIN pg_catalog.pg_class c ON c.oid = w.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = w.number"""


def describe(connection: psycopg.Connection, query: str) -> list[ResultColumn]:
    """Return the columns of a query's result.

    Parameters
    ----------
    connection : psycopg.Connection
        Its search_path is that of the query.
    query : str

    Raises
    ------
    DatabaseError
        If it is not one statement that returns rows, or has an error.
    """
    result = _prepared(connection, query)
    if result.status != ExecStatus.COMMAND_OK:
        raise _refused(result, query, _elsewhere(connection, result, query))
    if result.nfields == 0:
        raise DatabaseError(
            "this statement returns no rows; queries only read: SELECT, WITH, VALUES, TABLE, "
            "EXPLAIN and SHOW"
        )
    numbers = range(result.nfields)
    types = connection.execute(
        _TYPES, ([result.ftype(n) for n in numbers], [result.fmod(n) for n in numbers])
    ).fetchall()
    places = _places(result)
    meanings = _meanings(connection, places)
    return [
        replace(
            _column((result.fname(n) or b"").decode(), result.fmod(n), *kind),
            meaning=meanings.get(place, Meaning()),
        )
        for n, (_, *kind), place in zip(numbers, types, places, strict=True)
    ]


def _prepared(connection: psycopg.Connection, query: str) -> PGresult:
    """Return the server's description of a query, or its error."""
    result = connection.pgconn.prepare(b"", query.encode())
    if result.status != ExecStatus.COMMAND_OK:
        return result
    return connection.pgconn.describe_prepared(b"")


def _column(name: str, modifier: int, is_array: bool, kind: str, written: str) -> ResultColumn:
    length = digits = None
    if modifier >= 4 and kind in ("varchar", "bpchar") and not is_array:
        length = modifier - 4
    elif modifier >= 4 and kind == "numeric":
        digits = (modifier - 4) >> 16, (((modifier - 4) & 2047) ^ 1024) - 1024
    return ResultColumn(name, kind, written, is_array, length, digits)


def _places(result: PGresult) -> list[_Place]:
    return [(result.ftable(n), result.ftablecol(n)) for n in range(result.nfields)]


def _meanings(connection: psycopg.Connection, places: Iterable[_Place]) -> Mapping[_Place, Meaning]:
    """Return what columns of tables and views mean; a view's column as its own comment says."""
    wanted = sorted({place for place in places if place[0]})
    rows = connection.execute(
        _COLUMNS, ([oid for oid, _ in wanted], [number for _, number in wanted])
    ).fetchall()
    below = _of_views(connection, {row[0]: row[6] for row in rows if row[6]})
    return {(row[0], row[1]): _meaning(row, below) for row in rows}


def _meaning(row: Sequence[Any], below: Mapping[int, Sequence[Meaning]]) -> Meaning:
    oid, number, schema, table, column, comment, _, is_described = row
    of_view = below.get(oid)
    if of_view is None:
        # Catalogues that are described keep their NaN, whatever their tables are called.
        finitized = not is_described and column in finitized_columns(table)
        described = Meaning()
    else:
        described = of_view[number - 1] if number <= len(of_view) else Meaning(known=False)
        finitized = described.finitized
    known = described.known
    if comment:
        described = Meaning(*split_comment(comment))
    return replace(described, finitized=finitized, origin=f"{schema}.{table}.{column}", known=known)


def _of_views(
    connection: psycopg.Connection, definitions: Mapping[int, str]
) -> dict[int, list[Meaning]]:
    """Return what the columns of views mean where they come from, by the views' identifiers."""
    found = {}
    for oid, definition in definitions.items():
        # Who may read a view need not be allowed to look at what it is made of.
        with connection.transaction(force_rollback=True):
            result = _prepared(connection, definition)
        if result.status == ExecStatus.COMMAND_OK:
            places = _places(result)
            meanings = _meanings(connection, places)
            found[oid] = [meanings.get(place, Meaning()) for place in places]
        else:
            found[oid] = []
    return found


def _elsewhere(connection: psycopg.Connection, result: PGresult, query: str) -> str:
    """Return where a table that the query does not see is, as the end of a message; or nothing."""
    position = _said(result, DiagnosticField.STATEMENT_POSITION)
    if _said(result, DiagnosticField.SQLSTATE) != _UNDEFINED_TABLE or not position:
        return ""
    # Not from the message, which the server may write in another language.
    name = _NAME.match(query, int(position) - 1)
    if name is None:
        return ""
    wanted = name["plain"].lower() if name["plain"] else name["quoted"].replace('""', '"')
    connection.rollback()  # nothing can be asked in the transaction of the error
    found = connection.execute(_TABLES_CALLED, (wanted,)).fetchall()
    if not found:
        return ""
    written = " or ".join(table for table, _ in found)
    schemas = " or ".join(shlex.quote(schema) for _, schema in found)
    return f"; write {written}, or choose its schema (--schema {schemas})"


def _said(result: PGresult, field: DiagnosticField) -> str:
    return " ".join((result.error_field(field) or b"").decode().split())


def _refused(result: PGresult, query: str, advice: str) -> DatabaseError:
    """Return the error that says where in the query the server found what."""
    position = _said(result, DiagnosticField.STATEMENT_POSITION)
    if not position and _said(result, DiagnosticField.SQLSTATE) == _SYNTAX_ERROR:
        return DatabaseError("one statement at a time: this text has several")
    parts = [
        _said(result, field).rstrip(".")
        for field in (
            DiagnosticField.MESSAGE_PRIMARY,
            DiagnosticField.MESSAGE_DETAIL,
            DiagnosticField.MESSAGE_HINT,
        )
    ]
    message = ". ".join(part for part in parts if part)
    if not position:
        return DatabaseError(message)
    at = int(position) - 1
    before = query[:at]
    line, character = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    rest = query[at : at + _AROUND].split("\n")[0]
    here = f", at {rest!r}" if rest.strip() else ", at its end"
    return DatabaseError(f"the query, line {line}, character {character}{here}: {message}{advice}")
