"""One row per target from the rows of its exposures, as the pipeline coadds a fibermap.

The rules are those of ``desispec.coaddition.coadd_fibermap``. The FIBERMAP of a redshift file holds
the result already, but older versions of that function wrote wrong values (COADD_FIBERSTATUS, means
of positions), so it is computed anew. Rows are sorted out by Polars; floats are summed by NumPy,
because its order of summation is the pipeline's, to the last bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

BAD_IN_B: Final = 0x6F0B04
"""Bits of FIBERSTATUS that spoil an exposure in the b cameras, as of desispec 0.71."""

BAD_IN_R: Final = 0xAF0B04
"""The same for the r cameras."""

BAD_IN_Z: Final = 0x12F0B04
"""The same for the z cameras."""

EXPOSURE_COLUMNS: Final = (
    *("TARGETID", "NIGHT", "TILEID", "MJD", "EXPTIME", "FIBERSTATUS"),
    *("FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y", "FIBER_RA", "FIBER_DEC"),
)
"""Columns of the table of exposures that are needed."""

SPECFLUX: Final = "PSF_TO_FIBER_SPECFLUX"
"""A column that early files lack; then its mean is 0."""

_ARCSEC: Final = 3600
_STATUS, _GOOD = pl.col("FIBERSTATUS"), pl.col("GOOD")
_NIGHTS, _TILES = pl.col("NIGHT").filter("GOOD"), pl.col("TILEID").filter("GOOD")

_COUNTED: Final = (
    pl.when(_GOOD.any())
    .then(_STATUS.filter("GOOD").bitwise_and())
    .otherwise(_STATUS.bitwise_or())
    .alias("COADD_FIBERSTATUS"),
    _GOOD.sum().cast(pl.Int16).alias("COADD_NUMEXP"),
    _NIGHTS.n_unique().cast(pl.Int16).alias("COADD_NUMNIGHT"),
    _TILES.n_unique().cast(pl.Int16).alias("COADD_NUMTILE"),
)


def coadd(exposures: pl.DataFrame) -> pl.DataFrame:
    """Return one row per target, in the order of first appearance.

    An exposure is good if it is usable in at least one camera. Sums and counts are over the good
    exposures; means and the like over these or, if there is none, over all.

    Parameters
    ----------
    exposures : polars.DataFrame
        `EXPOSURE_COLUMNS`, and `SPECFLUX` if there is such a column: a row per target and exposure.
        Angles in degrees, lengths in mm, times in s and days.

    Returns
    -------
    polars.DataFrame
        TARGETID; COADD_FIBERSTATUS, COADD_NUMEXP, COADD_EXPTIME, COADD_NUMNIGHT and COADD_NUMTILE;
        MEAN_ and RMS_ of DELTA_X and DELTA_Y; MEAN_FIBER_X, MEAN_FIBER_Y and
        MEAN_PSF_TO_FIBER_SPECFLUX; MEAN_ [deg] and STD_ [arcsec] of FIBER_RA and FIBER_DEC; MIN_,
        MEAN_ and MAX_MJD. NaN where NaN went in. Types are those of the pipeline.
    """
    rows = _classified(exposures)
    targets = rows.group_by("TARGETID", maintain_order=True).agg(_COUNTED)
    used = Groups(rows.filter("USED"))
    exptime = np.where(targets["COADD_NUMEXP"].to_numpy() > 0, used.sum(used["EXPTIME"]), 0.0)
    single = {"COADD_EXPTIME": exptime}
    for name in ("DELTA_X", "DELTA_Y", "FIBER_X", "FIBER_Y", SPECFLUX):
        single[f"MEAN_{name}"] = used.mean(used[name])
    for name in ("DELTA_X", "DELTA_Y"):
        single[f"RMS_{name}"] = np.sqrt(used.mean(used[name] ** 2))
    double = {
        "MIN_MJD": used.lowest(used["MJD"]),
        "MAX_MJD": -used.lowest(-used["MJD"]),
        "MEAN_MJD": used.mean(used["MJD"]),
    }
    placed = Groups(rows.filter("PLACED"))
    for name, values in _positions(placed).items():
        (single if name.startswith("STD_") else double)[name] = values
    return targets.with_columns(
        *(pl.Series(name, values).cast(pl.Float32) for name, values in single.items()),
        *(pl.Series(name, values) for name, values in double.items()),
    )


class Groups:
    """Rows of targets, in the order of the targets' first appearance.

    Parameters
    ----------
    rows : polars.DataFrame
        With their TARGET, a number that ascends from 0 without gaps.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self.counts = np.bincount(rows["TARGET"].to_numpy())
        self._starts = np.cumsum(self.counts) - self.counts

    def __getitem__(self, column: str) -> np.ndarray:
        return self._rows[column].cast(pl.Float64).to_numpy()

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each target, bit for bit what ``numpy.sum`` of its rows gives."""
        sums = np.empty(len(self.counts), dtype=values.dtype)
        # Targets of equally many rows make a matrix; NumPy sums each row of it like a vector.
        for n in np.unique(self.counts):
            which = np.flatnonzero(self.counts == n)
            sums[which] = values[self._starts[which, None] + np.arange(n)].sum(axis=1)
        return sums

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean over each target."""
        return self.sum(values) / self.counts

    def std(self, values: np.ndarray) -> np.ndarray:
        """Return the standard deviation of each target's rows, as of a whole population."""
        return np.sqrt(self.mean((values - self.each(self.mean(values))) ** 2))

    def lowest(self, values: np.ndarray) -> np.ndarray:
        """Return the smallest value of each target, NaN if one is NaN."""
        return np.minimum.reduceat(values, self._starts) if len(values) else values

    def each(self, per_target: np.ndarray) -> np.ndarray:
        """Return for each row the value of its target."""
        return np.repeat(per_target, self.counts)


