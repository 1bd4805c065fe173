"""Units of some sizes, of files that nobody reads."""

from __future__ import annotations

from pathlib import Path

from specprod_copy.reader.look import Stamp
from specprod_copy.rows.units import Fingerprint, Unit


def units(*sizes: int, source: str = "zpix<redshift") -> list[Unit]:
    """Return units of so many rows."""
    fingerprint = Fingerprint(Stamp(0, 0), "whole")
    table, stage = source.split("<")
    return [
        Unit(source, table, stage, Path("a.fits"), "a.fits", "A", 0, rows, 8, fingerprint)
        for rows in sizes
    ]
