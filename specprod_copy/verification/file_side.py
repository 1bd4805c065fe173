"""The rows of the files, as the table should have them: the very way that loading goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.postgres.encoder import Encoder
from specprod_copy.rows.units import Findings
from specprod_copy.verification.fingerprint import Tally, key_hashes, parts_of
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.slices import Inside, Slice, UnitSlice

SAMPLE_BYTES = 1 << 26
"""Of rows that are drawn, if these are fewer than are asked for."""

LAST = 2**64 - 1
"""The last hash that there may be."""


@dataclass
class DrawnRows:
    """Rows drawn at random: those whose keys have the smallest hashes.

    So the choice depends on seed and keys alone, not on the order or the splitting of the work.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows with `FILE` and `ROW`.
    ranks : numpy.ndarray of uint64, shape (frame.height,)
        The hashes, ascending.
    sizes : numpy.ndarray of int64, shape (frame.height,)
        The sizes of the rows [byte].
    end : int
        The first hash of a row that was left out; `LAST` if none was.
    """

    frame: pl.DataFrame
    ranks: np.ndarray
    sizes: np.ndarray
    end: int = LAST

    @classmethod
    def of_nothing(cls, job: TableJob) -> DrawnRows:
        """Return a sample without rows."""
        return cls(job.no_located_rows, np.zeros(0, np.uint64), np.zeros(0, np.int64))

    def offer(self, frame: pl.DataFrame, ranks: np.ndarray, job: TableJob) -> None:
        """Take those rows that are among the first by rank."""
        better = np.flatnonzero(ranks <= self.end)
        if len(better):
            # One more than there may be: it is the first that is left out.
            first = better[np.argsort(ranks[better], kind="stable")][: job.sample + 1]
            rows = frame[first]
            sizes = Encoder(job.columns).row_sizes(rows)
            self.add(DrawnRows(rows, ranks[first], sizes), job.sample)

    def add(self, other: DrawnRows, most: int) -> None:
        """Take the first rows of both by rank: up to `most`, and up to `SAMPLE_BYTES`."""
        ranks = np.concatenate([self.ranks, other.ranks])
        sizes = np.concatenate([self.sizes, other.sizes])
        order = np.argsort(ranks, kind="stable")
        end = min(self.end, other.end)
        room = np.count_nonzero(np.cumsum(sizes[order]) <= SAMPLE_BYTES)
        n = min(most, int(room), int(np.count_nonzero(ranks <= end)))
        self.end = min([end, *ranks[order[n : n + 1]].tolist()])
        order = order[:n]
        self.frame = pl.concat([self.frame, other.frame])[order]
        self.ranks, self.sizes = ranks[order], sizes[order]


@dataclass
class FileScan:
    """What was found in files of one table.

    Parameters
    ----------
    tally : Tally
    sample : DrawnRows
    read, kept, changed : Counter
        (file, HDU) to rows read, rows kept by the row filter, and values that were not finite.
    digests : dict of (str, str, int, int or None) to str
        (file, HDU, first row, last row) to the digest of these rows, see `Part.digested`.
    errors : dict of (str, str) to str
        (file, HDU) to why it could not be read.
    """

    tally: Tally
    sample: DrawnRows
    read: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    digests: dict[tuple[str, str, int, int | None], str] = field(default_factory=dict)
    errors: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of_nothing(cls, job: TableJob) -> FileScan:
        """Return what is found in no files."""
        return cls(Tally.of_nothing(len(job.columns)), DrawnRows.of_nothing(job))

    def add(self, other: FileScan, job: TableJob) -> None:
        """Count what another scan has found in."""
        self.tally.add(other.tally)
        self.sample.add(other.sample, job.sample)
        self.read.update(other.read)
        self.kept.update(other.kept)
        self.changed.update(other.changed)
        self.digests |= other.digests
        self.errors |= other.errors


def scan_files(job: TableJob, slices: Sequence[Slice], inside: Inside) -> FileScan:
    """Count the rows of slices, and draw a sample.

    Parameters
    ----------
    job : TableJob
    slices : sequence of Slice
        All of the job's table.
    inside : Inside

    Returns
    -------
    FileScan
        Without the rows of those that cannot be read.
    """
    scan = FileScan.of_nothing(job)
    for one in slices:
        try:
            scan.add(_scan(job, one, inside), job)
        except InputError as error:
            scan.errors[one.place] = str(error)
    return scan


def _scan(job: TableJob, one: Slice, inside: Inside) -> FileScan:
    scan, name, found = FileScan.of_nothing(job), one.place, Findings()
    for chunk in one.read(job, inside, found):
        rows = chunk.rows
        scan.tally.count(rows.frame, key_hashes(rows.frame, job.key))
        ranks = key_hashes(rows.frame, job.key, seed=job.seed + 1)
        scan.sample.offer(chunk.located(), ranks, job)
        scan.read[name] += rows.rows_read
        scan.kept[name] += rows.frame.height
        scan.changed[name] += rows.values_changed
    if isinstance(one, UnitSlice):
        unit = one.unit
        for part, digest in zip(unit.parts, found.digests or (), strict=True):
            scan.digests[part.file, part.hdu, *part.digested(unit.first, unit.last)] = digest
    return scan


def collect_files(
    job: TableJob, wanted: np.ndarray, slices: Sequence[Slice], inside: Inside
) -> pl.DataFrame:
    """Return the rows of slices that lie in some parts of the table, with `FILE` and `ROW`.

    Parameters
    ----------
    job : TableJob
    wanted : numpy.ndarray of bool, shape (fingerprint.PARTS,)
        Which parts of the table.
    slices : sequence of Slice
    inside : Inside

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    return pl.concat([job.no_located_rows, *_rows_of_parts(job, wanted, slices, inside)])


def _rows_of_parts(
    job: TableJob, wanted: np.ndarray, slices: Sequence[Slice], inside: Inside
) -> Iterator[pl.DataFrame]:
    for one in slices:
        for chunk in one.read(job, inside, Findings(digests=None)):
            chosen = wanted[parts_of(key_hashes(chunk.rows.frame, job.key))]
            if chosen.any():
                yield chunk.located().filter(chosen)
