"""Table ``exposure``: one row per EXPID, from HDU EXPOSURES of the top-level exposures file."""

from __future__ import annotations

import polars as pl

from specprod_copy.tables.common import known_survey, odd_words, position
from specprod_copy.tables.source import Check, TableSource

_MJD_OF_1970 = 40587
_DAY_US = 86_400_000_000
_DATES = (-678_575, 2_973_483)
"""MJD of 0001-01-01 and 9999-12-31: what a time stamp of Python can hold."""


def date_obs(mjd: pl.Expr) -> pl.Expr:
    """Return the UTC time of a modified Julian date, to the nearest microsecond.

    Parameters
    ----------
    mjd : polars.Expr
        Modified Julian date [d], as Float64.

    Returns
    -------
    polars.Expr
        Of type ``Datetime("us", "UTC")``.
    """
    day = mjd.floor()
    # The difference is exact, so only the product rounds: by less than 1e-5 microseconds.
    microseconds = ((mjd - day) * _DAY_US).round().cast(pl.Int64)
    since_1970 = (day.cast(pl.Int64) - _MJD_OF_1970) * _DAY_US + microseconds
    return since_1970.cast(pl.Datetime("us", "UTC"))


SOURCE = TableSource(
    table="exposure",
    stage="exposures",
    job_time="00:10:00",
    files=lambda inputs: [inputs.exposures()],
    hdus=("EXPOSURES",),
    derived={"date_obs": (date_obs(pl.col("MJD")),)},
    checks=(
        known_survey(),
        *position("TILERA", "TILEDEC"),
        Check("MJD", ~pl.col("MJD").is_between(*_DATES), "not a date of the years 1 to 9999"),
    ),
    notes=odd_words("PROGRAM", "FAPRGRM", "GOALTYPE"),
    position=("tilera", "tiledec"),
)
