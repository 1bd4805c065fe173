"""What a draft has to read: whether a key is unique, and whether repeated columns are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import open_table
from specprod_copy.reader.joined import open_joined
from specprod_copy.vac.draft_columns import Drafted

CANDIDATES: Final = (
    ("TARGETID", "SURVEY", "PROGRAM"),
    ("TARGETID", "TILEID"),
    ("TARGETID", "TILEID", "LASTNIGHT"),
    ("TARGETID",),
)
"""Keys that are tried, in this order; then any column whose name ends with ID."""

POSITIONS: Final = (
    ("TARGET_RA", "TARGET_DEC"),
    ("RA", "DEC"),
    ("MEAN_FIBER_RA", "MEAN_FIBER_DEC"),
)


def candidates(columns: Iterable[Drafted]) -> list[tuple[str, ...]]:
    """Return the keys that columns could make."""
    there = [c.fits for c in columns if c.is_scalar and c.not_null]
    keys = [key for key in CANDIDATES if {*there}.issuperset(key)]
    return [*keys, *((name,) for name in there if name.endswith("ID") and (name,) not in keys)]


def position(columns: Iterable[Drafted]) -> tuple[str, ...]:
    """Return the columns with the position on the sky, none if there are none."""
    angles = {c.fits for c in columns if c.type in ("real", "double precision") and c.in_all}
    return next((pair for pair in POSITIONS if angles.issuperset(pair)), ())


def unique_key(
    paths: Sequence[Path], hdu: str, keys: Sequence[tuple[str, ...]]
) -> tuple[str, ...] | None:
    """Return the first of some keys that no two rows of all files share, None without one.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    names = [*dict.fromkeys(name for key in keys for name in key)]
    if not names:
        return None
    frames: list[pl.DataFrame] = []
    for path in paths:
        with open_table(path, (hdu,)) as table:
            frames += table.frames(names)
    if not frames:
        return keys[0]
    every = pl.concat(frames, how="vertical_relaxed")
    return next((key for key in keys if not every.select(key).is_duplicated().any()), None)


def equal_columns(
    paths: Sequence[Path], hdus: Sequence[str], names: Sequence[str]
) -> dict[str, bool]:
    """Say of columns that two HDUs have whether they are equal in every row of all files.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    hdus : sequence of str
        Two of them.
    names : sequence of str
    """
    equal = {}
    for name in names:
        equal[name] = False
        with suppress(InputError):
            for path in paths:
                _compare(path, hdus, name)
            equal[name] = True
    return equal


def _compare(path: Path, hdus: Sequence[str], name: str) -> None:
    with open_joined([(path, (hdu,)) for hdu in hdus], (name,)) as table:
        for _ in table.frames([name]):
            pass
