"""Rows drawn at random, fetched one way more: by their primary key, as values of the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.rows import dict_row
from psycopg.types.datetime import TimestamptzBinaryLoader

from specprod_copy.postgres.names import among, parametrized
from specprod_copy.rows.keyed import as_key
from specprod_copy.verification.compare import EXAMPLES, both, counted, listing, place, same
from specprod_copy.verification.file_side import LAST, SAMPLE_BYTES, DrawnRows
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.results import Result

_KEYS = 1000
_BYTES = 1 << 22
"""Rows that are fetched at a time, and about how many bytes of them: values of Python take more."""


def check_sample(connection: psycopg.Connection, job: TableJob, drawn: DrawnRows) -> Result:
    """Compare rows of the files with those that the server has under their keys.

    Parameters
    ----------
    connection : psycopg.Connection
    job : TableJob
    drawn : DrawnRows
    """
    wrong: list[str] = []
    for expected in _slices(drawn):
        found = _fetch(connection, job, expected.select(job.key).rows())
        for row in expected.iter_rows(named=True):
            problem = _problem(job, row, found.get(_key(job, row), []))
            if problem:
                wrong.append(f"{place(job.key, row)}: {problem}")
    number, columns = counted(drawn.frame.height, "row"), counted(len(job.columns), "column")
    note = ""
    if drawn.end < LAST and drawn.frame.height < job.sample:
        limit = f"{SAMPLE_BYTES >> 20} MiB"
        note = f"sample: {number} instead of {job.sample:,}, because more would take over {limit}"
    if wrong:
        detail = f"{len(wrong):,} of {number} differ: {listing(len(wrong), wrong[:EXAMPLES])}"
        return Result(False, "sample", job.table, detail, note)
    return Result(True, "sample", job.table, f"{number} of {columns}, seed {job.seed}", note)


def _slices(drawn: DrawnRows) -> Iterator[pl.DataFrame]:
    n = drawn.frame.height
    cuts = np.diff(np.cumsum(drawn.sizes) // _BYTES) + np.diff(np.arange(n) // _KEYS)
    for start, end in pairwise(dict.fromkeys([0, *(np.flatnonzero(cuts) + 1).tolist(), n])):
        yield drawn.frame[start:end]


class _Moments(TimestamptzBinaryLoader):
    """Moments; where Python has none so early or late, the text that says so."""

    def load(self, data: Buffer) -> object:  # type: ignore[override]
        try:
            return super().load(data)
        except psycopg.DataError as error:
            return str(error)


def _key(job: TableJob, row: Mapping[str, object]) -> tuple[object, ...]:
    return as_key(row[name] for name in job.key)


def _fetch(
    connection: psycopg.Connection, job: TableJob, keys: Sequence[tuple[object, ...]]
) -> dict[tuple[object, ...], list[Mapping[str, object]]]:
    """Return the rows of some keys; binary, because the text of a REAL is parsed as a double."""
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(map(parametrized, job.names)),
        parametrized(job.schema, job.table),
        among(job.key_columns),
    )
    found: dict[tuple[object, ...], list[Mapping[str, object]]] = {}
    with connection.cursor(row_factory=dict_row, binary=True) as cursor:
        cursor.adapters.register_loader("timestamptz", _Moments)
        for row in cursor.execute(query, [list(values) for values in zip(*keys, strict=True)]):
            found.setdefault(_key(job, row), []).append(row)
    return found


def _problem(
    job: TableJob, expected: Mapping[str, object], found: list[Mapping[str, object]]
) -> str:
    """Say what is wrong with what was found for a row; empty if nothing is."""
    if len(found) != 1:
        return f"{counted(len(found), 'row')} with this key"
    differing = [
        f"column {name}: {both(expected[name], found[0][name])}"
        for name in job.names
        if not same(expected[name], found[0][name])
    ]
    return listing(len(differing), differing[:EXAMPLES])
