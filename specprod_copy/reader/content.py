"""Digests: what tells the content of an input from another one, by every single bit.

The digest of rows is that of the header and of these rows' bytes, taken in as they are read. The
header counts without comments, and without keywords that change when the same table is written
again; that of the primary HDU counts as far as it gives keywords which the other one lacks. What
rows have in a heap counts after them, in the order of the rows and their columns.
The digest of a text file is that of the whole file. Both are XXH3-128: 30 us for a megabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from xxhash import xxh3_128, xxh3_128_hexdigest

from specprod_copy.reader.files import input_errors, open_regular

_BLOCK_BYTES = 1 << 20

_REWRITTEN = ("CHECKSUM", "DATASUM", "DATE")
"""Keywords that are new whenever a table is written; the sums say nothing that its bytes do not."""


class Digest(Protocol):
    """The digest of some rows of an open table."""

    def hexdigest(self) -> str:
        """Return it, after a look at what nobody has read yet.

        Raises
        ------
        InputError
            If the file cannot be read.
        """


class RowsDigest:
    """The digest of rows ``[first, last)``, taken in as somebody reads them in ascending order.

    Parameters
    ----------
    header : mapping
        All that is known about the table, the keywords of the primary HDU included.
    first, last : int
    row_bytes : int
    read : callable
        Fills a buffer with whole rows, given the first one: for rows that nobody else reads.
    beside : callable, optional
        Yields what rows, given by their bytes, have in a heap.
    """

    def __init__(
        self,
        header: Mapping[str, object],
        first: int,
        last: int,
        row_bytes: int,
        read: Callable[[int, memoryview], None],
        beside: Callable[[memoryview], Iterable[memoryview]] | None = None,
    ) -> None:
        kept = {key: value for key, value in header.items() if key not in _REWRITTEN}
        self._hash = xxh3_128(repr(sorted(kept.items())).encode(errors="surrogateescape"))
        self._next, self._last = first, last
        self._row_bytes, self._read = row_bytes, read
        self._beside, self._hash_beside = beside, xxh3_128()

    @property
    def done(self) -> bool:
        """Whether all rows were taken in."""
        return self._next >= self._last

    def take(self, first: int, data: memoryview) -> None:
        """Take in whole rows from row `first` on; those that were taken in before do not count."""
        if self._next < first:
            self._read_up_to(min(first, self._last))
        end = min(first + len(data) // max(self._row_bytes, 1), self._last)
        if self._next < end:
            start, stop = (n * self._row_bytes for n in (self._next - first, end - first))
            self._update(data[start:stop])
            self._next = end

    def hexdigest(self) -> str:
        """Return the digest; see `Digest.hexdigest`."""
        self._read_up_to(self._last)
        if self._beside is None:
            return self._hash.hexdigest()
        return xxh3_128_hexdigest(self._hash.digest() + self._hash_beside.digest())

    def _update(self, rows: memoryview) -> None:
        self._hash.update(rows)
        if self._beside is not None:
            for data in self._beside(rows):
                self._hash_beside.update(data)

    def _read_up_to(self, end: int) -> None:
        rows = max(_BLOCK_BYTES // max(self._row_bytes, 1), 1)
        buffer = memoryview(bytearray(min(rows, end - self._next) * self._row_bytes))
        while self._next < end:
            n = min(rows, end - self._next)
            block = buffer[: n * self._row_bytes]
            self._read(self._next, block)
            self._update(block)
            self._next += n


class KnownDigest:
    """A digest that was taken when the file was read."""

    def __init__(self, known: str) -> None:
        self._known = known

    def hexdigest(self) -> str:
        """Return it."""
        return self._known


def digest_of(data: bytes) -> str:
    """Return the digest of all bytes of a file."""
    return xxh3_128_hexdigest(data)


def file_digest(path: Path) -> str:
    """Return the digest of a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = xxh3_128()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with input_errors(path), open_regular(path) as file:
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return digest.hexdigest()
