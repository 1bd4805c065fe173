"""COPY: one loop that writes encoded rows, and the destinations they may have.

A destination is a table of the server, a file, or nothing, to measure what comes before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from specprod_copy.atomic_files import output_errors, staged
from specprod_copy.postgres import counted
from specprod_copy.postgres.encoder import HEADER, TRAILER, Encoded


class Destination(Protocol):
    """Where the data of a COPY go."""

    def copy(self, chunks: Iterable[Encoded], columns: Sequence[str]) -> int:
        """Take rows, and return how many there were.

        Parameters
        ----------
        chunks : iterable of Encoded
            What it raises ends the COPY; no row of it is in the destination then.
        columns : sequence of str
            Columns of the rows, in their order.
        """


@dataclass(frozen=True)
class ServerTable:
    """A table of the server; the transaction is the caller's."""

    connection: psycopg.Connection
    schema: str
    table: str

    freeze: bool = False
    """Write rows as if they had been there for long, so that no later reader has to mark them as
    committed. The table must have been made in the same (sub)transaction."""

    def copy(self, chunks: Iterable[Encoded], columns: Sequence[str]) -> int:
        """Send rows; see `Destination.copy`.

        Raises
        ------
        DatabaseError
            If the server took fewer rows than it was sent.
        psycopg.Error
            If the server refuses.
        """
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY, FREEZE {})").format(
            sql.Identifier(self.schema, self.table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Literal(self.freeze),
        )
        # Not closed before its count was read.
        cursor = self.connection.cursor()
        with cursor.copy(statement) as copy:
            rows = _write(chunks, copy.write)
        return counted.compare(self.schema, self.table, cursor.rowcount, rows)


@dataclass(frozen=True)
class File:
    """A file for the server's own COPY, which is told the columns."""

    path: Path

    def copy(self, chunks: Iterable[Encoded], columns: Sequence[str] = ()) -> int:
        """Write rows into the file, all or none; see `Destination.copy`.

        Raises
        ------
        InputError
            If it cannot be written, or what has its name is no regular file.
        """
        folder, name = self.path.parent, self.path.name
        with (
            staged(folder, [name], overwrite=True) as new,
            output_errors(self.path),
            (new / name).open("wb") as file,
        ):
            return _write(chunks, file.write)


class Nothing:
    """Drops all rows."""

    def copy(self, chunks: Iterable[Encoded], columns: Sequence[str] = ()) -> int:
        """Make rows; see `Destination.copy`."""
        return _write(chunks, len)


def _write(chunks: Iterable[Encoded], write: Callable[[memoryview], object]) -> int:
    def send(chunk: Encoded) -> int:
        for piece in chunk.data:
            write(memoryview(piece))
        return chunk.rows

    write(memoryview(HEADER))
    # A loop would keep a chunk until it has the next one.
    rows = sum(map(send, chunks))
    write(memoryview(TRAILER))
    return rows
