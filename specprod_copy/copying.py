"""Send units: read, transform, encode and COPY, overlapped; with the ledger or without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import psycopg
import pyarrow as pa
from psycopg import sql

from specprod_copy.columns import Column
from specprod_copy.database import translated_errors
from specprod_copy.errors import InputError
from specprod_copy.ledger import Ledger
from specprod_copy.pgcopy import HEADER, TRAILER, Encoder
from specprod_copy.rows import table_rows
from specprod_copy.sky import sorted_on_sky
from specprod_copy.tables import ALL_SOURCES
from specprod_copy.units import Refusal, Unit, UnitResult

T = TypeVar("T")

_THREADS = 2
"""Threads that read, transform and encode small units: unpacking needs no lock of Python's."""

_SMALL_BYTES = 1 << 24
"""Of large units two threads would gain nothing, for each is ahead by one chunk, and hold more."""

Advance = Callable[[str, int, int], None]
"""Called with (table, rows read, bytes sent) as the work goes on."""


@dataclass(frozen=True)
class Chunk:
    """Encoded rows.

    Parameters
    ----------
    data : list of pyarrow.Buffer
        COPY data without header and trailer, in pieces.
    rows_read, rows_kept, values_changed : int
        As in `UnitResult`.
    """

    data: list[pa.Buffer]
    rows_read: int
    rows_kept: int
    values_changed: int

    @property
    def size(self) -> int:
        """Size of the data [byte]."""
        return sum(piece.size for piece in self.data)


def encoded_chunks(
    unit: Unit, encoder: Encoder, refused: list[Refusal] | None = None
) -> Iterator[Chunk]:
    """Yield the rows of a unit as COPY data.

    Parameters
    ----------
    unit : Unit
    encoder : Encoder
        For columns of the unit's table; one serves many units, which spares small ones its making.
    refused : list of Refusal, optional
        See `rows.table_rows`.

    Raises
    ------
    InputError
        If the file cannot be read or holds values that the table does not accept.
    """
    columns = encoder.columns
    position = ALL_SOURCES[unit.source].position
    sort = position is not None and {*position} <= {column.name for column in columns}
    for rows in table_rows(unit, columns, refused):
        frame = sorted_on_sky(rows.frame, *position) if position and sort else rows.frame
        data = [*encoder.encode(frame)]
        yield Chunk(data, rows.rows_read, rows.frame.height, rows.values_changed)


