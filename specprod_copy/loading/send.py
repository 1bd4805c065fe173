"""Send batches of units, each in a transaction: what a worker of a load knows, has, and does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from specprod_copy.loading import copying
from specprod_copy.loading.late_rows import LateRows
from specprod_copy.plan import claims, ledger
from specprod_copy.plan.ledger import Ledger
from specprod_copy.postgres import catalog
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, open_to_others
from specprod_copy.postgres.patience import attempt
from specprod_copy.rows.units import Intake, Unit, UnitResult
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
    whole: frozenset[str] = frozenset()
    """Tables that are new, and one batch each."""
    max_quarantined: int | None = None
    """Rows that cannot be loaded go into quarantine, up to so many in the schema; without it a
    single one is an error."""
    keep_best: frozenset[str] = frozenset()
    """Tables whose best row of a key is to be kept (`Catalogue.keep_best`)."""

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
    _open: dict[str, bool] = field(default_factory=dict)

    def keep_foreign_code_out(self, table: str) -> None:
        """Let nobody add functions of theirs to a table and the ledger until the transaction ends.

        Whether others may alter them is asked once: that takes as long as to send a small batch.
        """
        where, tables = (self.connection, self.context.schema), (table, ledger.TABLE)
        if table not in self._open:
            self._open[table] = bool(open_to_others(*where, tables))
        if self._open[table]:
            keep_foreign_code_out(*where, tables)


def send_batch(sender: Sender, batch: Sequence[Unit]) -> list[UnitResult]:
    """Load a batch: all of it, or nothing.

    Raises
    ------
    InputError, DatabaseError
        If a file or the server refuses.
    """
    results = load_units(sender, batch)
    # Row selections may be long and are not needed any more.
    return [replace(result, unit=replace(result.unit, rows=None)) for result in results]


def load_units(sender: Sender, units: Sequence[Unit]) -> list[UnitResult]:
    """Load units of one table with their ledger rows in one transaction: all of them, or none.

    What somebody else has loaded meanwhile stays, and is reported as loaded.

    The rows of all units of a new table need no log where the server's wal_level is minimal, and no
    later reader has to mark them as committed; but nobody can read the table meanwhile.

    Where a table has its key already, a key that comes twice is an error even with a quarantine if
    the best row is to be kept, for that may be another than the one that is loaded.
    """
    context, connection, table = sender.context, sender.connection, units[0].table
    schema = context.schema
    alone = connection.info.transaction_status == TransactionStatus.IDLE
    with translated_errors(f"cannot load {schema}.{table}"), connection.transaction():
        if alone:  # else it was done when the tables were made, in the same transaction
            sender.keep_foreign_code_out(table)
        mine, others = claims.claim(connection, schema, units)
        if not mine:
            return others
        intake = Intake(mine, context.sources, context.columns[table])
        quarantine, keep_best = context.max_quarantined is not None, table in context.keep_best
        try:
            with connection.transaction():
                # A table is filled as frozen by the subtransaction itself that has truncated it.
                freeze = table in context.whole and _made_anew(connection, schema, table)
                destination = ServerTable(connection, schema, table, freeze)
                results = copying.copy_units(
                    destination, intake, sender.advance, quarantine=quarantine
                )
        except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation) as error:
            # The table has its keys already.
            late = LateRows(connection, schema, intake, keep_best)
            double = isinstance(error, psycopg.errors.UniqueViolation)
            if not quarantine or (keep_best and double):
                raise late.error(error) from error
            results = late.load_others(sender.advance)
        claims.settle(connection, schema, results)
        if context.max_quarantined is not None and any(result.quarantine for result in results):
            Ledger(connection, schema).limit_quarantine(context.max_quarantined)
    return [*others, *results]


def _made_anew(connection: psycopg.Connection, schema: str, table: str) -> bool:
    """Make a table anew in this transaction if it is empty and nobody uses it; say whether so."""
    name = sql.Identifier(schema, table)
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name)
    try:
        attempt(connection, partial(connection.execute, lock))
    except psycopg.errors.LockNotAvailable:
        return False  # To wait until nobody looks at the empty table would cost more than it saves.
    # Another loader may have been here since this one has planned.
    if catalog.has_rows(connection, schema, table):
        return False
    connection.execute(sql.SQL("TRUNCATE {}").format(name))
    return True