def by_target(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring the rows of a target together, and number the targets in a column TARGET."""
    first = pl.col("ROW").first().over("TARGETID")
    return (
        rows.with_row_index("ROW")
        .with_columns((first.rank("dense") - 1).alias("TARGET"))
        .sort("TARGET", maintain_order=True)
        .drop("ROW")
    )


def _classified(exposures: pl.DataFrame) -> pl.DataFrame:
    """Bring rows of a target together; say which are good, used, and used for positions."""
    if SPECFLUX not in exposures.columns:
        exposures = exposures.with_columns(pl.lit(0.0).alias(SPECFLUX))
    usable = [_STATUS.cast(pl.Int64) & mask == 0 for mask in (BAD_IN_B, BAD_IN_R, BAD_IN_Z)]
    known = (pl.col("FIBER_RA") != 0) | (pl.col("FIBER_DEC") != 0)

    def first_choice(*choices: pl.Expr) -> pl.Expr:
        """Return the first of some choices of rows that leaves the target any row."""
        result = pl.lit(True)
        for choice in reversed(choices):
            result = pl.when(choice.any().over("TARGETID")).then(choice).otherwise(result)
        return result

    return (
        by_target(exposures)
        .with_columns(pl.any_horizontal(usable).alias("GOOD"))
        .with_columns(first_choice(_GOOD).alias("USED"))
        .with_columns(first_choice(pl.col("USED") & known, known).alias("PLACED"))
    )


def _positions(placed: Groups) -> dict[str, np.ndarray]:
    """Return means [deg] and scatter [arcsec] of the positions on the sky."""
    ra, dec = placed["FIBER_RA"], placed["FIBER_DEC"]
    width = -placed.lowest(-ra) - placed.lowest(ra)
    # Right ascensions on both sides of 0 are moved away from there, and their mean back.
    offset = np.where(width > 180, 180.0, 0.0)
    moved = np.where(placed.each(offset) > 0, (ra + 180.0) % 360, ra)
    mean_dec = placed.mean(dec)
    return {
        "MEAN_FIBER_RA": (placed.mean(moved) - offset + 360) % 360,
        "STD_FIBER_RA": placed.std(moved) * np.cos(np.radians(mean_dec)) * _ARCSEC,
        "MEAN_FIBER_DEC": mean_dec,
        "STD_FIBER_DEC": placed.std(dec) * _ARCSEC,
    }
