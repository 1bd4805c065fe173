"""Where the spectra of a target lie, below the folder of a production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

KINDS: Final = ("coadd", "redrock")

FIBERS_OF_A_PETAL: Final = 500

FOLDERS: Final = {"healpix": "healpix", "uniqpix": "spectra"}
"""Way of grouping by pixels to its folder."""


def of_pixel(survey: str, program: str, spgrp: str, pixel: int) -> Iterator[PurePosixPath]:
    """Yield the files of a pixel, as `KINDS`.

    Parameters
    ----------
    survey, program : str
    spgrp : str
        ``healpix``, or ``uniqpix`` for HEALPixels of several sizes.
    pixel : int
        The value of that grouping.

    Raises
    ------
    KeyError
        If spectra of that group lie in no such folder.
    """
    folder = PurePosixPath(FOLDERS[spgrp], survey, program, str(pixel // 100), str(pixel))
    for kind in KINDS:
        yield folder / f"{kind}-{survey}-{program}-{pixel}.fits"


def of_tile(tileid: int, night: int, petal: int) -> Iterator[PurePosixPath]:
    """Yield the files of a petal of a tile, of all nights up to one, as `KINDS`.

    Parameters
    ----------
    tileid : int
    night : int
        The last night, YYYYMMDD.
    petal : int
        0 to 9.
    """
    folder = PurePosixPath("tiles", "cumulative", str(tileid), str(night))
    for kind in KINDS:
        yield folder / f"{kind}-{petal}-{tileid}-thru{night}.fits"
