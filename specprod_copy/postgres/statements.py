"""Run rendered SQL, and return what the server says it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from specprod_copy.postgres import ddl


def run(connection: psycopg.Connection, script: str) -> list[int]:
    """Run the statements of a script; return the number of rows of each.

    Parameters
    ----------
    connection : psycopg.Connection
    script : str
        Has no parameters: a ``%`` stands for itself.

    Returns
    -------
    list of int
        Rows inserted, updated, deleted or selected; -1 for a statement that has none.

    Raises
    ------
    psycopg.Error
        If the server refuses.
    """
    cursor = connection.execute(script.encode())
    counts = [cursor.rowcount]
    while cursor.nextset():
        counts.append(cursor.rowcount)
    return counts


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    """Run a rendered query and return its rows."""
    return connection.execute(query.encode()).fetchall()


def make(
    connection: psycopg.Connection,
    tables: Iterable[str],
    phases: Iterable[str],
    *,
    schema: str,
    roles: Sequence[str] = (),
) -> None:
    """Run the statements of some phases of tables; parameters as for `ddl.statements`."""
    for statement in ddl.statements(tables, phases, schema=schema, roles=roles):
        run(connection, statement.sql)
