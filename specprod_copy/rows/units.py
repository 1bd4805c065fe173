"""Units: ranges of rows of one HDU on their way to one table, and what became of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np

from specprod_copy.reader.look import Stamp


class Change(Enum):
    """What became of an HDU since it was loaded."""

    NONE = auto()
    CONTENT = auto()
    UNKNOWN = auto()
    """The file has another stamp, and the HDU is too large to tell whether it changed."""


@dataclass(frozen=True)
class Fingerprint:
    """What tells that an HDU is still the one that was loaded."""

    stamp: Stamp  # of the file
    digest: str  # of the HDU, see `specprod_copy.reader.content`

    @property
    def packed(self) -> bool:
        """Whether any row can be read only after all that stand before it in the file."""
        return self.digest.startswith("gzip ")

    def change_since(self, before: Fingerprint) -> Change:
        """Say whether the HDU changed, by an earlier fingerprint of it.

        A file that was copied, or got another HDU mended, has another stamp: that alone is no
        change, where the digest stands for all of the HDU.
        """
        if self.digest != before.digest:
            return Change.CONTENT
        if self.stamp != before.stamp and self.digest.startswith("samples "):
            return Change.UNKNOWN
        return Change.NONE


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
    fingerprint: Fingerprint  # of the HDU when the load was planned
    # The rows to load, sorted, when they are not all of the range.
    rows: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """The file and the HDU, as the ledger has them."""
        return self.file, self.hdu

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
class Refusal:
    """A row of a file that is in quarantine: it was refused, and the rest of its file loaded."""

    row: int  # its number in the HDU, counted from 0
    column: str  # the input column that is blamed, or several, joined by ``+``
    value: str  # what is in that column, as error messages show it
    reason: str  # what is wrong with it; of several reasons the first one that was found
    # ``value``: the row itself shows it. ``key``: an earlier row has the same key. ``reference``:
    # the row that it refers to does not exist.
    rule: str = "value"


@dataclass(frozen=True)
class UnitResult:
    """What became of a unit."""

    unit: Unit
    rows_read: int
    rows_kept: int  # that passed the row filter and were loaded
    values_changed: int  # NaN and infinite values that were replaced
    bytes_sent: int  # of COPY data
    seconds: float
    quarantine: tuple[Refusal, ...] = ()  # rows that were read and refused


def ledger_name(path: Path, root: Path) -> str:
    """Return the name of a file in the ledger: one name, by whatever path it is given.

    Below the root, by any spelling of it, that is the path from there on; links between folders of
    the root count as the folders that they look like. Elsewhere it is the real path.
    """
    path, root = path.absolute(), root.absolute()
    if path.is_relative_to(root) and ".." not in path.relative_to(root).parts:
        return str(path.relative_to(root))
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
