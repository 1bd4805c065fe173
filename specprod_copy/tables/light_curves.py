"""Table ``photometry_lc``: the light curves of tractorphot files, where they are asked for."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Final

import polars as pl

from specprod_copy.tables import photometry
from specprod_copy.tables.source import TableSource

_UNUSED: Final = {
    "FLUX": 0,
    "FLUX_IVAR": 0,
    "NOBS": 0,
    "FRACFLUX": 0,
    "RCHISQ": 0,
    "MJD": 0,
    "EPOCH_INDEX": -1,
}
"""Quantities, and what they are in slots of which there are 15 (DR9) or 17 (DR10) but no epoch."""

_BANDS: Final = ("W1", "W2")


def _is_used(name: str, unused: int) -> pl.Expr:
    """Return for each slot 1 if it holds anything, else 0."""
    return pl.col(name).arr.eval((pl.element() != unused).fill_null(True).cast(pl.Int8))


def _slots(band: str) -> pl.Expr:
    """Return the number of slots up to the last one that holds anything, or null."""
    times = reduce(add, (_is_used(f"LC_{name}_{band}", none) for name, none in _UNUSED.items()))
    used = (times + len(_UNUSED) - 1) // len(_UNUSED)  # 1 or 0: the first 1 is the maximum
    last = used.arr.len().cast(pl.Int64) - used.arr.reverse().arr.arg_max().cast(pl.Int64)
    return pl.when(used.arr.max() > 0).then(last)


def _cut(quantity: str, band: str) -> pl.Expr:
    """Return arrays without the slots behind the last epoch; NULL without any."""
    slots = pl.int_ranges(0, _slots(band))
    return pl.col(f"LC_{quantity}_{band}").arr.to_list().list.gather(slots)


LIGHT_CURVES: Final = TableSource(
    table="photometry_lc",
    stage="photometry",
    job_time=photometry.TRACTORPHOT.job_time,
    row_bytes=(1177, 29),
    files=photometry.TRACTORPHOT.files,
    hdus=photometry.TRACTORPHOT.hdus,
    derived={
        f"lc_{quantity}_{band}".lower(): (_cut(quantity, band),)
        for quantity in _UNUSED
        for band in _BANDS
    },
    first_per=photometry.TRACTORPHOT.first_per,
    # In arrays of measurements NaN is what everybody's programs know how to leave out.
    finitize=False,
)
