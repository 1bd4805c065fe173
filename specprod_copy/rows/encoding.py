"""Units as COPY data: read, transformed and encoded by threads, ahead of who sends them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TypeVar

import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.encoder import Encoded, Encoder
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.sky_order import sorted_on_sky
from specprod_copy.rows.units import Findings, Unit
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


def encoded_chunks(
    unit: Unit,
    sources: Mapping[str, TableSource],
    encoder: Encoder,
    found: Findings | None = None,
) -> Iterator[Chunk]:
    """Yield the rows of a unit as COPY data; `found` is as in `rows.read.table_rows`.

    One encoder serves all units of a table, which spares small ones its making.
    """
    columns = encoder.columns
    source = sources[unit.source]
    position = source.position if source.sky_order else None
    sort = position is not None and {*position} <= {column.name for column in columns}
    for rows in table_rows(unit, sources, columns, found):
        frame = sorted_on_sky(rows.frame, *position) if position and sort else rows.frame
        kept = Encoded([*encoder.encode(frame)], frame.height)
        yield Chunk(kept, rows.rows_read, rows.values_changed)


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


def encoded_units(
    units: Sequence[Unit],
    sources: Mapping[str, TableSource],
    found: Sequence[Findings | None],
    columns: Sequence[Column],
) -> Generator[tuple[int, Chunk]]:
    """Yield the chunks of units in order, made ahead by threads that take units by turns.

    Parameters
    ----------
    units : sequence of Unit
        All of the same table.
    sources : mapping of str to TableSource
        Has their sources.
    found : sequence of Findings or None
        For each unit; see `rows.table_rows`.
    columns : sequence of Column
        Columns of the table.

    Yields
    ------
    int
        Number of the unit.

    Raises
    ------
    InputError
        If a file cannot be read or holds values that the table does not accept.
    """
    small = all(unit.n_rows * unit.row_bytes <= _SMALL_BYTES for unit in units)
    threads = min(_THREADS, len(units)) if small else 1
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(
                prefetch(_lane(units[n::threads], sources, found[n::threads], Encoder(columns)))
            )
            for n in range(threads)
        ]
        for number in range(len(units)):
            for chunk in iter(partial(next, lanes[number % threads]), None):
                yield number, chunk


def _lane(
    units: Sequence[Unit],
    sources: Mapping[str, TableSource],
    found: Sequence[Findings | None],
    encoder: Encoder,
) -> Iterator[Chunk | None]:
    """Yield the chunks of units, and None at the end of each unit."""
    for unit, findings in zip(units, found, strict=True):
        yield from encoded_chunks(unit, sources, encoder, findings)
        yield None
