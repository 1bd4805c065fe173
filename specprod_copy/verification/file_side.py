"""The rows of the files, as the table should have them: the very way that loading goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.rows.units import Findings
from specprod_copy.verification.fingerprint import Tally, key_hashes, parts_of
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.slices import Inside, Slice, UnitSlice


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
    """

    frame: pl.DataFrame
    ranks: np.ndarray

    @classmethod
    def of_nothing(cls, job: TableJob) -> DrawnRows:
        """Return a sample without rows."""
        return cls(job.no_located_rows, np.zeros(0, dtype=np.uint64))

    def offer(self, frame: pl.DataFrame, ranks: np.ndarray, size: int) -> None:
        """Take those rows that are among the first `size` by rank."""
        if len(self.ranks) == size:
            better = ranks < (self.ranks[-1] if size else 0)
            frame, ranks = frame.filter(better), ranks[better]
        both = np.concatenate([self.ranks, ranks])
        order = np.argsort(both, kind="stable")[:size]
        self.frame, self.ranks = pl.concat([self.frame, frame])[order], both[order]


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
        self.sample.offer(other.sample.frame, other.sample.ranks, job.sample)
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
        scan.sample.offer(chunk.located(), ranks, job.sample)
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
