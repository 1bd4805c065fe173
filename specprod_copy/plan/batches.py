"""Units grouped into batches: what shares a COPY and a commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from specprod_copy.rows.units import Unit

BATCH_ROWS = 500_000
"""Most rows that share a COPY and a commit: a few seconds' work."""


WHOLE_BYTES = 1 << 31
"""Of files, that fill a table by one COPY at most: some 15 s of work, which a kill would lose."""


_BATCHES_PER_JOB = 4
"""A job that ends early waits for the others, at the end: less long with many batches."""


def single_copy_tables(units: Sequence[Unit], new: Collection[str], jobs: int) -> frozenset[str]:
    """Return the tables that are filled by one COPY each, which spares the server work.

    They are no more than a job's share of all work: others would wait for the one that has it.

    Parameters
    ----------
    units : sequence of Unit
        All that is loaded.
    new : collection of str
        Tables that this load has made.
    jobs : int
        How many batches are loaded at a time.
    """
    size: Counter[str] = Counter()
    for unit in units:
        size[unit.table] += unit.n_rows * unit.row_bytes
    most = min(WHOLE_BYTES, size.total() // jobs)
    return frozenset(table for table in new if size[table] <= most)


def make_batches(
    units: Sequence[Unit], jobs: int = 1, whole: Collection[str] = ()
) -> Iterator[list[Unit]]:
    """Group units that share a COPY and a commit: of one table, at most about `BATCH_ROWS` rows.

    Parameters
    ----------
    units : sequence of Unit
        In the order of loading.
    jobs : int
        How many batches are loaded at a time.
    whole : collection of str
        Tables that are one batch each.

    Yields
    ------
    list of Unit
    """
    most = BATCH_ROWS
    if jobs > 1:
        most = min(most, sum(unit.n_rows for unit in units) // (jobs * _BATCHES_PER_JOB))
    for table, group in groupby(units, key=lambda unit: unit.table):
        batch: list[Unit] = []
        rows = 0
        for unit in group:
            if batch and table not in whole and rows + unit.n_rows > most:
                yield batch
                batch, rows = [], 0
            batch.append(unit)
            rows += unit.n_rows
        yield batch
