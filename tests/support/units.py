"""Units of some sizes, of files that nobody reads."""

from __future__ import annotations

from pathlib import Path

from specprod_copy.reader.look import Stamp
from specprod_copy.rows.units import Unit


def units(*sizes: int, source: str = "zpix<redshift") -> list[Unit]:
    """Return units of so many rows."""
    table, stage = source.split("<")
    return [
        Unit(source, table, stage, Path("a.fits"), "a.fits", "A", 0, rows, 8, Stamp(0, 0))
        for rows in sizes
    ]
