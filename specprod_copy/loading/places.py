"""Where rows of a table come from: the file, the row there, and its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from specprod_copy.rows.units import Unit

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


def columns_of(keys: Iterable[Values]) -> list[list[object]]:
    """Return the values of each column of some keys."""
    return [list(values) for values in zip(*keys, strict=True)]


def by_unit(places: Mapping[Place, object] | Sequence[Place]) -> dict[Unit, list[int]]:
    """Return the numbers of the rows of each file, ascending."""
    found: dict[Unit, list[int]] = {}
    for place in places:
        found.setdefault(place.unit, []).append(place.row)
    return {unit: sorted(rows) for unit, rows in found.items()}
