"""What makes a value of a summary table one to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from specprod_copy.desi.ids import SURVEYS


@dataclass(frozen=True)
class Fault:
    """A fault that a value can have."""

    where: pl.Expr
    """Whether a row has the fault; null counts as no."""
    name: str
    """The fault in words."""


UNKNOWN: Final = "unknown"
"""What stands for text that is not known."""

MJD_NOT_SET: Final = Fault(pl.col("MJD") < 50000, "MJD below 50000")
NO_POSITION: Final = Fault(
    (pl.col("TILERA") == 0) & (pl.col("TILEDEC") == 0), "TILERA and TILEDEC are 0"
)
NO_SURVEY: Final = Fault(~pl.col("SURVEY").is_in(list(SURVEYS)), "no known survey")


def missing(column: str) -> Fault:
    """Return the fault that there is no value (NaN and blank text are read as null)."""
    return Fault(pl.col(column).is_null(), "missing")


def is_unknown(column: str) -> Fault:
    """Return the fault of being the text ``unknown``."""
    return Fault(pl.col(column) == UNKNOWN, UNKNOWN)


def not_finite(column: str) -> Fault:
    """Return the fault of being missing (NaN) or infinite."""
    return Fault(~pl.col(column).is_finite().fill_null(False), "not finite")
