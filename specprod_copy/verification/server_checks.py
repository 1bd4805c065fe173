"""What the server alone can tell: keys, foreign keys, indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog
from specprod_copy.postgres.names import listed
from specprod_copy.postgres.schema import Index, Part, Reference, Table
from specprod_copy.postgres.schema_differences import table_differences
from specprod_copy.rows.units import Unit
from specprod_copy.verification.compare import EXAMPLES, counted, listing
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.orphans import find_orphans
from specprod_copy.verification.results import Result


def check_primary_key(connection: psycopg.Connection, job: TableJob) -> Result:
    """Return whether the values of a table's primary key are unique, with or without it."""
    name = ", ".join(job.key)
    grouped = sql.SQL("SELECT {0}, count(*) FROM {1} GROUP BY {0} HAVING count(*) > 1").format(
        listed(job.key), sql.Identifier(job.schema, job.table)
    )
    examples = sql.SQL("{} ORDER BY 1 LIMIT {}").format(grouped, EXAMPLES)
    found = [
        f"{name} {', '.join(map(str, values))} in {n:,} rows"
        for *values, n in connection.execute(examples)
    ]
    if not found:
        return Result(True, "primary-key", job.table, f"{name} is unique")
    number = _count(connection, grouped)
    detail = f"{counted(number, 'value')} of {name} not unique: {listing(number, found)}"
    return Result(False, "primary-key", job.table, detail)


def check_foreign_keys(
    connection: psycopg.Connection,
    job: TableJob,
    defined: Table,
    existing: set[str],
    elsewhere: set[str],
) -> Iterator[Result]:
    """Yield for each foreign key, made or not, whether all its values exist.

    Parameters
    ----------
    connection : psycopg.Connection
    job : TableJob
    defined : Table
        The table as it is defined.
    existing : set of str
        Tables of the schema.
    elsewhere : set of str
        Tables that are not looked at, so foreign keys to them are not, either.
    """
    for reference in defined.references:
        if reference.inside in elsewhere:
            continue
        what = _said(reference)
        if not _exists(connection, reference, existing):
            detail = f"{what}: table {reference.where} does not exist"
            yield Result(False, "foreign-key", job.table, detail)
            continue
        found = find_orphans(connection, job.schema, job.table, reference)
        shown = f": {found}" if found.number else ""
        detail = f"{what}: {counted(found.number, 'orphan')}{shown}"
        yield Result(found.number == 0, "foreign-key", job.table, detail)


def count_without_counterpart(
    connection: psycopg.Connection,
    job: TableJob,
    partial: Sequence[Reference],
    existing: set[str],
    files: Sequence[Unit],
) -> Iterator[Result]:
    """Yield for each reference to rows that may be missing how many are, and where; no failure.

    Parameters
    ----------
    connection, job, existing
        As for `check_foreign_keys`.
    partial : sequence of Reference
    files : sequence of Unit
        All that the table is made of.
    """
    for reference in partial:
        if not _exists(connection, reference, existing):
            continue
        found = find_orphans(connection, job.schema, job.table, reference)
        detail = (
            f"{_said(reference)}: {counted(found.number, 'row')} without, which is as it should be"
        )
        if found.number:
            detail += f": {found.with_places(files, job.sources, job.columns)}"
        yield Result(True, "reference", job.table, detail)


def _said(reference: Reference) -> str:
    """Say what refers to what."""
    return f"{', '.join(reference.columns)} in {reference.where}.{', '.join(reference.keys)}"


def check_finish(
    connection: psycopg.Connection,
    defined: Table,
    found: Table,
    waiting: Sequence[str],
    elsewhere: set[str],
) -> Result:
    """Return whether a table has its keys and indexes; those of q3c where the database has q3c.

    Parameters
    ----------
    connection : psycopg.Connection
    defined, found : Table
    waiting : sequence of str
        Stages that are still to be loaded before the table gets them.
    elsewhere : set of str
        As for `check_foreign_keys`.
    """
    q3c = catalog.q3c_version(connection, installed=True) is not None
    wanted = [
        part
        for part in defined.parts
        if not (isinstance(part, Reference) and part.inside in elsewhere)
        if q3c or not (isinstance(part, Index) and part.needs_q3c)
    ]
    names = dict.fromkeys(part.name for part in wanted)
    lacking = [
        difference
        for difference in table_differences(defined, found)
        if isinstance(difference.wanted, Part) and difference.name in names
    ]
    missing = dict.fromkeys(d.name for d in lacking if d.found is None or d.is_half_made)
    others = [str(d) for d in lacking if d.name not in missing]
    detail = f"{len(names)} keys and indexes"
    if others:
        detail = f"{', '.join(others)}; drop what is wrong, and load the stage again"
    elif missing and waiting:
        detail = f"keys and indexes wait for stage {' and '.join(waiting)}"
    elif missing:
        detail = f"missing: {', '.join(missing)}; load the stage again to make them"
    note = "" if q3c else "; this database has no q3c"
    return Result(
        not others and (not missing or bool(waiting)), "finish", found.name, detail + note
    )


def _exists(connection: psycopg.Connection, reference: Reference, existing: set[str]) -> bool:
    if reference.inside:
        return reference.table in existing
    return reference.table in catalog.table_ids(connection, reference.schema)


def _count(connection: psycopg.Connection, query: sql.Composed) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM ({}) q").format(query)).fetchone()
    if row is None:
        raise DatabaseError("the server gave no number of rows")
    return int(row[0])
