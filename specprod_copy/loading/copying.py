"""Send the rows of units by COPY, and count them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from specprod_copy.errors import InputError
from specprod_copy.postgres.copy import Destination
from specprod_copy.postgres.encoder import Encoded
from specprod_copy.rows.encoding import Share, encoded_units
from specprod_copy.rows.units import Findings, Intake, Refusal, Unit, UnitResult

Advance = Callable[[str, int, int], None]
"""Called with (table, rows read, bytes sent) as the work goes on."""


def copy_units(
    destination: Destination,
    intake: Intake,
    advance: Advance,
    *,
    quarantine: bool = False,
    digests: bool = True,
) -> list[UnitResult]:
    """Send the rows of units; the transaction, and any record of it, is the caller's.

    Parameters
    ----------
    destination : Destination
    intake : Intake
        Units of the table, and its columns or some of them.
    advance : callable
        See `Advance`.
    quarantine : bool
        Whether to leave out rows that cannot be loaded.
    digests : bool
        Whether the results are to have digests, which takes the reading of all rows of the units.

    Raises
    ------
    InputError
        If the file cannot be read or holds values that the table does not accept; with `quarantine`
        if a file begins with a unit that has no other rows.
    DatabaseError
        If the server took fewer rows than it was sent.
    """
    units, table = intake.units, intake.table
    tallies = [_Tally(Findings([] if quarantine else None, () if digests else None)) for _ in units]
    results: list[UnitResult] = []

    def counted(
        encoded: Iterator[tuple[Encoded, Sequence[Share]]],
    ) -> Iterator[Encoded]:
        started = time.monotonic()
        for rows, shares in encoded:
            yield rows
            del rows  # before the next ones are there
            now = time.monotonic()
            read = sum(share.rows_read for share in shares)
            for share in shares:
                part = share.rows_read / read if read else 1 / len(shares)
                tallies[share.number].add(share, (now - started) * part)
            started = now
            size = sum(share.rows_read * units[share.number].row_bytes for share in shares)
            advance(table, read, size)
        results.extend(tally.result(unit) for unit, tally in zip(units, tallies, strict=True))

    names = [column.name for column in intake.columns]
    with closing(encoded_units(intake, [t.found for t in tallies])) as encoded:
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
