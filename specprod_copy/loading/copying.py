"""Send units by COPY: all of them or none, with their ledger rows or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from functools import partial

import psycopg
from psycopg import sql

from specprod_copy.errors import InputError
from specprod_copy.loading.late_rows import LateRows
from specprod_copy.plan.ledger import Ledger
from specprod_copy.postgres import catalog, locks
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.copy import Destination, ServerTable
from specprod_copy.postgres.encoder import Encoded
from specprod_copy.rows.encoding import Share, encoded_units
from specprod_copy.rows.units import Findings, Refusal, Unit, UnitResult
from specprod_copy.tables import TableSource

Advance = Callable[[str, int, int], None]
"""Called with (table, rows read, bytes sent) as the work goes on."""


def load_units(
    connection: psycopg.Connection,
    schema: str,
    units: Sequence[Unit],
    sources: Mapping[str, TableSource],
    columns: Sequence[Column],
    advance: Advance,
    *,
    whole: bool = False,
    max_quarantined: int | None = None,
    keep_best: bool = False,
) -> list[UnitResult]:
    """Load units of one table in one transaction: all of them, or none.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    units : sequence of Unit
        All of the same table.
    sources : mapping of str to TableSource
        Has their sources.
    columns : sequence of Column
        Columns of the table.
    advance : callable
        See `Advance`.
    whole : bool
        Whether these are all units of a new table. Then its rows need no log where the server's
        wal_level is minimal, and no later reader has to mark them as committed; but nobody can
        read the table meanwhile.
    max_quarantined : int, optional
        Rows that cannot be loaded go into quarantine, up to so many in the schema; without it a
        single one is an error.
    keep_best : bool
        Whether the best row of a key is to be kept (`Catalogue.keep_best`). Where the table has its
        key already, a key that comes twice is an error even with `max_quarantined`, for the best
        row may be another than the one that is loaded.

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
        connection.transaction(),
    ):
        freeze = whole and _made_anew(connection, schema, units[0].table)
        quarantine = max_quarantined is not None
        table = ServerTable(connection, schema, units[0].table, freeze)
        try:
            # A table is filled as frozen by the transaction itself that has truncated it.
            with nullcontext() if freeze else connection.transaction():
                results = copy_units(table, units, sources, columns, advance, quarantine=quarantine)
        except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation) as error:
            # The table has its keys already.
            late = LateRows(connection, schema, units, sources, columns, copy_units, keep_best)
            double = isinstance(error, psycopg.errors.UniqueViolation)
            if not quarantine or (keep_best and double):
                raise late.error(error) from error
            results = late.load_others(advance)
        ledger = Ledger(connection, schema)
        ledger.record(results)
        if max_quarantined is not None and any(result.quarantine for result in results):
            ledger.limit_quarantine(max_quarantined)
    return results


def _made_anew(connection: psycopg.Connection, schema: str, table: str) -> bool:
    """Make a table anew in this transaction if it is empty and nobody uses it; say whether so."""
    name = sql.Identifier(schema, table)
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name)
    try:
        locks.attempt(connection, partial(connection.execute, lock))
    except psycopg.errors.LockNotAvailable:
        return False  # To wait until nobody looks at the empty table would cost more than it saves.
    # Another loader may have been here since this one has planned.
    if catalog.has_rows(connection, schema, table):
        return False
    connection.execute(sql.SQL("TRUNCATE {}").format(name))
    return True


def copy_units(
    destination: Destination,
    units: Sequence[Unit],
    sources: Mapping[str, TableSource],
    columns: Sequence[Column],
    advance: Advance,
    *,
    quarantine: bool = False,
    digests: bool = True,
) -> list[UnitResult]:
    """Send the rows of units; the transaction, and any record of it, is the caller's.

    Parameters
    ----------
    destination : Destination
    units : sequence of Unit
        All of the same table.
    sources : mapping of str to TableSource
        Has their sources.
    columns : sequence of Column
        Columns of the table, or some of them.
    advance : callable
        See `Advance`.
    quarantine : bool
        Whether to leave out rows that cannot be loaded.
    digests : bool
        Whether the results are to have digests, which takes the reading of all rows of the units.

    Returns
    -------
    list of UnitResult

    Raises
    ------
    InputError
        If the file cannot be read or holds values that the table does not accept; with `quarantine`
        if a file begins with a unit that has no other rows.
    DatabaseError
        If the server took fewer rows than it was sent.
    """
    table = units[0].table
    tallies = [_Tally(Findings([] if quarantine else None, () if digests else None)) for _ in units]
    results: list[UnitResult] = []

    def counted(
        encoded: Iterator[tuple[Encoded, Sequence[Share]]],
    ) -> Iterator[Encoded]:
        started = time.monotonic()
        for rows, shares in encoded:
            yield rows
            now = time.monotonic()
            read = sum(share.rows_read for share in shares)
            for share in shares:
                part = share.rows_read / read if read else 1 / len(shares)
                tallies[share.number].add(share, (now - started) * part)
            started = now
            size = sum(share.rows_read * units[share.number].row_bytes for share in shares)
            advance(table, read, size)
        results.extend(tally.result(unit) for unit, tally in zip(units, tallies, strict=True))

    names = [column.name for column in columns]
    with closing(encoded_units(units, sources, [t.found for t in tallies], columns)) as encoded:
        destination.copy(counted(encoded), names)
    return results


class _Tally:
    """What a unit has come to."""

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.read = self.kept = self.changed = self.sent = 0
        self.seconds = 0.0

    def add(self, share: Share, seconds: float) -> None:
        """Count rows that were sent."""
        self.read += share.rows_read
        self.kept += share.rows_kept
        self.changed += share.values_changed
        self.sent += share.size
        self.seconds += seconds

    def result(self, unit: Unit) -> UnitResult:
        """Return the result, when all chunks are sent.

        Raises
        ------
        InputError
            If a file begins with a unit that has nothing but bad rows.
        """
        bad = tuple(sorted(self.found.refused or (), key=lambda refusal: refusal.row))
        # What is left of a file for its last unit may well be a single row.
        if bad and not self.kept and unit.rows is None and unit.first == 0:
            raise _all_bad(unit, bad)
        read = self.read + len(bad)
        return UnitResult(
            unit,
            read,
            self.kept,
            self.changed,
            self.sent,
            self.seconds,
            self.found.digests or (),
            bad,
        )


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
