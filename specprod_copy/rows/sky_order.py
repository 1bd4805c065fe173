"""The order of rows on the sky: neighbours there become neighbours in the table.

A search around a position reads the pages that hold what it finds. Rows that are sorted within each
chunk on their way into the table need far fewer pages than in the order of the files, at a cost
that can hardly be measured; ``docs/sky-order.md`` has the figures.
"""

from __future__ import annotations

import numpy as np
import polars as pl

_CELLS = 1 << 16
"""Cells of 20 arcsec along a great circle: finer than the rows of a chunk lie apart."""

_SPREAD = ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555))
"""Shifts and masks that put a zero between any two of 16 bits."""


def morton_code(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return a number for each position that is near for positions that are near each other.

    The bits of right ascension and declination by turns: a curve in the shape of a Z, as those of
    q3c and of HEALPix in nested order, but with less to compute. Positions
    are in degrees; one off the sky, such as -9999, has some place, too.
    """
    number = np.zeros(len(ra), dtype=np.uint32)
    for coordinate, bit in ((ra, 0), (dec + 90, 1)):
        cell = np.clip(coordinate * (_CELLS / 360), 0, _CELLS - 1)
        bits = cell.astype(np.uint32)
        for shift, mask in _SPREAD:
            bits = (bits | bits << np.uint32(shift)) & np.uint32(mask)
        number |= bits << np.uint32(bit)
    return number


def sorted_on_sky(frame: pl.DataFrame, ra: str, dec: str) -> pl.DataFrame:
    """Return the rows of a frame in the order of `morton_code`; equal ones stay in theirs."""
    order = np.argsort(morton_code(frame[ra].to_numpy(), frame[dec].to_numpy()), kind="stable")
    return frame.select(pl.all().gather(pl.Series(order)))
