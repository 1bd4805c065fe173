"""The heap of a FITS binary table: arrays of any length, to which the rows point.

Rules: FITS standard 4.0, section 7.3.5. Arrays may lie in any order, with gaps in between, and
several rows may have the same one; it is damage if they overlap otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specprod_copy.reader.fits_columns import FitsColumn
from specprod_copy.reader.fits_header import integer
from specprod_copy.reader.fits_values import BadCells
from specprod_copy.reader.selection import Fault, RowNumbers

MOST_BYTES = 1 << 25
"""Longer arrays are not read."""

_READ_BYTES = 1 << 20
_GAP_BYTES = 1 << 12
"""To read over a smaller gap is quicker than to begin once more behind it."""


@dataclass(frozen=True)
class Heap:
    """The heap of an HDU."""

    start: int
    """Where it begins, from the beginning of the HDU's data [byte]."""
    size: int
    """Its length [byte]."""

    @classmethod
    def of(cls, header: Mapping[str, object], table: int, data: int, fault: Fault) -> Heap:
        """Return the heap that a header describes.

        Parameters
        ----------
        header : mapping
        table, data : int
            Bytes of the rows, and of all data of the HDU.
        fault : callable
            Makes the error.
        """
        start = integer(header, "THEAP", fault) if "THEAP" in header else table
        if not table <= start <= data:
            raise fault(
                f"damaged header: THEAP is {start}, but the rows end at byte {table} of the data, "
                f"and these at byte {data}"
            )
        return cls(start, data - start)

    def places(self, column: FitsColumn, descriptors: np.ndarray) -> Places:
        """Return where the arrays of a column lie, given what the rows have; shape (rows, 2).

        Raises
        ------
        BadCells
            If an array is not within the heap, or too long.
        """
        counts, starts = descriptors[:, 0].astype(np.int64), descriptors[:, 1].astype(np.int64)
        width = np.dtype(column.stored).itemsize
        some = counts > 0  # The place of an array without elements means nothing.
        most = self.size // width
        outside = (counts < 0) | (some & ((starts < 0) | (starts > self.size) | (counts > most)))
        outside |= some & ~outside & (starts > self.size - np.minimum(counts, most) * width)
        for bad, reason in (
            (outside, f"an array that is not within the heap of {self.size:,} bytes"),
            (counts > MOST_BYTES // width, f"an array of more than {MOST_BYTES:,} bytes"),
        ):
            if bad.any():
                rows = np.flatnonzero(bad).tolist()
                raise BadCells(reason, rows, [_Descriptor(counts[n], starts[n]) for n in rows])
        return Places(np.where(some, starts, 0), counts * width)

    def by_rows(self, columns: Sequence[FitsColumn], descriptors: Sequence[np.ndarray]) -> Places:
        """Return where the arrays of several columns lie, those of a row one after the other.

        Those that cannot be read have no bytes here.
        """
        found = [self._sound(*of_column) for of_column in zip(columns, descriptors, strict=True)]
        return Places(
            np.stack([places.starts for places in found], axis=1).reshape(-1),
            np.stack([places.sizes for places in found], axis=1).reshape(-1),
        )

    def _sound(self, column: FitsColumn, descriptors: np.ndarray) -> Places:
        while True:
            try:
                return self.places(column, descriptors)
            except BadCells as bad:
                descriptors = descriptors.copy()
                descriptors[bad.positions] = 0

    def read(self, places: Places, fill: Callable[[int, memoryview], None]) -> np.ndarray:
        """Return arrays one after the other, as bytes.

        What fills a buffer from a byte of the HDU's data on is given.
        """
        result = np.empty(int(places.sizes.sum()), np.uint8)
        view, to = result.data, (np.cumsum(places.sizes) - places.sizes).tolist()
        for first, last, pieces in _spans(places):
            data = memoryview(bytearray(last - first))
            fill(self.start + first, data)
            for number, begin, end in pieces:
                view[to[number] : to[number] + end - begin] = data[begin - first : end - first]
        return result


@dataclass(frozen=True)
class Places:
    """Where arrays lie in the heap; the shapes are (rows,)."""

    starts: np.ndarray
    """First byte."""
    sizes: np.ndarray
    """Number of bytes."""

    def part(self, rows: slice) -> Places:
        """Return those of some rows."""
        return Places(self.starts[rows], self.sizes[rows])


@dataclass(frozen=True)
class _Descriptor:
    """What a row says about its array, as errors show it."""

    count: int
    start: int

    def __repr__(self) -> str:
        return f"{self.count} elements from byte {self.start} on"


_Piece = tuple[int, int, int]
"""Number of an array, its first byte, the byte after its last one."""


def _spans(places: Places) -> Iterator[tuple[int, int, list[_Piece]]]:
    """Cut arrays into what is read at once: first byte, the byte after the last one, the arrays."""
    some = np.flatnonzero(places.sizes)
    order = some[np.argsort(places.starts[some], kind="stable")]
    starts, ends = places.starts[order], places.starts[order] + places.sizes[order]
    span: list[_Piece] = []
    first = last = 0
    for piece in zip(order.tolist(), starts.tolist(), ends.tolist(), strict=True):
        _, start, end = piece
        if span and (start > last + _GAP_BYTES or end > first + _READ_BYTES):
            yield first, last, span
            span = []
        first, last = (first, max(last, end)) if span else (start, end)
        span.append(piece)
    if span:
        yield first, last, span


def cut(columns: Sequence[Places], rows: int, most: int) -> Iterator[slice]:
    """Cut rows so that their arrays in the heap make no more than so many bytes."""
    ends = np.cumsum(sum(places.sizes for places in columns)) if columns else np.zeros(rows)
    start = 0
    while start < rows:
        before = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, before + most, side="right"))
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def refuse_overlap(columns: Mapping[str, Places], rows: RowNumbers, fault: Fault) -> None:
    """Raise an error for two arrays that share bytes, and are not the same one.

    It is about the file, and not one of its rows: which of the two is right nobody knows.
    """
    if not columns:
        return
    starts = np.concatenate([places.starts for places in columns.values()])
    sizes = np.concatenate([places.sizes for places in columns.values()])
    some = np.flatnonzero(sizes)
    order = some[np.lexsort((sizes[some], starts[some]))]
    starts, sizes = starts[order], sizes[order]
    same = (starts[1:] == starts[:-1]) & (sizes[1:] == sizes[:-1])
    wrong = np.flatnonzero(~same & (starts[1:] < starts[:-1] + sizes[:-1]))
    if len(wrong):
        names = [*columns]
        (one, row), (other, other_row) = (
            divmod(int(number), len(rows)) for number in order[wrong[0] : wrong[0] + 2]
        )
        raise fault(
            f"damaged heap: the array of row {rows[row]}, from byte {starts[wrong[0]]} on, shares "
            f"bytes with that of row {rows[other_row]} of {names[other]}",
            column=names[one],
        )
