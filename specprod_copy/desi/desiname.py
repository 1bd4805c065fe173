"""The IAU-style name of an object, from its position."""

from __future__ import annotations

import functools
from typing import Final

import polars as pl

from specprod_copy.desi.domains import Range, accepts

# The positions that have a name [deg].
RA: Final = Range(0.0, 360.0, pl.Float64, closed="left")
DEC: Final = Range(-90.0, 90.0, pl.Float64)

LENGTH: Final = 22
"""Characters of a name."""


@accepts(ra=RA, dec=DEC)
def desiname(ra: pl.Expr, dec: pl.Expr) -> pl.Expr:
    """Return ``DESI JRRR.rrrr±DD.dddd``, the name of an object at a position.

    Both coordinates are multiplied by 10000.0 in double precision and truncated toward zero, as
    desiutil.names.radec_to_desiname does since version 3.5; earlier ones wrote shorter, wrong names
    near zero. The sign of a declination that is truncated to 0 is ``+``.

    Parameters
    ----------
    ra : polars.Expr or float
        Right ascension in degrees, 0 <= ra < 360 (TARGET_RA).
    dec : polars.Expr or float
        Declination in degrees, -90 <= dec <= 90 (TARGET_DEC).

    Returns
    -------
    polars.Expr or str
        Names of 22 characters; null in rows with a coordinate that is null, NaN or out of range.

    Raises
    ------
    ValueError
        If a plain value is NaN or out of range.
    """
    a = (10000.0 * ra).cast(pl.Int32)
    d = (10000.0 * dec).cast(pl.Int32)
    ra_degrees, dec_degrees, fractions = (pl.lit(pieces) for pieces in _pieces())
    return pl.concat_str(
        ra_degrees.gather(a // 10000),
        fractions.gather(a % 10000),
        dec_degrees.gather(d.abs() // 10000 + pl.when(d < 0).then(91).otherwise(0)),
        fractions.gather(d.abs() % 10000),
    )


@functools.cache
def _pieces() -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return all beginnings, all signed degrees and all fractions that a name can have.

    Looking up ready-made pieces is three times faster than padding numbers with zeros, because
    pieces of up to 12 bytes lie inside Polars' string views.
    """
    return (
        pl.Series([f"DESI J{degree:03d}." for degree in range(360)]),
        pl.Series([f"{sign}{degree:02d}." for sign in "+-" for degree in range(91)]),
        pl.Series([f"{fraction:04d}" for fraction in range(10000)]),
    )
