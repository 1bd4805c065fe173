"""What a query gives, found out before it runs: its columns, and the tables that they are of.

The server prepares the statement: it refuses more than one, and says where an error is in the
user's own text.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from specprod_copy.errors import DatabaseError
from specprod_copy.results.column import ResultColumn
from specprod_copy.results.meanings import meanings, prepared

_AROUND = 40
"""Characters of the query that an error shows from where it is."""

_SYNTAX_ERROR = "42601"
"""It has a position, unless the error is that there are several statements."""

_UNDEFINED_TABLE = "42P01"

_NAME = re.compile(r"""(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^\W\d][\w$]*))(?!\w|\s*\.)""")
"""A name without a schema in front of another one."""

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
    result = prepared(connection, query)
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
    found = meanings(connection, result)
    return [
        replace(
            _column((result.fname(n) or b"").decode(), result.fmod(n), *kind),
            meaning=meaning,
        )
        for n, (_, *kind), meaning in zip(numbers, types, found, strict=True)
    ]


def _column(name: str, modifier: int, is_array: bool, kind: str, written: str) -> ResultColumn:
    length = digits = None
    if modifier >= 4 and kind in ("varchar", "bpchar") and not is_array:
        length = modifier - 4
    elif modifier >= 4 and kind == "numeric":
        digits = (modifier - 4) >> 16, (((modifier - 4) & 2047) ^ 1024) - 1024
    return ResultColumn(name, kind, written, is_array, length, digits)


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
