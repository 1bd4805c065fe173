"""A sky that is made up, and its rows in the order of the files.

Density and files are those of the survey, which a demo production of a
few separate fields is not:

* A patch of 10 degrees of declination in the middle of the footprint, with 5300 targets per square
  degree (76 million in 14,000) at random.
* photometry: a file for each HEALPix pixel of nside 4, its rows in the order of TARGETID, that is
  by brick (rows of declination), and in any order within a brick. So does the public code that
  makes these files (moustakas/desi-photometry, mpi-photometry). The last 6 % of the rows, those
  without Tractor photometry, come from the targetphot files, tile by tile.
* fiberassign: a file per tile, in the order of TILEID; seven passes over the sky of tiles 2.7
  degrees apart, each pass with its own offset. 4200 rows per tile in the order of FIBER, that is
  petal by petal, and in any order within a petal (an assumption: fibers follow no line there).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from specprod_copy.demo import sky

UNIT_ROWS = 500_000
DENSITY = 5300.0
DEC = (25.0, 35.0)
UNMATCHED = 0.06
PASSES, TILE_SPACING, TILE_ROWS = 7, 2.7, 4200


@dataclass(frozen=True)
class Sky:
    """Rows of a table in the order of the files.

    Parameters
    ----------
    table : str
    ra, dec : numpy.ndarray
        Position [deg], shape (n,).
    files : list of int
        Number of rows of each file, n in all.
    """

    table: str
    ra: np.ndarray
    dec: np.ndarray
    files: list[int]

    @property
    def position(self) -> tuple[str, str]:
        """Names of the columns that the q3c index is made of."""
        return ("ra", "dec") if self.table == "photometry" else ("target_ra", "target_dec")

    def pieces(self, rows: int) -> Iterator[np.ndarray]:
        """Yield row numbers, at most so many at a time and of one file."""
        start = 0
        for size in self.files:
            for first in range(start, start + size, rows):
                yield np.arange(first, min(first + rows, start + size))
            start += size


def targets(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n random positions in a patch of the given density."""
    low, high = np.sin(np.radians(DEC))
    width = n / DENSITY / (np.degrees(high - low))
    ra = 140 + width * rng.random(n)
    return ra, np.degrees(np.arcsin(low + (high - low) * rng.random(n)))


def tile_centres(rng: np.random.Generator, ra: np.ndarray) -> Iterator[tuple[float, float]]:
    """Yield centres of tiles over the patch, in the order of TILEID: pass by pass, row by row."""
    for _ in range(PASSES):
        down, right = rng.uniform(0, TILE_SPACING, 2)
        for dec in np.arange(DEC[0] - down, DEC[1] + 1.6, TILE_SPACING):
            step = TILE_SPACING / np.cos(np.radians(dec))
            for centre in np.arange(ra.min() - right, ra.max() + 1.6, step):
                yield float(centre), float(dec)


def photometry(rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray) -> Sky:
    """Put targets in the order of the tractorphot files, the rest in that of targetphot."""
    rest = np.flatnonzero(rng.random(len(ra)) < UNMATCHED)
    tractor = np.setdiff1d(np.arange(len(ra)), rest)
    pixel = sky.healpix(ra[tractor], dec[tractor], 4)
    brick, _ = sky.bricks(ra[tractor], dec[tractor])
    tractor = tractor[np.lexsort((rng.random(len(tractor)), brick, pixel))]
    tile = np.full(len(rest), 1 << 20)
    for number, (tile_ra, tile_dec) in enumerate(tile_centres(rng, ra)):
        near = sky.separation(ra[rest], dec[rest], tile_ra, tile_dec) < sky.TILE_RADIUS
        tile[near] = np.minimum(tile[near], number)
    brick, _ = sky.bricks(ra[rest], dec[rest])
    rest = rest[np.lexsort((brick, tile))]
    order = np.concatenate([tractor, rest])
    files = [*np.unique(pixel, return_counts=True)[1].tolist(), len(rest)]
    return Sky("photometry", ra[order], dec[order], files)


def fiberassign(rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray) -> Sky:
    """Give the fibers of each tile to targets, and put them in the order of its file."""
    rows = []
    for tile_ra, tile_dec in tile_centres(rng, ra):
        near = np.flatnonzero(sky.separation(ra, dec, tile_ra, tile_dec) < sky.TILE_RADIUS)
        # Where the patch ends, so does the tile.
        number = TILE_ROWS * len(near) / (DENSITY * np.pi * sky.TILE_RADIUS**2)
        chosen = rng.permutation(near)[: round(min(number, TILE_ROWS))]
        east = (ra[chosen] - tile_ra) * np.cos(np.radians(tile_dec))
        north = dec[chosen] - tile_dec
        petal = np.floor((np.degrees(np.arctan2(east, north)) % 360) / 36)
        rows.append(chosen[np.argsort(petal, kind="stable")])
    order = np.concatenate(rows)
    return Sky("fiberassign", ra[order], dec[order], [len(r) for r in rows if len(r)])
