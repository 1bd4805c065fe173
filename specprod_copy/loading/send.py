"""Send batches of units: what each worker of a load knows, has, and does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import psycopg

from specprod_copy.loading import copying
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.rows.units import Unit, UnitResult
from specprod_copy.tables import TableSource


@dataclass(frozen=True)
class SendContext:
    """What all batches of a load share."""

    conninfo: str
    schema: str
    sources: Mapping[str, TableSource]
    """By name."""
    columns: Mapping[str, Sequence[Column]]
    """Columns of each table."""
    whole: frozenset[str]
    """Tables that are one batch each."""
    max_quarantined: int | None
    """See `copying.load_units`."""
    keep_best: frozenset[str] = frozenset()
    """Tables whose best row of a key is kept."""

    @contextmanager
    def opened(self, advance: copying.Advance) -> Iterator[Sender]:
        """Connect, for all batches of a worker."""
        with closing(connect(self.conninfo)) as connection:
            yield Sender(connection, self, advance)


@dataclass(frozen=True)
class Sender:
    """What a worker sends batches with."""

    connection: psycopg.Connection
    context: SendContext
    advance: copying.Advance


def send_batch(sender: Sender, batch: Sequence[Unit]) -> list[UnitResult]:
    """Load a batch: all of it, or nothing.

    Raises
    ------
    InputError, DatabaseError
        If a file or the server refuses.
    """
    context, table = sender.context, batch[0].table
    results = copying.load_units(
        sender.connection,
        context.schema,
        batch,
        context.sources,
        context.columns[table],
        sender.advance,
        whole=table in context.whole,
        max_quarantined=context.max_quarantined,
        keep_best=table in context.keep_best,
    )
    # Row selections may be long and are not needed any more.
    return [replace(result, unit=replace(result.unit, rows=None)) for result in results]
