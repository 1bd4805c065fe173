"""Rows in quarantine, put to the test again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import psycopg
from psycopg import sql

from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Table
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.units import Findings, Refusal, Unit
from specprod_copy.tables.source import blamed
from specprod_copy.verification.compare import EXAMPLES, counted, listing
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.planning import TablePlan
from specprod_copy.verification.results import Result


def check_quarantine(connection: psycopg.Connection, plan: TablePlan) -> Result:
    """Return whether all rows that are in quarantine belong there.

    That no other row belongs there shows when the files are read.
    """
    job = plan.job
    names = {column.name for column in plan.defined.columns}
    columns = [column for column in plan.found.columns if column.name in names]
    number, wrong = 0, []
    for unit in plan.files:
        entry = plan.entries.get(unit.place)
        if entry is None or not entry.refused:
            continue
        number += len(entry.refused)
        own = replace(unit, rows=np.array([refusal.row for refusal in entry.refused]))
        try:
            found = _acquitted(connection, job, plan.defined, columns, own, entry.refused)
            wrong += [f"{unit.file}[{unit.hdu}] row {row}" for row in found]
        except InputError as error:
            return Result(False, "quarantine", job.table, str(error))
    if wrong:
        listed = listing(len(wrong), wrong[:EXAMPLES])
        detail = f"not refused again, or for another reason: {listed}"
        return Result(False, "quarantine", job.table, detail)
    detail = f"{counted(number, 'row')}, refused again" if number else "no rows"
    return Result(True, "quarantine", job.table, detail)


def _acquitted(
    connection: psycopg.Connection,
    job: TableJob,
    defined: Table,
    columns: Sequence[Column],
    unit: Unit,
    refused: Sequence[Refusal],
) -> Iterator[int]:
    """Yield the rows of a file that could be loaded, or are refused for another reason."""
    again: list[Refusal] = []
    fine = [
        (int(number), row)
        for rows in table_rows(unit, job.sources, columns, Findings(again, None))
        for number, row in zip(rows.row_numbers, rows.frame.iter_rows(named=True), strict=True)
    ]
    # Earlier versions called what is no column of a file as it is called inside.
    recorded = {r.row: replace(r, column=blamed(r.column.split("+"))) for r in refused}
    yield from (refusal.row for refusal in again if recorded[refusal.row] != refusal)
    for number, row in fine:
        rule = recorded[number].rule
        doubled = rule == "key" and any(
            _exists(connection, (job.schema, job.table), key.columns, [row[c] for c in key.columns])
            for key in defined.keys
        )
        orphan = rule == "reference" and any(
            not _exists(
                connection, r.place(job.schema), r.keys, [row[column] for column in r.columns]
            )
            for r in defined.references
        )
        if not (doubled or orphan):
            yield number


def _exists(
    connection: psycopg.Connection,
    table: tuple[str, str],
    columns: Sequence[str],
    values: Sequence[object],
) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} LIMIT 1").format(
        parametrized(*table),
        sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in columns),
    )
    return connection.execute(query, values).fetchone() is not None
