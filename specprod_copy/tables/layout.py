"""What the tables of a production have, and are made of, that those of others do not."""

from __future__ import annotations

from dataclasses import dataclass

WIDE = "wide"
"""What the SQL files of `WIDE_TABLES` are asked for: 8-byte floats, where 4-byte ones are usual."""

WIDE_TABLES = ("exposure", "frame")


@dataclass(frozen=True)
class Layout:
    """What differs between the tables of productions."""

    zcatalog: int = 1
    """Version of the format of the redshift catalogs: 1 is one file, 2 core, extra and imaging."""
    from_catalogs: bool = False
    """Whether photometry, target and fiberassign are made of the redshift catalogs."""
    keep_best: bool = False
    """Whether of spectra that the catalogs have twice the one that ranks first is kept."""
    light_curves: bool = False
    """Whether there is table photometry_lc."""
    optional: frozenset[tuple[str, str]] = frozenset()
    """Tables, and what their SQL files are asked for beyond what every production has."""
    partitions: int = 1
    """How many partitions the large tables have, or `postgres.schema.DISTRIBUTED`."""
    notes: tuple[str, ...] = ()
    """What people are to be told of how it was found."""


V1 = Layout()
"""That of productions up to DR1, and of those of DR2 that have no newer catalogs."""
