"""Fingerprints of tables: one number per column that does not depend on the order of the rows.

The fingerprint of a column is the sum, modulo 2**64, of a hash of each value together with the key
of its row and the number of its column. For values of up to 64 bits the hash is one to one: a
single changed bit always changes the sum. Values that changed places change it too, because each
is bound to its row. (That several changes cancel out, or that two texts or ids share a hash, has
a chance of 2**-64.) Texts are hashed by Polars, so fingerprints of different versions of it cannot
be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import polars as pl

from specprod_copy.rows.transform import NOT_FINITE

PARTS = 2**14
"""Parts of a table, by the hash of the key, of which differing ones are looked at closer."""

_PART_SHIFT = np.uint64(64 - 14)
_GOLDEN = 0x9E3779B97F4A7C15
_NULL = 0x6E756C6C
_SEED_OF_TEXT = 1
_OF_NULL: dict[pl.DataType, object] = {
    pl.String(): "",
    pl.Boolean(): False,
    pl.Datetime("us", "UTC"): datetime(1970, 1, 1, tzinfo=UTC),
}


def mix(numbers: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers one to one (the finalizer of SplitMix64).

    Parameters
    ----------
    numbers : numpy.ndarray of uint64
        Is overwritten.

    Returns
    -------
    numpy.ndarray
        The same array.
    """
    shifted = numbers >> np.uint64(30)
    numbers ^= shifted
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(numbers, np.uint64(27), out=shifted)
    numbers ^= shifted
    numbers *= np.uint64(0x94D049BB133111EB)
    np.right_shift(numbers, np.uint64(31), out=shifted)
    numbers ^= shifted
    return numbers


def words(series: pl.Series) -> np.ndarray:
    """Return what is hashed for values: their bits, as 64-bit numbers.

    Parameters
    ----------
    series : polars.Series
        Of a type in `specprod_copy.postgres.columns.POLARS_TYPES`. Nulls are like anything.

    Returns
    -------
    numpy.ndarray of uint64, shape (len(series),)
        To be overwritten by the caller. Different values have different words, but for text and
        for ids beyond 64 bits, of which these are hashes. 0.0 and -0.0 differ.
    """
    if isinstance(series.dtype, pl.List):
        return _of_lists(series)
    if series.null_count():
        series = series.fill_null(_OF_NULL.get(series.dtype, 0))
    if series.dtype == pl.String:
        return series.hash(_SEED_OF_TEXT).to_numpy(writable=True)
    if series.dtype.is_decimal():
        array = series.to_arrow()
        halves = np.frombuffer(array.buffers()[1], dtype="<u8").reshape(-1, 2)
        halves = halves[array.offset : array.offset + len(array)]
        return mix(halves[:, 1].copy()) ^ halves[:, 0]
    # To ask Polars for it takes as long as all the rest of a few hundred values.
    values = (series.to_physical() if series.dtype.is_temporal() else series).to_numpy()
    if values.dtype.kind == "f":
        return values.view(f"u{values.itemsize}").astype(np.uint64)
    return values.astype(np.int64).view(np.uint64)


def _of_lists(series: pl.Series) -> np.ndarray:
    """Return a hash of each list: of its elements' bits, their places and their number.

    The hash of an element is one to one, so that a single changed bit changes the sum of them.
    """
    sizes = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    ends = np.cumsum(sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(ends - sizes, sizes)
    flat = series.list.explode(empty_as_null=False, keep_nulls=False)
    places = mix(within.astype(np.uint64) + np.uint64(1))
    elements = words(flat) ^ places
    if flat.null_count():
        absent = flat.is_null().to_numpy()
        elements[absent] = mix(places[absent] ^ np.uint64(_NULL))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mix(elements), dtype=np.uint64)])
    return sums[ends] - sums[ends - sizes] + mix(sizes.astype(np.uint64))


def _count_not_finite(series: pl.Series, hashes: np.ndarray) -> int:
    if isinstance(series.dtype, pl.List):
        if series.dtype.inner not in (pl.Float32, pl.Float64):
            return 0
        series = series.list.explode(empty_as_null=False, keep_nulls=False)
        return int((series == NOT_FINITE).sum())
    if not series.dtype.is_float():
        return 0
    return int(np.count_nonzero(hashes == _not_finite(series.dtype)))


@cache
def _not_finite(dtype: pl.DataType) -> np.uint64:
    return words(pl.Series([NOT_FINITE], dtype=dtype))[0]


def key_hashes(frame: pl.DataFrame, key: Sequence[str], seed: int = 0) -> np.ndarray:
    """Return a hash of each row's key.

    Parameters
    ----------
    frame : polars.DataFrame
    key : sequence of str
        Its columns.
    seed : int
        Another seed gives other hashes.
    """
    hashes = mix(words(frame[key[0]]))
    for name in key[1:]:
        hashes = mix(hashes ^ words(frame[name]))
    return mix(hashes + np.uint64(seed * _GOLDEN % 2**64))


def parts_of(keys: np.ndarray) -> np.ndarray:
    """Return the part of the table, below `PARTS`, that each row belongs to."""
    return (keys >> _PART_SHIFT).astype(np.intp)


@dataclass
class Tally:
    """What is counted of the columns of a table, on either side; sums over all rows.

    Parameters
    ----------
    sums : numpy.ndarray of uint64, shape (columns,)
        Fingerprints.
    nulls, not_finite : numpy.ndarray of int64, shape (columns,)
        Numbers of NULLs, and of floats that are `NOT_FINITE`.
    parts : numpy.ndarray of uint64, shape (PARTS,)
        Fingerprints of the parts, over all columns.
    rows : int
    """

    sums: np.ndarray
    nulls: np.ndarray
    not_finite: np.ndarray
    parts: np.ndarray
    rows: int = 0

    @classmethod
    def of_nothing(cls, columns: int) -> Tally:
        """Return the tally of a table of so many columns without rows."""
        unsigned, signed = np.dtype(np.uint64), np.dtype(np.int64)
        return cls(
            np.zeros(columns, unsigned),
            np.zeros(columns, signed),
            np.zeros(columns, signed),
            np.zeros(PARTS, unsigned),
        )

    def count(self, frame: pl.DataFrame, keys: np.ndarray) -> None:
        """Count rows in.

        Parameters
        ----------
        frame : polars.DataFrame
            All columns, in the same order each time.
        keys : numpy.ndarray of uint64, shape (frame.height,)
            From `key_hashes`.
        """
        of_rows = np.zeros(frame.height, dtype=np.uint64)
        sums = np.zeros_like(self.sums)
        for number, series in enumerate(frame.iter_columns()):
            hashes = words(series)
            self.not_finite[number] += _count_not_finite(series, hashes)
            salted = keys + np.uint64((number + 1) * _GOLDEN % 2**64)
            hashes ^= salted
            mix(hashes)
            nulls = series.null_count()
            if nulls:
                absent = series.is_null().to_numpy()
                hashes[absent] = mix(salted[absent] ^ np.uint64(_NULL))
            self.nulls[number] += nulls
            sums[number] = hashes.sum()
            of_rows += hashes
        self.sums += sums
        np.add.at(self.parts, parts_of(keys), of_rows)
        self.rows += frame.height

    def add(self, other: Tally) -> None:
        """Count the rows of another tally in."""
        self.sums += other.sums
        self.nulls += other.nulls
        self.not_finite += other.not_finite
        self.parts += other.parts
        self.rows += other.rows
