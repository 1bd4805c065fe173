"""The work on a table, in pieces that this process does, or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

import psycopg

from specprod_copy.errors import DatabaseError
from specprod_copy.executors.processes import interrupts_left_to_parent
from specprod_copy.plan.batches import make_batches
from specprod_copy.rows.units import Unit
from specprod_copy.verification.database_side import Pages, page_ranges
from specprod_copy.verification.planning import TablePlan

T = TypeVar("T")

SMALL_ROWS = 500_000
"""Up to so many rows it is quicker to do the work here than to start processes."""


@dataclass(frozen=True)
class Piece(Generic[T]):
    """A piece of work.

    Parameters
    ----------
    work : callable
        A partial of a function of a module, so that it can be sent to another process.
    rows, size : int
        How much it is: rows and bytes.
    """

    work: Callable[[], T]
    rows: int
    size: int


class Workers:
    """Processes that do tasks; they are started when there is enough to do.

    Parameters
    ----------
    jobs : int
        How many.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, tasks: Sequence[Piece[T]]) -> Iterator[tuple[Piece[T], T]]:
        """Do tasks.

        Parameters
        ----------
        tasks : sequence of Piece

        Yields
        ------
        task : Piece
        result : object
            What its work returned; in the order of the tasks.

        Raises
        ------
        DatabaseError
            If a process died.
        """
        if self._jobs == 1 or len(tasks) < 2 or sum(task.rows for task in tasks) <= SMALL_ROWS:
            for task in tasks:
                yield task, task.work()
            return
        if self._pool is None:
            # Not fork: threads of Polars and Arrow do not survive it.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=context)
        try:
            with interrupts_left_to_parent():
                futures = [self._pool.submit(task.work) for task in tasks]
            for task, future in zip(tasks, futures, strict=True):
                yield task, future.result()
        except BrokenProcessPool as error:
            raise DatabaseError(
                "a worker process died (killed, or out of memory); run the command again"
            ) from error


@dataclass(frozen=True)
class TableWork:
    """A table's work in pieces: batches of file units, and ranges of pages.

    Parameters
    ----------
    plan : TablePlan
    batches : list of list of Unit
    ranges : list of tuple
    """

    plan: TablePlan
    batches: list[list[Unit]]
    ranges: list[Pages]

    @classmethod
    def of(cls, plan: TablePlan, connection: psycopg.Connection) -> Self:
        """Cut the work of verifying a table."""
        ranges = page_ranges(connection, plan.job.schema, plan.job.table)
        return cls(plan, [*make_batches(plan.units)], ranges)

    @property
    def rows(self) -> int:
        """Rows to read, on both sides."""
        units, entries = self.plan.units, self.plan.entries.values()
        return sum(unit.n_rows for unit in units) + sum(entry.kept for entry in entries)

    @property
    def size(self) -> int:
        """Bytes to read, on both sides."""
        units, entries = self.plan.units, self.plan.entries.values()
        return sum(u.n_rows * u.row_bytes for u in units) + sum(entry.sent for entry in entries)

    def on_files(self, work: Callable[[list[Unit]], T]) -> list[Piece[T]]:
        """Return tasks that do some work on all units."""
        return [
            Piece(
                partial(work, batch),
                sum(unit.n_rows for unit in batch),
                sum(unit.n_rows * unit.row_bytes for unit in batch),
            )
            for batch in self.batches
        ]

    def on_pages(self, work: Callable[[Pages], T]) -> list[Piece[T]]:
        """Return tasks that do some work on all pages; how much it is, is the ledger's guess."""
        entries, share = self.plan.entries.values(), len(self.ranges)
        rows, size = sum(e.kept for e in entries) // share, sum(e.sent for e in entries) // share
        return [Piece(partial(work, pages), rows, size) for pages in self.ranges]
