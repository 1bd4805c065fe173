"""COPY: one loop that writes encoded rows, and the places they may go to.

These are a table of the server, a file, or nothing, to measure what comes before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from specprod_copy.postgres.encoder import HEADER, TRAILER, Encoded


def to_table(
    chunks: Iterable[Encoded],
    connection: psycopg.Connection,
    schema: str,
    table: str,
    columns: Sequence[str],
    *,
    freeze: bool = False,
) -> int:
    """Send rows to a table of the server; the transaction is the caller's.

    Parameters
    ----------
    chunks : iterable of Encoded
        What it raises ends the COPY, and no row gets into the table.
    connection : psycopg.Connection
    schema, table : str
    columns : sequence of str
        Columns of the rows, in their order.
    freeze : bool
        Write the rows as if they had been there for long, so that no later reader has to mark
        them as committed. The table must have been made in the same (sub)transaction.

    Returns
    -------
    int
        Rows sent.

    Raises
    ------
    psycopg.Error
        If the server refuses.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY, FREEZE {})").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Literal(freeze),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return _write(chunks, copy.write)


def to_file(chunks: Iterable[Encoded], path: Path) -> int:
    """Write rows into a file for the server's own COPY; return how many."""
    with path.open("wb") as file:
        return _write(chunks, file.write)


def to_nothing(chunks: Iterable[Encoded]) -> int:
    """Make rows and drop them; return how many."""
    return _write(chunks, len)


def _write(chunks: Iterable[Encoded], write: Callable[[memoryview], object]) -> int:
    rows = 0
    write(memoryview(HEADER))
    for chunk in chunks:
        for piece in chunk.data:
            write(memoryview(piece))
        rows += chunk.rows
    write(memoryview(TRAILER))
    return rows
