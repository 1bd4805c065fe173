"""What failed last, and why: entries of the ledger without rows, until it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

import specprod_copy
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.plan.ledger import TABLE
from specprod_copy.postgres import counted
from specprod_copy.postgres.connection import one_line
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.patience import attempt
from specprod_copy.words import escaped

_SECONDS_TO_WAIT = 5.0
"""For the lock of the ledger."""


@dataclass(frozen=True)
class Failure:
    """What the last attempt could not load; what was loaded before is as it was."""

    table: str
    stage: str
    entry: str
    """The tile, or the stage and, if several loaders shared it, whose part of it."""
    why: str
    at: datetime | None = None
    """None for one that is about to be recorded."""


def failures(connection: psycopg.Connection, schema: str) -> list[Failure]:
    """Return what failed last, by table and entry."""
    query = sql.SQL(
        """SELECT table_name, stage, entry, failure, loaded_at FROM {}
           WHERE failure IS NOT NULL ORDER BY table_name, length(entry), entry"""
    ).format(sql.Identifier(schema, TABLE))
    return [Failure(*row) for row in connection.execute(query)]


def replace_failures(
    connection: psycopg.Connection,
    schema: str,
    now: Iterable[Failure],
    condition: str,
    values: Sequence[object],
) -> None:
    """Write what failed now, instead of what earlier attempts said.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    now : iterable of Failure
    condition : str
        Entries of the ledger that were attempted, with a placeholder for each of the values.
    values : sequence
    """
    query = sql.SQL(
        """INSERT INTO {} (table_name, stage, entry, first_row, last_row, inputs, tables, rows_read,
                           rows_kept, values_changed, bytes_sent, seconds, failure, loaded_by)
           VALUES (%s, %s, %s, -1, -1, '[]', '{{}}', 0, 0, 0, 0, 0, %s, %s)"""
    ).format(parametrized(schema, TABLE))
    by = f"specprod-copy {specprod_copy.__version__}"
    with connection.transaction(), connection.cursor() as cursor:
        attempted = f"failure IS NOT NULL AND {condition}"
        counted.delete(connection, schema, TABLE, attempted, values)
        for one in now:
            cursor.execute(query, (one.table, one.stage, one.entry, escaped(one.why), by))


def try_to_write(connection: psycopg.Connection, write: Callable[[], None]) -> str:
    """Write what failed, unless something is in the way: how the work ended matters more.

    Parameters
    ----------
    connection : psycopg.Connection
    write : callable
        Calls `replace_failures`.

    Returns
    -------
    str
        What was in the way, empty if nothing was.
    """
    try:
        attempt(connection, write, _SECONDS_TO_WAIT)
    except (SpecprodCopyError, psycopg.Error) as error:
        return one_line(error)
    return ""
