"""Where rows of a table come from: the file, the row there, and its key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from specprod_copy.postgres.columns import Column
from specprod_copy.rows.units import Unit
from specprod_copy.tables.common import ranked_by

Values = tuple[object, ...]
"""Of the columns of a key."""


class Place(NamedTuple):
    """Where a row comes from.

    Parameters
    ----------
    unit : Unit
        The whole file.
    row : int
        Its number there.
    key : tuple
        Its primary key.
    rank : tuple
        Of spectra: the smallest one is the best one.
    """

    unit: Unit
    row: int
    key: Values
    rank: tuple[bool, float] = (False, 0.0)


def rank_columns(columns: Iterable[Column]) -> list[Column]:
    """Return the columns of a table of spectra that `rank` takes the values of."""
    named = {column.name: column for column in columns}
    return [named[name] for name in ("zwarn", ranked_by(named.values()))]


def rank(values: tuple[int, float]) -> tuple[bool, float]:
    """Return what sorts spectra from the best one on, as primary ones are chosen."""
    zwarn, value = values
    return zwarn != 0, math.inf if math.isnan(value) else -value


def columns_of(keys: Iterable[Values]) -> list[list[object]]:
    """Return the values of each column of some keys."""
    return [list(values) for values in zip(*keys, strict=True)]


def frame_of(key: Sequence[Column], keys: Iterable[Values]) -> pl.DataFrame:
    """Return some keys as a frame with the columns of a key."""
    return pl.DataFrame(
        {
            column.name: pl.Series(values, dtype=column.polars_type)
            for column, values in zip(key, columns_of(keys), strict=True)
        }
    )


def by_unit(places: Mapping[Place, object] | Sequence[Place]) -> dict[Unit, list[int]]:
    """Return the numbers of the rows of each file, ascending."""
    found: dict[Unit, list[int]] = {}
    for place in places:
        found.setdefault(place.unit, []).append(place.row)
    return {unit: sorted(rows) for unit, rows in found.items()}