@contextmanager
def made_ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Yield an iterator over items of which another thread makes the next one ahead.

    It begins at once, and ends with the ``with`` block, whether all items were wanted or not.

    Parameters
    ----------
    items : iterator
        Is only used in that thread.
    """
    end = object()
    pool = ThreadPoolExecutor(1, thread_name_prefix="encode")
    first = pool.submit(next, items, end)

    def made() -> Iterator[T]:
        coming = first
        while True:
            ready, coming = coming, pool.submit(next, items, end)
            if (item := ready.result()) is end:
                return
            yield item  # type: ignore[misc]

    try:
        yield made()
    finally:
        pool.shutdown(cancel_futures=True)


def load_units(
    connection: psycopg.Connection,
    schema: str,
    units: Sequence[Unit],
    columns: Sequence[Column],
    advance: Advance,
    *,
    made_here: bool = False,
    most_refused: int | None = None,
) -> list[UnitResult]:
    """Load units of one table in one transaction: all of them, or none.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    units : sequence of Unit
        All of the same table.
    columns : sequence of Column
        Columns of the table.
    advance : callable
        See `Advance`.
    made_here : bool
        Whether the caller made the table in its transaction, which then is the one.
    most_refused : int, optional
        Rows that cannot be loaded go into quarantine, up to so many in the schema; without it a
        single one is an error.

    Returns
    -------
    list of UnitResult

    Raises
    ------
    InputError, DatabaseError
        If the file or the server refuses; then nothing is loaded.
    """
    with (
        translated_errors(f"cannot load {schema}.{units[0].table}"),
        nullcontext() if made_here else connection.transaction(),
    ):
        quarantine = most_refused is not None
        results = copy_units(
            connection, schema, units, columns, advance, freeze=made_here, quarantine=quarantine
        )
        ledger = Ledger(connection, schema)
        ledger.record(results)
        if most_refused is not None and any(result.quarantine for result in results):
            ledger.limit_quarantine(most_refused)
    return results


def copy_units(
    connection: psycopg.Connection,
    schema: str,
    units: Sequence[Unit],
    columns: Sequence[Column],
    advance: Advance,
    *,
    freeze: bool = False,
    quarantine: bool = False,
) -> list[UnitResult]:
    """Send the rows of units; the transaction, and any record of it, is the caller's.

    Parameters
    ----------
    connection, schema, units, columns, advance
        As for `load_units`.
    freeze : bool
        Write the rows as if they had been there for long, so that no later reader has to mark
        them as committed. The table must have been made in the same (sub)transaction.
    quarantine : bool
        Whether to leave out rows that cannot be loaded.

    Returns
    -------
    list of UnitResult

    Raises
    ------
    InputError
        If the file cannot be read or holds values that the table does not accept; with `quarantine`
        if a file begins with a unit that has no other rows.
    """
    table = units[0].table
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY, FREEZE {})").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        sql.Literal(freeze),
    )
    tallies = [_Tally([] if quarantine else None) for _ in units]
    started = time.monotonic()
    with (
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
        closing(_chunks(units, tallies, columns)) as chunks,
    ):
        copy.write(HEADER)
        for unit, tally, chunk in chunks:
            for piece in chunk.data:
                copy.write(memoryview(piece))
            tally.add(chunk)
            now = time.monotonic()
            tally.seconds += now - started
            started = now
            advance(table, chunk.rows_read, chunk.rows_read * unit.row_bytes)
        results = [tally.result(unit) for unit, tally in zip(units, tallies, strict=True)]
        copy.write(TRAILER)
    return results


class _Tally:
    """What a unit has come to.

    Parameters
    ----------
    refused : list of Refusal or None
        Its rows that cannot be loaded, if there may be some.
    """

    def __init__(self, refused: list[Refusal] | None) -> None:
        self.refused = refused
        self.read = self.kept = self.changed = self.sent = 0
        self.seconds = 0.0

    def add(self, chunk: Chunk) -> None:
        """Count a chunk that was sent."""
        self.read += chunk.rows_read
        self.kept += chunk.rows_kept
        self.changed += chunk.values_changed
        self.sent += chunk.size

    def result(self, unit: Unit) -> UnitResult:
        """Return the result, when all chunks are sent.

        Raises
        ------
        InputError
            If a file begins with a unit that has nothing but bad rows.
        """
        bad = tuple(sorted(self.refused or (), key=lambda refusal: refusal.row))
        # What is left of a file for its last unit may well be a single row.
        if bad and not self.kept and unit.rows is None and unit.first == 0:
            raise _all_bad(unit, bad)
        read = self.read + len(bad)
        return UnitResult(unit, read, self.kept, self.changed, self.sent, self.seconds, bad)


def _chunks(
    units: Sequence[Unit], tallies: Sequence[_Tally], columns: Sequence[Column]
) -> Generator[tuple[Unit, _Tally, Chunk]]:
    """Yield the chunks of units in order, made ahead by threads that take units by turns."""
    small = all(unit.n_rows * unit.row_bytes <= _SMALL_BYTES for unit in units)
    threads = min(_THREADS, len(units)) if small else 1
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(
                made_ahead(_lane(units[n::threads], tallies[n::threads], Encoder(columns)))
            )
            for n in range(threads)
        ]
        for number, (unit, tally) in enumerate(zip(units, tallies, strict=True)):
            for chunk in iter(partial(next, lanes[number % threads]), None):
                yield unit, tally, chunk


def _lane(
    units: Sequence[Unit], tallies: Sequence[_Tally], encoder: Encoder
) -> Iterator[Chunk | None]:
    """Yield the chunks of units, and None at the end of each unit."""
    for unit, tally in zip(units, tallies, strict=True):
        yield from encoded_chunks(unit, encoder, tally.refused)
        yield None


def _all_bad(unit: Unit, refused: Sequence[Refusal]) -> InputError:
    """Return the error for a wrong file, which must not be taken for one with bad rows."""
    first = refused[0]
    return InputError(
        f"all rows that would be loaded are bad ({len(refused):,}), so the file is wrong, and "
        f"nothing of it goes into quarantine: {first.reason} (row {first.row}: {first.value})",
        path=unit.path,
        hdu=unit.hdu,
        column=first.column,
    )
