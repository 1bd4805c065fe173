"""Rows that the server took, compared with those that were meant.

A trigger may drop a row without a word, and a rule may do something else. The server counts what it
did: the loader compares, wherever it writes rows, within the transaction that writes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.names import parametrized


def compare(schema: str, table: str, taken: int, wanted: int) -> int:
    """Return how many rows the server took, if it took all of them and no others.

    Parameters
    ----------
    schema, table : str
        Table that was written to.
    taken : int
        Rows that the server says it has inserted, updated or deleted.
    wanted : int
        Rows that it had to.

    Raises
    ------
    DatabaseError
        If the numbers differ.
    """
    if taken != wanted:
        raise lost(schema, table, taken, wanted)
    return taken


def lost(schema: str, table: str, taken: int, wanted: int) -> DatabaseError:
    """Return the error for rows that the server did not take."""
    return DatabaseError(
        f"{schema}.{table}: the server took {taken:,} of {wanted:,} rows, so nothing of this "
        f"was committed; look for a trigger or a rule on the table (\\d {schema}.{table} in "
        "psql), and disable it for the loader"
    )


def execute(
    connection: psycopg.Connection,
    schema: str,
    table: str,
    query: sql.Composed,
    values: Sequence[object],
    wanted: int,
) -> None:
    """Run a statement that has to write a known number of rows.

    Raises
    ------
    DatabaseError
        If it writes another number.
    """
    compare(schema, table, connection.execute(query, values).rowcount, wanted)


def delete(
    connection: psycopg.Connection,
    schema: str,
    table: str,
    condition: str,
    values: Sequence[object],
) -> int:
    """Delete the rows of a table that meet a condition; return how many.

    Parameters
    ----------
    connection : psycopg.Connection
    schema, table : str
    condition : str
        SQL with a placeholder for each of the values.
    values : sequence

    Raises
    ------
    DatabaseError
        If rows stay.
    """
    rest = sql.SQL("FROM {} WHERE {}").format(parametrized(schema, table), sql.SQL(condition))
    count = sql.SQL("SELECT count(*) {}").format(rest)
    [(wanted,)] = connection.execute(count, values).fetchall()
    execute(connection, schema, table, sql.SQL("DELETE {}").format(rest), values, wanted)
    return int(wanted)
