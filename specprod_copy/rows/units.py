"""Units: ranges of rows of one HDU on their way to one table, and what became of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np

from specprod_copy.postgres.columns import Column
from specprod_copy.reader.look import Stamp
from specprod_copy.tables import TableSource


@dataclass(frozen=True)
class Input:
    """What rows were made of, as far as the ledger knows."""

    file: str  # its name in the ledger
    hdu: str  # empty for a whole file
    stamp: Stamp  # of the file when it was read
    # Of the HDU's header and the rows, or of the file (see `specprod_copy.reader.content`); None if
    # an earlier version has loaded them, whose digests did not stand for all of that.
    digest: str | None


class Change(Enum):
    """What became of an input since it was loaded."""

    NONE = auto()
    CONTENT = auto()
    UNKNOWN = auto()
    """The file has another stamp, and there is no digest to compare."""


def change_since(
    before: Input, now: Stamp, digest: Callable[[], str], *, check_content: bool
) -> tuple[Change, Input]:
    """Say whether an input changed since it was loaded.

    A file of the same size and time is trusted to have the same content. Of any other, what was
    loaded is read again: a file may have been copied, or got another HDU mended.

    Parameters
    ----------
    before : Input
        When it was loaded.
    now : Stamp
        Of the file, taken before it was opened.
    digest : callable
        Returns the digest of what was loaded, as it is now.
    check_content : bool
        Trust no stamp.

    Returns
    -------
    Change
    Input
        What the ledger is to say if there is no change.
    """
    same = before.stamp == now
    if same and not check_content:
        return Change.NONE, before
    if before.digest is None and not same:
        return Change.UNKNOWN, before
    after = replace(before, stamp=now, digest=digest())
    return Change.CONTENT if before.digest not in (None, after.digest) else Change.NONE, after


@dataclass(frozen=True)
class Part:
    """A table that the rows of a unit are in: one, or several that are matched row by row."""

    path: Path
    file: str  # its name in the ledger
    hdu: str  # its name, empty for text files
    stamp: Stamp  # of the file when the load was planned
    whole: bool = False  # whether any of its rows may be matched with those of the unit

    def digested(self, first: int, last: int) -> tuple[int, int | None]:
        """Return the rows whose digest stands for what rows of the unit are made of."""
        return (0, None) if self.whole else (first, last)


@dataclass(frozen=True)
class Unit:
    """Rows ``[first, last)`` of one HDU, on their way to one table."""

    source: str  # name of the `TableSource`
    table: str
    stage: str
    path: Path
    file: str  # its name in the ledger
    hdu: str  # its name, empty for text files
    first: int  # counted from 0
    last: int  # the row after the last one
    row_bytes: int  # in the file
    stamp: Stamp  # of the file when the load was planned
    packed: bool = False  # whether a row can be read only after all that stand before it
    beside: tuple[Part, ...] = ()  # what is matched with it row by row
    # The rows to load, sorted, when they are not all of the range.
    rows: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """The file and the HDU, as the ledger has them."""
        return self.file, self.hdu

    @property
    def parts(self) -> tuple[Part, ...]:
        """The table of the unit, and those that are matched with it."""
        return Part(self.path, self.file, self.hdu, self.stamp), *self.beside

    @property
    def n_rows(self) -> int:
        """Number of rows to read."""
        return self.last - self.first if self.rows is None else len(self.rows)

    def without(self, rows: Sequence[int]) -> Unit:
        """Return this unit without some rows, which may be others than its own."""
        rows = [row for row in rows if self.first <= row < self.last]
        if not rows:
            return self
        own = np.arange(self.first, self.last) if self.rows is None else self.rows
        return replace(self, rows=np.setdiff1d(own, rows, assume_unique=True))


@dataclass(frozen=True)
class Intake:
    """What a table is given."""

    units: Sequence[Unit]
    """All of the same table."""
    sources: Mapping[str, TableSource]
    """Has their sources, by name."""
    columns: Sequence[Column]
    """Columns of the table, or some of them."""

    @property
    def table(self) -> str:
        """The table."""
        return self.units[0].table


@dataclass(frozen=True)
class Refusal:
    """A row of a file that is in quarantine: it was refused, and the rest of its file loaded."""

    row: int  # its number in the HDU, counted from 0
    column: str  # the input column that is blamed, or several, joined by ``+``
    value: str  # what is in that column, as error messages show it
    reason: str  # what is wrong with it; of several reasons the first one that was found
    # ``value``: the row itself shows it. ``key``: an earlier row has the same key. ``reference``:
    # the row that it refers to does not exist.
    rule: str = "value"


@dataclass
class Findings:
    """What reading a unit finds beside the rows that can be loaded."""

    refused: list[Refusal] | None = None
    """Takes rows that cannot be loaded; without it such a row is an error."""

    digests: tuple[str, ...] | None = ()
    """Becomes the digest of the unit's rows in each part; None if that is not wanted."""


@dataclass(frozen=True)
class UnitResult:
    """What became of a unit."""

    unit: Unit
    rows_read: int
    rows_kept: int  # that passed the row filter and were loaded
    values_changed: int  # NaN and infinite values that were replaced
    bytes_sent: int  # of COPY data
    seconds: float
    digests: tuple[str, ...]  # of the rows as they were read, in each part of the unit
    quarantine: tuple[Refusal, ...] = ()  # rows that were read and refused


def entry_name(file: str, hdu: str) -> str:
    """Return how the ledger, and what is said to people, names an HDU or a text file."""
    return f"{file}[{hdu}]" if hdu else file


def ledger_name(path: Path, root: Path) -> str:
    """Return the name of a file in the ledger: one name, by whatever path it is given.

    Below the root, by any spelling of it, that is the path from there on; links between folders of
    the root count as the folders that they look like. Elsewhere it is the real path.
    """
    path, root = path.absolute(), root.absolute()
    if path.is_relative_to(root):
        below = path.relative_to(root)
        if ".." not in below.parts:
            return str(below)
    folder = next((folder for folder in path.parents if _same(folder, root)), None)
    if folder is not None and ".." not in path.relative_to(folder).parts:
        return str(path.relative_to(folder))
    path, root = (Path(os.path.realpath(one)) for one in (path, root))
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def identity(path: Path) -> object:
    """Return what two paths of the same file share, links and mounts of one device included."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _same(folder: Path, root: Path) -> bool:
    """Say whether two paths are one folder."""
    try:
        return folder.samefile(root)
    except OSError:
        return False
