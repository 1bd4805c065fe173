"""Units grouped into batches: what shares a COPY and a commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.rows.units import Unit

_BATCHES_PER_JOB = 4
"""A job that ends early waits for the others, at the end: less long with many batches."""


def single_copy_tables(
    units: Sequence[Unit], new: Collection[str], jobs: int, limits: Limits = LIMITS
) -> frozenset[str]:
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
    limits : Limits
    """
    size: Counter[str] = Counter()
    for unit in units:
        size[unit.table] += unit.n_rows * unit.row_bytes
    most = min(limits.whole_bytes, size.total() // jobs)
    return frozenset(table for table in new if size[table] <= most)


class Rows(Protocol):
    """What can be grouped: a unit, or part of one."""

    @property
    def table(self) -> str:
        """The table that its rows go to."""

    @property
    def n_rows(self) -> int:
        """How many there are."""


R = TypeVar("R", bound=Rows)


def make_batches(
    units: Sequence[R],
    jobs: int = 1,
    whole: Collection[str] = (),
    limits: Limits = LIMITS,
) -> Iterator[list[R]]:
    """Group units that share a COPY and a commit: of one table, at most about `Limits.batch_rows`.

    Parameters
    ----------
    units : sequence of Unit or other Rows
        In the order of loading.
    jobs : int
        How many batches are loaded at a time.
    whole : collection of str
        Tables that are one batch each.
    limits : Limits

    Yields
    ------
    list
        Of some units.
    """
    most = limits.batch_rows
    if jobs > 1:
        most = min(most, sum(unit.n_rows for unit in units) // (jobs * _BATCHES_PER_JOB))
    for table, group in groupby(units, key=lambda unit: unit.table):
        batch: list[R] = []
        rows = 0
        for unit in group:
            if batch and table not in whole and rows + unit.n_rows > most:
                yield batch
                batch, rows = [], 0
            batch.append(unit)
            rows += unit.n_rows
        yield batch
