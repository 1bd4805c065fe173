"""Run rendered SQL, and return what the server says it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from specprod_copy.postgres import counted, ddl
from specprod_copy.postgres.schema import Schema


def run(connection: psycopg.Connection, script: str, schema: str = "") -> list[int]:
    """Run the statements of a script, where a count of rows may stand before one that writes them.

    Parameters
    ----------
    connection : psycopg.Connection
    script : str
        Its SELECTs give one number each, under the name of a table: how many rows of that the next
        statement has to write. It has no parameters: a ``%`` stands for itself.
    schema : str
        Schema of these tables, for the error.

    Returns
    -------
    list of int
        Rows of each statement that is no SELECT; -1 where it has none.

    Raises
    ------
    DatabaseError
        If a statement writes another number of rows.
    psycopg.Error
        If the server refuses.
    """
    written: list[int] = []
    before: tuple[str, int] | None = None
    # One by one: what a statement has left undone may make the next one fail, and hide why.
    for statement in ddl.cut(script):
        cursor = connection.execute(statement.encode())
        if cursor.description is not None:
            [(wanted,)] = cursor.fetchall()
            before = cursor.description[0].name, int(wanted)
            continue
        if before is not None:
            table, number = before
            counted.compare(schema, table, cursor.rowcount, number)
        written.append(cursor.rowcount)
        before = None
    return written


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    """Run a rendered query and return its rows."""
    return connection.execute(query.encode()).fetchall()


def make(
    connection: psycopg.Connection,
    defined: Schema,
    tables: Iterable[str],
    phases: Iterable[str],
    *,
    schema: str,
    roles: Sequence[str] = (),
) -> None:
    """Run the statements of some phases of tables; parameters as for `ddl.statements`."""
    for statement in ddl.statements(defined, tables, phases, schema=schema, roles=roles):
        run(connection, statement.sql)
