"""The tasks that bring tables their rows, and who does them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from specprod_copy.errors import DatabaseError, WorkerDiedError, concerning
from specprod_copy.executors.executor import Executor, Inline
from specprod_copy.executors.schedule import Task
from specprod_copy.loading import post_data
from specprod_copy.loading.context import LoadContext
from specprod_copy.loading.send import SendContext, Sender, send_batch
from specprod_copy.plan.batches import make_batches
from specprod_copy.postgres.schema import Schema
from specprod_copy.rows.units import Unit, UnitResult

END_OF_ROWS = "end of rows"
"""Group of the task that ends what sent the rows."""


@contextmanager
def sending(context: LoadContext, whole: Collection[str] = ()) -> Iterator[Executor[Sender]]:
    """Yield what sends batches: workers, or this thread by its own connection."""
    shared = SendContext(
        context.conninfo,
        context.schema,
        context.catalogue.sources,
        {table: context.columns[table] for table in context.tables},
        frozenset(whole),
        context.options.max_quarantined,
        context.catalogue.keep_best,
    )
    if context.workers is None:
        yield Inline(Sender(context.connection, shared, context.listener.advance))
    else:
        with context.workers.sharing(shared, context.listener.advance) as executor:
            yield executor


def row_tasks(
    context: LoadContext,
    found: Schema,
    units: Sequence[Unit],
    executor: Executor[Sender],
    whole: Collection[str] = (),
) -> Iterator[Task[Any]]:
    """Yield what brings the tables their rows.

    Parameters
    ----------
    context : LoadContext
    found : Schema
        With all these tables.
    units : sequence of Unit
        What is loaded, in this order.
    executor : Executor
        See `sending`.
    whole : collection of str
        Tables that are one batch each.
    """
    size = sum(unit.n_rows * unit.row_bytes for unit in units)
    context.listener.begin(sum(unit.n_rows for unit in units), size)
    # A table that has its foreign keys wants the rows they refer to first.
    in_order = bool(post_data.foreign_keys(context.defined, found, context.tables))
    before: dict[str, object] = {}
    for batch in make_batches(units, context.at_once, whole, context.options.limits):
        table = batch[0].table
        after = [group for other, group in before.items() if in_order and other != table]
        before[table] = post_data.rows_of(table)
        yield Task(post_data.rows_of(table), partial(_send, executor, batch), after, loads=True)


def end_of_rows(context: LoadContext) -> Iterator[Task[Any]]:
    """Yield what gives back the memory of other processes, as soon as all rows are sent."""
    if context.workers is not None:
        rows = [post_data.rows_of(table) for table in context.tables]
        yield Task(END_OF_ROWS, context.workers.release, rows)


def _send(executor: Executor[Sender], batch: Sequence[Unit]) -> list[UnitResult]:
    with concerning(batch[0].table):
        try:
            return executor.submit(send_batch, batch).result()
        except WorkerDiedError as error:
            raise DatabaseError(f"{error}: it goes on where this one stopped") from error
