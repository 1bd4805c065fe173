"""Send batches of units, by this process or by several, each with a connection of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Protocol, Self

import psycopg

from specprod_copy.errors import DatabaseError
from specprod_copy.executors.processes import begin_worker, interrupts_left_to_parent
from specprod_copy.loading import copying
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.rows.units import Unit, UnitResult


class Sender(Protocol):
    """Sends batches of units."""

    def send(self, batch: Sequence[Unit]) -> list[UnitResult]:
        """Load a batch: all of it, or nothing.

        Raises
        ------
        InputError, DatabaseError
            If a file or the server refuses.
        """

    def close(self) -> None:
        """Give back what was needed to send; there are no further batches."""


class LocalSender:
    """Sends batches by this process.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    columns : mapping of str to sequence of Column
        Columns of each table.
    advance : callable
        Told as the work goes on.
    whole : collection of str
        Tables that are one batch each.
    max_quarantined : int, optional
        See `copying.load_units`.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        schema: str,
        columns: Mapping[str, Sequence[Column]],
        advance: copying.Advance,
        *,
        whole: Collection[str] = (),
        max_quarantined: int | None = None,
    ) -> None:
        self._connection, self._schema, self._columns = connection, schema, columns
        self._advance, self._whole, self._most_refused = advance, whole, max_quarantined

    def send(self, batch: Sequence[Unit]) -> list[UnitResult]:
        """Load a batch; see `Sender.send`."""
        table = batch[0].table
        return copying.load_units(
            self._connection,
            self._schema,
            batch,
            self._columns[table],
            self._advance,
            whole=table in self._whole,
            max_quarantined=self._most_refused,
        )

    def close(self) -> None:
        """Do nothing: the connection is the caller's."""


class ProcessSender:
    """Sends batches by other processes, several at a time; to be used in a ``with`` statement.

    Parameters
    ----------
    conninfo : str
        For a connection of each process.
    schema, columns, advance, whole, max_quarantined
        As for `LocalSender`; progress is told batch by batch.
    jobs : int
        Number of processes.
    """

    def __init__(
        self,
        conninfo: str,
        schema: str,
        columns: Mapping[str, Sequence[Column]],
        advance: copying.Advance,
        jobs: int,
        *,
        whole: Collection[str] = (),
        max_quarantined: int | None = None,
    ) -> None:
        self._work = partial(_load_batch, conninfo, schema, max_quarantined)
        self._columns, self._advance, self._whole = columns, advance, whole
        # Not fork: threads of Polars and Arrow do not survive it.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker)

    def send(self, batch: Sequence[Unit]) -> list[UnitResult]:
        """Load a batch; see `Sender.send`. May be called by several threads."""
        table = batch[0].table
        try:
            with interrupts_left_to_parent():
                future = self._pool.submit(
                    self._work, batch, self._columns[table], whole=table in self._whole
                )
            results = future.result()
        except BrokenProcessPool as error:
            raise DatabaseError(
                "a worker process died (killed, or out of memory); run the command again: it goes "
                "on where this one stopped"
            ) from error
        for result in results:
            self._advance(table, result.rows_read, result.rows_read * result.unit.row_bytes)
        return results

    def close(self) -> None:
        """End the processes, which have memory that index builds can use."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


class Senders:
    """Several senders that share the work; may be called by several threads.

    Parameters
    ----------
    senders : sequence of Sender
        Each is given one batch at a time; one that may have several stands here several times.
    """

    def __init__(self, senders: Sequence[Sender]) -> None:
        self._all = senders
        self._free: SimpleQueue[Sender] = SimpleQueue()
        for sender in senders:
            self._free.put(sender)

    def send(self, batch: Sequence[Unit]) -> list[UnitResult]:
        """Load a batch by a sender that is free, or wait for one; see `Sender.send`."""
        sender = self._free.get()
        try:
            return sender.send(batch)
        finally:
            self._free.put(sender)

    def close(self) -> None:
        """Close all of them."""
        for sender in self._all:
            sender.close()


def _load_batch(
    conninfo: str,
    schema: str,
    max_quarantined: int | None,
    batch: Sequence[Unit],
    columns: Sequence[Column],
    *,
    whole: bool,
) -> list[UnitResult]:
    with connect(conninfo) as connection:
        results = copying.load_units(
            connection,
            schema,
            batch,
            columns,
            lambda *_: None,
            whole=whole,
            max_quarantined=max_quarantined,
        )
    # Row selections may be long and are not needed any more.
    return [replace(result, unit=replace(result.unit, rows=None)) for result in results]
