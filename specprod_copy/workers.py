"""Send batches of units, by this process or by several, each with a connection of its own."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from itertools import groupby
from multiprocessing.connection import wait

import psycopg

from specprod_copy import copying, database
from specprod_copy.columns import Column
from specprod_copy.errors import DatabaseError
from specprod_copy.ledger import Unit, UnitResult

BATCH_ROWS = 500_000
"""About so many rows of small files share a COPY and a commit."""


def make_batches(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Group units that share a COPY and a commit: of one source, about `BATCH_ROWS` rows.

    Parameters
    ----------
    units : sequence of Unit
        In the order of loading.

    Yields
    ------
    list of Unit
    """
    for _, group in groupby(units, key=lambda unit: unit.source):
        batch: list[Unit] = []
        rows = 0
        for unit in group:
            if batch and rows + unit.n_rows > BATCH_ROWS:
                yield batch
                batch, rows = [], 0
            batch.append(unit)
            rows += unit.n_rows
        yield batch


def send(
    connection: psycopg.Connection,
    schema: str,
    batches: Sequence[Sequence[Unit]],
    columns: Mapping[str, Sequence[Column]],
    advance: copying.Advance,
) -> Iterator[list[UnitResult]]:
    """Load batches one after the other over one connection.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    batches : sequence of sequence of Unit
    columns : mapping of str to sequence of Column
        Columns of each table.
    advance : callable
        Told as the work goes on.

    Yields
    ------
    list of UnitResult
        Of one batch, when it is committed (or part of the surrounding transaction).
    """
    for batch in batches:
        yield copying.load_units(connection, schema, batch, columns[batch[0].table], advance)


def send_in_parallel(
    conninfo: str,
    schema: str,
    batches: Sequence[Sequence[Unit]],
    columns: Mapping[str, Sequence[Column]],
    advance: copying.Advance,
    jobs: int,
) -> Iterator[list[UnitResult]]:
    """Load batches by several processes; they may arrive in any order.

    Parameters
    ----------
    conninfo : str
        For a connection of each process.
    schema, batches, columns, advance
        As for `send`; progress is told batch by batch.
    jobs : int
        Number of processes.

    Yields
    ------
    list of UnitResult
        Of one batch, when it is committed.

    Raises
    ------
    InputError, DatabaseError
        The first failure; batches that are under way are awaited, others are not begun.
    """
    # Not fork: threads of Polars and Arrow do not survive it.
    context = multiprocessing.get_context("spawn")
    work = partial(_load_batch, conninfo, schema)
    n = min(jobs, len(batches))
    with ProcessPoolExecutor(n, mp_context=context, initializer=_begin_worker) as pool:
        futures = [pool.submit(work, batch, columns[batch[0].table]) for batch in batches]
        try:
            for future in futures:
                results = future.result()
                for result in results:
                    read = result.rows_read
                    advance(result.unit.table, read, read * result.unit.row_bytes)
                yield results
        except BrokenProcessPool as error:
            raise DatabaseError(
                "a worker process died (killed, or out of memory); run the command again: it goes "
                "on where this one stopped"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, which awaits batches under way; end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _load_batch(
    conninfo: str, schema: str, batch: Sequence[Unit], columns: Sequence[Column]
) -> list[UnitResult]:
    with database.connect(conninfo) as connection:
        results = copying.load_units(connection, schema, batch, columns, lambda *_: None)
    # Row selections may be long and are not needed any more.
    return [replace(result, unit=replace(result.unit, rows=None)) for result in results]
