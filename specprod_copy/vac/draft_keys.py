"""What a draft has to read: whether a key is unique, and whether repeated columns are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from polars import selectors

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

_ONE_TYPE: Final = (selectors.integer().cast(pl.Int128), selectors.float().cast(pl.Float64))
"""Files may have a column as another type, of which equal numbers have other hashes."""


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
    return next((key for key in keys if _is_unique(paths, hdu, key)), None)


def _is_unique(paths: Sequence[Path], hdu: str, key: Sequence[str]) -> bool:
    """Say whether no two rows share a key; of each row 8 bytes are kept, a hash of it."""
    found = [np.empty(0, np.uint64)]
    for path in paths:
        with open_table(path, (hdu,)) as table:
            for frame in table.frames(key):
                found.append(frame.with_columns(*_ONE_TYPE).hash_rows().to_numpy())
    hashes = np.sort(np.concatenate(found))
    return not (hashes[1:] == hashes[:-1]).any()


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
