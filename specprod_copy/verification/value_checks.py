"""What the counts of both sides say about rows and columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from specprod_copy.desi.id_parts import fields_of
from specprod_copy.verification.compare import Differences, counted, listing
from specprod_copy.verification.database_side import TableScan
from specprod_copy.verification.fingerprint import Tally
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.results import Result

_NAMES = 5
"""How many columns a message names."""


def same_rows(job: TableJob, files: Tally, table: Tally) -> bool:
    """Say whether files and table have the same keys, each as often."""
    keys = [job.names.index(name) for name in job.key]
    return files.rows == table.rows and bool((files.sums[keys] == table.sums[keys]).all())


def differing_columns(job: TableJob, files: Tally, table: Tally) -> list[str]:
    """Return the columns with other fingerprints."""
    return [job.names[number] for number in np.flatnonzero(files.sums != table.sums)]


def check_rows(job: TableJob, files: Tally, table: Tally, found: Differences) -> Result:
    """Return whether every row of the files is in the table once, and no other.

    Parameters
    ----------
    job : TableJob
    files, table : Tally
        Of either side.
    found : Differences
        What comparing rows has shown.
    """
    if same_rows(job, files, table):
        return Result(True, "rows", job.table, f"{counted(files.rows, 'row')}, keys equal")
    detail = f"{counted(files.rows, 'row')} of files, {table.rows:,} in the table"
    rest = "" if found.complete else f"; among {counted(found.compared, 'row')} that were compared"
    return Result(False, "rows", job.table, f"{detail}{rest}: {'; '.join(found.rows)}")


def check_values(job: TableJob, files: Tally, table: Tally, found: Differences) -> Iterator[Result]:
    """Yield for each column whether its values are the same.

    Parameters
    ----------
    job, files, table, found
        As for `check_rows`.
    """
    differing = differing_columns(job, files, table)
    # Rows that only one side has change every fingerprint, and say nothing of the other rows.
    explained = found.complete and not same_rows(job, files, table)
    unexplained = []
    for name, fingerprint in zip(job.names, table.sums, strict=True):
        if name in found.columns:
            among = "" if found.complete else f"; among {counted(found.compared, 'row')} compared"
            yield Result(False, "values", job.table, f"{name}: {found.columns[name]}{among}")
        elif name not in differing:
            yield Result(True, "values", job.table, f"{name}: {fingerprint:016x}")
        elif explained:
            yield Result(True, "values", job.table, f"{name}: equal in the rows that both have")
        else:
            unexplained.append(name)
    if unexplained:
        more = f" and {len(unexplained) - _NAMES} more" if len(unexplained) > _NAMES else ""
        detail = (
            f"{', '.join(unexplained[:_NAMES])}{more}: other fingerprints, but no other values in "
            f"the {counted(found.compared, 'row')} that were compared one by one"
        )
        yield Result(False, "values", job.table, detail)


def check_nulls(job: TableJob, files: Tally, table: Tally) -> Result:
    """Return whether there are NULLs where they may be, as many as in the files."""
    never = np.array([name not in job.nullable for name in job.names], dtype=bool)
    wrong = _unequal(job, files.nulls, table.nulls, never)
    number, columns = int(table.nulls.sum()), int(np.count_nonzero(table.nulls))
    there = f"{number:,} in {counted(columns, 'column')} that may have some"
    fine = there if number else f"none in {len(job.columns)} columns"
    detail = listing(len(wrong), wrong[:_NAMES]) or fine
    return Result(not wrong, "nulls", job.table, detail)


def check_not_finite(job: TableJob, files: Tally, table: Tally) -> Result:
    """Return whether -9999 is as frequent in both."""
    wrong = _unequal(job, files.not_finite, table.not_finite)
    columns = counted(int(np.count_nonzero(table.not_finite)), "column")
    number = counted(int(table.not_finite.sum()), "value")
    detail = listing(len(wrong), wrong[:_NAMES]) or f"{number} -9999 in {columns}"
    return Result(not wrong, "not-finite", job.table, detail)


def _unequal(
    job: TableJob, files: np.ndarray, table: np.ndarray, never: np.ndarray | bool = False
) -> list[str]:
    """Say which columns have other numbers, or any at all where there are `never` some."""
    wrong = (files != table) | (never & (table > 0))
    return [
        f"{job.names[n]}: {files[n]:,} in the files, {table[n]:,} in the table"
        for n in np.flatnonzero(wrong)
    ]


def check_ids(job: TableJob, scan: TableScan) -> Iterator[Result]:
    """Yield for each id whether it decodes to the other columns of its row."""
    for column, number in scan.undecodable.items():
        parts = ", ".join(fields_of(job.decoders[column]))
        detail = f"{column} to {parts}"
        if number:
            listed = listing(number, sorted(scan.examples[column])[:3])
            detail += f": {counted(number, 'row')} with other values: {listed}"
        yield Result(number == 0, "id-parts", job.table, detail)
