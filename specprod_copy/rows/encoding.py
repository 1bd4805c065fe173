"""Units as COPY data: read, transformed and encoded by threads, ahead of who sends them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.reader.stacked import NotAlike
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.sky_order import sorted_on_sky
from specprod_copy.rows.stacked import stacked_rows, stacks
from specprod_copy.rows.transform import Transformed
from specprod_copy.rows.units import Findings, Intake, Unit
from specprod_copy.tables import TableSource

T = TypeVar("T")

_importing = Lock()

_THREADS = 2
"""Threads that read, transform and encode small units: unpacking needs no lock of Python's."""

_SMALL_BYTES = 1 << 24
"""Of large units two threads would gain nothing, for each is ahead by one chunk, and hold more."""


@dataclass(frozen=True)
class Chunk:
    """Encoded rows, and the rows and values they are made of, counted as in `UnitResult`."""

    kept: Encoded
    rows_read: int
    values_changed: int

    @property
    def size(self) -> int:
        """Size of the data [byte]."""
        return sum(map(len, self.kept.data))


class Share(NamedTuple):
    """What a unit has in encoded rows, counted as in `UnitResult`."""

    number: int
    """Of the unit."""
    rows_read: int
    rows_kept: int
    values_changed: int
    size: int
    """Of its data [byte]."""


def encoded_chunks(
    unit: Unit,
    sources: Mapping[str, TableSource],
    encoder: Encoder,
    found: Findings | None = None,
) -> Iterator[Chunk]:
    """Yield the rows of a unit as COPY data; `found` is as in `rows.read.table_rows`.

    One encoder serves all units of a table, which spares small ones its making.
    """

    def chunk(rows: Transformed) -> Chunk:
        frame = _in_order(rows.frame, sources[unit.source])
        kept = Encoded([*encoder.encode(frame)], frame.height)
        return Chunk(kept, rows.rows_read, rows.values_changed)

    # Here and below a loop would keep rows until it has the next ones.
    yield from map(chunk, table_rows(unit, sources, encoder.columns, found))


def _in_order(frame: pl.DataFrame, source: TableSource) -> pl.DataFrame:
    """Return rows in the order in which they are sent."""
    position = source.position if source.sky_order else None
    if position is not None and {*position} <= {*frame.columns}:
        return sorted_on_sky(frame, *position)
    return frame


def _import_for_polars() -> None:
    """Have Polars import NumPy and Arrow before threads need them: it fails if two do at once."""
    with _importing:
        pl.Series([0]).to_numpy()
        pl.DataFrame({"a": [0]}).to_arrow()


@contextmanager
def prefetch(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Yield an iterator over items of which another thread makes the next one ahead.

    It begins at once, and ends with the ``with`` block, whether all items were wanted or not.

    Parameters
    ----------
    items : iterator
        Is only used in that thread.
    """
    _import_for_polars()
    end = object()
    pool = ThreadPoolExecutor(1, thread_name_prefix="encode")

    def made(coming: Future[T | object]) -> Iterator[T]:
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
            del item

    try:
        yield made(pool.submit(next, items, end))
    finally:
        pool.shutdown(cancel_futures=True)


def encoded_units(
    intake: Intake, found: Sequence[Findings]
) -> Generator[tuple[Encoded, Sequence[Share]]]:
    """Yield the rows of units in order, made ahead by threads that take units by turns.

    Small units of one source are handled as one.

    Parameters
    ----------
    intake : Intake
    found : sequence of Findings
        For each unit; see `rows.table_rows`.

    Yields
    ------
    Encoded
    sequence of Share
        What each unit has in it.

    Raises
    ------
    InputError
        If a file cannot be read or holds values that the table does not accept.
    """
    together = [*stacks(intake.units)]
    small = all(unit.n_rows * unit.row_bytes <= _SMALL_BYTES for unit in intake.units)
    threads = min(_THREADS, len(together)) if small else 1
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(
                prefetch(
                    _Lane(intake, found, Encoder(intake.columns)).encoded(together[n::threads])
                )
            )
            for n in range(threads)
        ]
        for number in range(len(together)):
            yield from iter(partial(next, lanes[number % threads]), None)


@dataclass(frozen=True)
class _Lane:
    """What one thread encodes units with."""

    intake: Intake
    found: Sequence[Findings]
    encoder: Encoder

    def encoded(
        self, together: Sequence[range]
    ) -> Iterator[tuple[Encoded, Sequence[Share]] | None]:
        """Yield the rows of units, given what is handled as one; None at the end of each stack."""
        for numbers in together:
            yield from self._rows(numbers)
            yield None

    def _rows(self, numbers: range) -> Iterator[tuple[Encoded, Sequence[Share]]]:
        if len(numbers) == 1:
            yield from self._alone(numbers[0])
        elif (rows := self._stack(numbers)) is not None:
            yield rows
        else:  # A file with other columns, or with a fault, is soon alone.
            half = len(numbers) // 2
            yield from self._rows(numbers[:half])
            yield from self._rows(numbers[half:])

    def _alone(self, number: int) -> Iterator[tuple[Encoded, Sequence[Share]]]:
        unit, found = self.intake.units[number], self.found[number]

        def alone(chunk: Chunk) -> tuple[Encoded, Sequence[Share]]:
            kept, read, changed = chunk.kept, chunk.rows_read, chunk.values_changed
            return kept, [Share(number, read, kept.rows, changed, chunk.size)]

        yield from map(alone, encoded_chunks(unit, self.intake.sources, self.encoder, found))

    def _stack(self, numbers: range) -> tuple[Encoded, Sequence[Share]] | None:
        """Encode units as one; None if that cannot be."""
        units, found = [self.intake.units[n] for n in numbers], [self.found[n] for n in numbers]
        source = self.intake.sources[units[0].source]
        try:
            stacked = stacked_rows(units, source, self.encoder.columns, found)
        except (NotAlike, InputError):
            return None
        frame = stacked.rows.frame
        changes = stacked.rows.changes
        counted = [
            np.ones(frame.height),
            np.zeros(frame.height) if changes is None else changes,
            self.encoder.row_sizes(frame),
        ]
        shares = [
            Share(number, unit.n_rows, *of_unit)
            for number, unit, *of_unit in zip(
                numbers, units, *map(stacked.of_each, counted), strict=True
            )
        ]
        frame = _in_order(frame, source)
        return Encoded([*self.encoder.encode(frame)], frame.height), shares
