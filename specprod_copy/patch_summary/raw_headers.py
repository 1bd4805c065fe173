"""MJD of exposures from the headers of the raw data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from specprod_copy.errors import InputError
from specprod_copy.reader.fits import read_header

HDU = "SPEC"
KEYWORD = "MJD-OBS"


def raw_file(raw: Path, night: int, expid: int) -> Path:
    """Return where the raw data of an exposure lie, below DESI_SPECTRO_DATA."""
    return raw / f"{night:08d}" / f"{expid:08d}" / f"desi-{expid:08d}.fits.fz"


def read_raw_mjd(
    raw: Path, exposures: Iterable[tuple[int, int]]
) -> tuple[dict[int, float], list[str]]:
    """Read MJD-OBS (days) of exposures, given by NIGHT and EXPID.

    Returns it by EXPID, and in words the files that do not exist. A file without it is an error.
    """
    found: dict[int, float] = {}
    notes = []
    for night, expid in exposures:
        path = raw_file(raw, night, expid)
        if path.is_file():
            found[expid] = _mjd(path)
        else:
            notes.append(f"MJD of exposure {expid} is not set, and there is no {path}")
    return found, notes


def _mjd(path: Path) -> float:
    value = read_header(path, HDU).get(KEYWORD)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        found = "missing" if value is None else f"{value!r}"
        raise InputError(f"keyword {KEYWORD} is {found}, not a date", path=path, hdu=HDU)
    return float(value)
