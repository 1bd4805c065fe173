"""The cost model: what a million rows of each table take, and what DR1 would take.

The model is arithmetic on purpose. For each table, by one process each and measured here,

    rows  s  specprod-copy, FITS to committed rows, without start
    keys  s  keys, indexes and foreign keys, one statement after the other

are multiplied by the rows of DR1. Index builds grow as n log n; ANALYZE does not grow, its sample
has a fixed size. `Node` says how many work at a
time, how well (measured here, assumed for machines that we do not have), and how fast it writes;
whichever is slower decides.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DR1 = tomllib.loads(Path(__file__).with_name("dr1.toml").read_text("utf-8"))
"""Table to its rows in DR1, and how they are known."""


@dataclass(frozen=True)
class Cost:
    """What one table takes.

    Parameters
    ----------
    rows : int
        Rows that were measured.
    copy, load, keys, longest, analyze : float
        Seconds of the limit's COPY; of specprod-copy with one job; of all keys and indexes in
        series; of the longest of these; of ANALYZE.
    orm : float
        Seconds of the ORM, scaled to `rows`; 0 if it was not measured.
    file_bytes, copy_bytes, heap_bytes, index_bytes : int
        Bytes read (before unpacking), sent, in the table, in its indexes.
    """

    rows: int
    copy: float
    load: float
    keys: float
    longest: float
    analyze: float
    orm: float
    file_bytes: int
    copy_bytes: int
    heap_bytes: int
    index_bytes: int

    def per_million(self, value: float) -> float:
        """Return a value per million rows."""
        return value * 1e6 / self.rows

    def scaled(self, value: float, rows: int) -> float:
        """Return what grows with the rows."""
        return value * rows / self.rows

    def sorted(self, value: float, rows: int) -> float:
        """Return what grows as n log n."""
        return self.scaled(value, rows) * math.log(rows) / math.log(self.rows)


@dataclass(frozen=True)
class Node:
    """A machine with loader and server.

    Parameters
    ----------
    name : str
    jobs : int
        Processes that load, and statements that run at a time.
    rows_gain, keys_gain : float
        How many times faster than one process they load rows, and make keys and indexes.
    bytes_per_second : float
        How fast it writes tables and indexes; each byte of a table once more to the log.
    """

    name: str
    jobs: int
    rows_gain: float
    keys_gain: float
    bytes_per_second: float = math.inf


NODE_128 = Node("128 cores", jobs=64, rows_gain=64 * 0.5, keys_gain=16, bytes_per_second=2e9)
"""Assumed: 64 loaders, each with a core for itself and one for its server process, at half the
speed of one alone (they extend the same table); 16 statements' worth of index builds at a time
(memory and disk for sorting); writing at 2 GB/s."""


@dataclass(frozen=True)
class Estimate:
    """Seconds for rows, for keys and indexes, and for what the reference loader does."""

    rows: float
    keys: float
    reference: float

    @property
    def total(self) -> float:
        """Seconds from FITS to ready."""
        return self.rows + self.keys


def estimate(costs: Mapping[str, Cost], node: Node) -> Estimate:
    """Return what all of DR1 takes on a machine.

    The reference loader is one process whatever the machine.
    """
    rows = keys = longest = reference = written = indexed = 0.0
    for table, cost in costs.items():
        n = DR1[table]["rows"]
        rows += cost.scaled(cost.load, n)
        keys += cost.sorted(cost.keys, n) + cost.analyze
        longest = max(longest, cost.sorted(cost.longest, n))
        reference += cost.scaled(cost.orm, n)
        written += 2 * cost.scaled(cost.heap_bytes, n)
        indexed += cost.scaled(cost.index_bytes, n)
    return Estimate(
        max(rows / node.rows_gain, written / node.bytes_per_second),
        max(keys / node.keys_gain, longest, indexed / node.bytes_per_second),
        reference,
    )
