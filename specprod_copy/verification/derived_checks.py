"""Columns that were derived in the database, against the rules that they follow."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from specprod_copy.plan.procedures import Recorded
from specprod_copy.postgres import ddl
from specprod_copy.postgres.catalog import table_ids
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.names import listed, matched
from specprod_copy.tables.common import ranked_by
from specprod_copy.tables.procedures import PROCEDURES, Procedure
from specprod_copy.verification.compare import EXAMPLES, counted, listing, shown
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.results import Result

_KEY = ("targetid", "id")
"""What rules give each row."""


def check_derived(
    connection: psycopg.Connection,
    job: TableJob,
    derived: Sequence[Recorded],
    found: Sequence[Column],
) -> Iterator[Result]:
    """Yield for each derived column whether its values are those of its rule, computed again.

    Parameters
    ----------
    connection : psycopg.Connection
    job : TableJob
    derived : sequence of Recorded
        What has derived columns of the table.
    found : sequence of Column
        The columns that the table has.
    """
    for record in derived:
        if unknown := _unknown(connection, job, record):
            note = f"{', '.join(record.columns)}: derived by {record.name}, {unknown}"
            yield Result(True, "values", job.table, note, note)
        else:
            yield from _check(connection, job, record, PROCEDURES[record.name], found)


def _unknown(connection: psycopg.Connection, job: TableJob, record: Recorded) -> str:
    """Say why a rule cannot be followed; empty if it can."""
    if record.name not in PROCEDURES:
        return "which this version does not know"
    schema = record.details.get("patch_schema", job.schema)
    table = record.details.get("patch") or PROCEDURES[record.name].source or job.table
    if table in table_ids(connection, schema):
        return ""
    return f"of {schema}.{table}, which does not exist any more"


def _check(
    connection: psycopg.Connection,
    job: TableJob,
    record: Recorded,
    procedure: Procedure,
    found: Sequence[Column],
) -> Iterator[Result]:
    columns = record.columns
    names = {"schema": job.schema, "table": job.table, "rank": ranked_by(found), **record.details}
    rule = ddl.render_template(f"rules/{record.name}", **names)
    both = sql.SQL("{} AS old LEFT JOIN ({}\n) AS new ON {}").format(
        sql.Identifier(job.schema, job.table),
        sql.SQL(rule),
        # With the target: rows are in partitions, or on servers, by it.
        matched("old", _KEY, "new", _KEY),
    )
    ruled = sql.SQL("new.id IS NOT NULL")
    differs = [
        sql.SQL("({} AND old.{c} IS DISTINCT FROM new.{c})").format(ruled, c=sql.Identifier(name))
        for name in columns
    ]
    counts = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}), {} FROM {}").format(
        ruled,
        sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(one) for one in differs),
        both,
    )
    [(rows, with_values, *wrong)] = connection.execute(counts).fetchall()
    again = procedure.command.format(schema=shlex.quote(job.schema))
    since = "; rows were loaded since it was run" if record.rows_since else ""
    for name, number, condition in zip(columns, wrong, differs, strict=True):
        detail = f"{name}: by the rule of {record.name} in {counted(with_values, 'row')}"
        if number:
            query = sql.SQL("SELECT {}, new.{c}, old.{c} FROM {} WHERE {} ORDER BY {} LIMIT {}")
            key = listed(job.key, "old")
            rows_found = connection.execute(
                query.format(key, both, condition, key, EXAMPLES, c=sql.Identifier(name))
            )
            examples = [
                f"{_named(job, values)}: {record.name} {shown(wanted)}, table {shown(got)}"
                for *values, wanted, got in rows_found
            ]
            detail = (
                f"{name}: {counted(number, 'value')} not by the rule of {record.name}: "
                f"{listing(number, examples)}{since}; mended by {again}"
            )
        yield Result(number == 0, "values", job.table, detail)
    if without := rows - with_values:
        described = ", ".join(columns)
        detail = (
            f"{described}: {counted(without, 'row')} without values by the rule of {record.name}"
        )
        passed = not procedure.complete
        yield Result(passed, "values", job.table, detail, detail if passed else "")


def _named(job: TableJob, values: Sequence[object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(job.key, values, strict=True))
