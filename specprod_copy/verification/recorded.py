"""What the ledger says of the tables that are verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from specprod_copy.plan import ledger
from specprod_copy.plan.ledger import Ledger, LoadedRange
from specprod_copy.plan.lost_tables import lost_tables
from specprod_copy.postgres.names import parametrized
from specprod_copy.rows.units import Refusal
from specprod_copy.tables import Catalogue
from specprod_copy.verification.results import Result


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a file.

    Parameters
    ----------
    stage : str
    read, kept, changed : int
        Rows read and kept, values that were not finite.
    sent : int
        Bytes that were sent to the server.
    ranges : sequence of LoadedRange
        Rows that are loaded, in order, and what they were made of.
    refused : list of Refusal
        Rows that were read and are in quarantine.
    """

    stage: str
    read: int
    kept: int
    changed: int
    sent: int
    ranges: Sequence[LoadedRange]
    refused: list[Refusal]


def ledger_entries(
    connection: psycopg.Connection, schema: str, table: str
) -> dict[tuple[str, str], Entry]:
    """Return what the ledger says of each file and HDU of a table."""
    query = sql.SQL(
        """SELECT inputs -> 0 ->> 'file' AS file, inputs -> 0 ->> 'hdu' AS hdu, min(stage),
                  sum(rows_read)::bigint, sum(rows_kept)::bigint,
                  sum(values_changed)::bigint, sum(bytes_sent)::bigint
           FROM {} WHERE table_name = %s AND stage <> ALL(%s) AND failure IS NULL
           GROUP BY file, hdu ORDER BY file, hdu"""
    ).format(parametrized(schema, ledger.TABLE))
    recorded = Ledger(connection, schema)
    loaded = {
        key: value
        for stage in recorded.stages(table)
        for key, value in recorded.loaded(table, stage).items()
    }
    refused = {
        key: value
        for stage in recorded.stages(table)
        for key, value in recorded.quarantine(table, stage).items()
    }
    entries = {}
    for file, hdu, stage, read, kept, changed, sent in connection.execute(
        query, (table, ledger.NO_STAGES)
    ):
        ranges = loaded[file, hdu]
        rows = refused.get((file, hdu), [])
        entries[file, hdu] = Entry(stage, read, kept, changed, sent, ranges, rows)
    return entries


def absent_tables(
    connection: psycopg.Connection, schema: str, catalogue: Catalogue, tables: Sequence[str]
) -> list[Result]:
    """Return the results for tables that do not exist."""
    lost = {one.table: str(one) for one in lost_tables(connection, schema, tables)}
    stages = {t: dict.fromkeys(s.stage for s in catalogue.of_table(t)) for t in tables}
    never = {t: f"the table does not exist; load stage {' and '.join(stages[t])}" for t in tables}
    return [Result(False, "table-rows", table, lost.get(table, never[table])) for table in tables]
